/// Coverage found against coverage asked for, as points and lines beside the diagonal.
public struct CalibrationChart: Sendable {
  /// Coverages of one kind of unit.
  public struct Series: Sendable {
    var name: String
    var values: [Double]

    /// One value for each level.
    public init(name: String, values: [Double]) { (self.name, self.values) = (name, values) }
  }

  /// Above the picture.
  public var title: String
  /// The coverages asked for.
  public var levels: [Double]
  /// In the order of the legend.
  public var series: [Series]

  /// A picture.
  public init(title: String, levels: [Double], series: [Series]) {
    (self.title, self.levels, self.series) = (title, levels, series)
  }

  /// The picture as an SVG file.
  public var svg: String {
    let frame = SVGPicture.Frame(x: 92, y: 64, width: 420, height: 300)
    var picture = SVGPicture(width: 860, height: 420)
    let all = levels + series.flatMap(\.values)
    let (x, y) = (ValueScale(showing: levels), ValueScale(showing: all))
    func column(_ value: Double) -> Double { frame.x + x.place(of: value) * frame.width }
    func row(_ value: Double) -> Double { frame.bottom - y.place(of: value) * frame.height }
    picture.text(title, frame.x, 34, size: 16, isBold: true)
    for tick in y.ticks {
      picture.line(frame.x, row(tick), frame.right, row(tick), colour: "#e3e3e3")
      picture.text(ValueScale.label(tick), frame.x - 7, row(tick) + 4, size: 11, anchor: .end)
    }
    for tick in x.ticks {
      picture.line(column(tick), frame.y, column(tick), frame.bottom, colour: "#e3e3e3")
      picture.text(ValueScale.label(tick), column(tick), frame.bottom + 16, size: 11, anchor: .middle)
    }
    let ends = [max(x.low, y.low), min(x.high, y.high)]
    if ends[0] < ends[1] {
      picture.line(column(ends[0]), row(ends[0]), column(ends[1]), row(ends[1]), colour: "#666", dashes: "5 3")
    }
    picture.line(frame.x, frame.y, frame.x, frame.bottom, colour: "#666")
    picture.line(frame.x, frame.bottom, frame.right, frame.bottom, colour: "#666")
    picture.text("asked for", frame.x + frame.width / 2, frame.bottom + 38, anchor: .middle)
    picture.text("found", frame.x - 56, frame.y + frame.height / 2, anchor: .middle, turned: true)
    for (index, one) in series.enumerated() {
      let colour = HistoryPlot.colours[index % HistoryPlot.colours.count]
      let points = zip(levels, one.values).filter { $0.1.isFinite }.sorted { $0.0 < $1.0 }
        .map { (x: column($0.0), y: row($0.1)) }
      if points.count > 1 { picture.polyline(points, colour: colour, width: 1.8) }
      for point in points { picture.circle(point.x, point.y, radius: 4, fill: colour) }
      let line = frame.y + 8 + 20 * Double(index)
      picture.circle(frame.right + 36, line, radius: 4, fill: colour)
      picture.text(one.name, frame.right + 50, line + 4)
    }
    return picture.text
  }
}
