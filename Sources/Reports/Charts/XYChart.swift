/// Points and lines over numbers, such as coverage found against coverage asked for.
public struct XYChart: Sendable {
  /// Points of one kind.
  public struct Series: Sendable {
    var name: String
    var points: [(x: Double, y: Double)]
    var hasMarks: Bool

    /// - Parameters:
    ///   - points: joined by lines in this order; those that are no numbers leave a gap.
    ///   - hasMarks: whether each point is marked.
    public init(name: String, points: [(x: Double, y: Double)], hasMarks: Bool = true) {
      (self.name, self.points, self.hasMarks) = (name, points, hasMarks)
    }
  }

  /// A dashed line beside the data.
  public enum Reference: Sendable {
    /// Where y is x.
    case diagonal
    /// Where y is a number.
    case level(Double)
  }

  /// Above the picture.
  public var title: String
  /// Below it.
  public var xLabel: String
  /// Left of it.
  public var yLabel: String
  /// The ends of the x axis; nil: those of the data.
  public var xEnds: ClosedRange<Double>?
  /// The ends of the y axis; nil: those of the data.
  public var yEnds: ClosedRange<Double>?
  /// In the order of the legend.
  public var series: [Series]
  /// Drawn below the data.
  public var references: [Reference]

  /// A picture.
  public init(
    title: String, xLabel: String, yLabel: String, xEnds: ClosedRange<Double>? = nil,
    yEnds: ClosedRange<Double>? = nil, series: [Series], references: [Reference] = []
  ) {
    (self.title, self.xLabel, self.yLabel) = (title, xLabel, yLabel)
    (self.xEnds, self.yEnds, self.series, self.references) = (xEnds, yEnds, series, references)
  }

  /// The picture.
  public var picture: SVGPicture {
    let frame = SVGPicture.chartFrame()
    var picture = SVGPicture(chart: title, frame)
    let points = series.flatMap(\.points)
    let levels: [Double] = references.compactMap { if case .level(let level) = $0 { level } else { nil } }
    // A diagonal says something where both axes show it.
    let isSquare = references.count > levels.count
    let axes = Axes(
      frame: frame, x: xEnds.map { ValueScale($0) } ?? ValueScale(showing: points.map(\.x)),
      y: yEnds.map { ValueScale($0) }
        ?? ValueScale(showing: points.map(\.y) + levels + (isSquare ? points.map(\.x) : [])))
    axes.draw(in: &picture, xLabel: xLabel, yLabel: yLabel)
    for reference in references { draw(reference, axes, in: &picture) }
    for (index, one) in series.enumerated() {
      let colour = ColourMap.line(index)
      let places = one.points.map { (x: axes.column($0.x), y: axes.row($0.y)) }
      for run in places.split(whereSeparator: { !$0.x.isFinite || !$0.y.isFinite }) {
        if run.count > 1 { picture.polyline(Array(run), colour: colour, width: 1.8) }
        if one.hasMarks || run.count == 1 {
          for point in run { picture.circle(point.x, point.y, radius: 4, fill: colour) }
        }
      }
    }
    picture.legend(series.map(\.name), rightOf: frame)
    return picture
  }

  private func draw(_ reference: Reference, _ axes: Axes, in picture: inout SVGPicture) {
    let (x, y) = (axes.x, axes.y)
    let ends: [(Double, Double)] =
      switch reference {
      case .diagonal: [max(x.low, y.low), min(x.high, y.high)].map { ($0, $0) }
      case .level(let level): [(x.low, level), (x.high, level)]
      }
    guard ends[0].0 < ends[1].0 else { return }
    picture.line(
      axes.column(ends[0].0), axes.row(ends[0].1), axes.column(ends[1].0), axes.row(ends[1].1), colour: "#666",
      dashes: "5 3")
  }
}
