/// How many of some numbers lie in each of equal bins: lengths of objects, say.
public struct HistogramChart: Sendable {
  /// Above the picture.
  public var title: String
  /// What the numbers are, below it.
  public var xLabel: String
  /// What is counted, left of it.
  public var yLabel: String
  /// In the order of the legend; one alone has none. Numbers that are not finite are not counted.
  public var series: [(name: String, values: [Double])]

  /// The most bins.
  private static let mostBins = 40

  /// A picture.
  public init(title: String, xLabel: String, yLabel: String, series: [(name: String, values: [Double])]) {
    (self.title, self.xLabel, self.yLabel, self.series) = (title, xLabel, yLabel, series)
  }

  /// Equal bins that begin at a multiple of their width, which is 1, 2 or 5 times a power of 10.
  struct Bins {
    let width: Double
    let first: Int
    let count: Int

    init(_ values: [Double]) {
      let known = values.filter(\.isFinite)
      let (least, greatest) = (known.min() ?? 0, known.max() ?? 0)
      let span = greatest > least ? greatest - least : max(1, greatest.magnitude)
      width = ValueScale.evenStep(span, most: HistogramChart.mostBins - 1)
      first = Int((least / width).rounded(.down))
      count = Int((greatest / width).rounded(.down)) - first + 1
    }

    var ends: ClosedRange<Double> { Double(first) * width...Double(first + count) * width }

    /// How many of some numbers are in each bin; a number on a border counts in the bin above it.
    func counts(_ values: [Double]) -> [Int] {
      values.reduce(into: [Int](repeating: 0, count: count)) { counts, value in
        if value.isFinite { counts[min(count - 1, max(0, Int((value / width).rounded(.down)) - first))] += 1 }
      }
    }
  }

  /// The picture.
  public var picture: SVGPicture {
    let frame = SVGPicture.chartFrame(height: 220)
    var picture = SVGPicture(chart: title, frame)
    let bins = Bins(series.flatMap(\.values))
    let counts = series.map { bins.counts($0.values) }
    let axes = Axes(
      frame: frame, x: ValueScale(bins.ends),
      y: ValueScale(0...max(1, 1.05 * Double(counts.flatMap(\.self).max() ?? 0))))
    axes.draw(in: &picture, xLabel: xLabel, yLabel: yLabel, hasColumns: true)
    let room = frame.width / Double(bins.count)
    let width = room / Double(max(1, series.count))
    for (index, own) in counts.enumerated() {
      for (bin, count) in own.enumerated() where count > 0 {
        let top = axes.row(Double(count))
        picture.rectangle(
          .init(
            x: frame.x + room * Double(bin) + width * Double(index), y: top, width: max(0.5, width - 1),
            height: frame.bottom - top), fill: ColourMap.line(index))
      }
    }
    if series.count > 1 { picture.legend(series.map(\.name), rightOf: frame) }
    return picture
  }
}
