/// Upright bars of several kinds, side by side for each category.
public struct BarChart: Sendable {
  /// Above the picture.
  public var title: String
  /// Below it: what the categories are.
  public var xLabel: String
  /// Left of it.
  public var yLabel: String
  /// Along the x axis.
  public var categories: [String]
  /// In the order of the legend; a value for each category.
  public var series: [(name: String, values: [Double])]

  /// A picture.
  public init(
    title: String, xLabel: String, yLabel: String, categories: [String], series: [(name: String, values: [Double])]
  ) {
    (self.title, self.xLabel, self.yLabel) = (title, xLabel, yLabel)
    (self.categories, self.series) = (categories, series)
  }

  /// The picture.
  public var picture: SVGPicture {
    let frame = SVGPicture.chartFrame(height: 200)
    var picture = SVGPicture(chart: title, frame)
    let most = series.flatMap(\.values).filter(\.isFinite).max() ?? 0
    let axes = Axes(frame: frame, x: ValueScale(0...1), y: ValueScale(0...(most > 0 ? most * 1.05 : 1)))
    axes.draw(in: &picture, xLabel: nil, yLabel: yLabel, hasColumns: false)
    let room = frame.width / Double(max(1, categories.count))
    let width = 0.8 * room / Double(max(1, series.count))
    let step = max(1, categories.count / 20)
    for (place, category) in categories.enumerated() {
      let left = frame.x + room * Double(place)
      if place % step == 0 { picture.text(category, left + room / 2, frame.bottom + 16, size: 11, anchor: .middle) }
      for (index, one) in series.enumerated() where one.values.indices.contains(place) && one.values[place] > 0 {
        let top = axes.row(one.values[place])
        picture.rectangle(
          .init(
            x: left + 0.1 * room + width * Double(index), y: top, width: max(0.5, width - 1),
            height: frame.bottom - top), fill: ColourMap.line(index))
      }
    }
    picture.text(xLabel, frame.x + frame.width / 2, frame.bottom + 34, anchor: .middle)
    picture.legend(series.map(\.name), rightOf: frame)
    return picture
  }
}
