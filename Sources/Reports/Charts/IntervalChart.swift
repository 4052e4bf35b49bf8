/// Intervals of one quantity, a row for each unit that it was measured in, with what is true where that is known.
public struct IntervalChart: Sendable {
  /// What was measured in one unit.
  public struct Row: Sendable {
    var name: String
    var mean: Double
    /// From the narrowest on.
    var intervals: [ClosedRange<Double>]
    var truth: Double?

    /// A row.
    ///
    /// - Parameter intervals: of each level, in ascending order of the levels.
    public init(name: String, mean: Double, intervals: [ClosedRange<Double>], truth: Double?) {
      (self.name, self.mean, self.intervals, self.truth) = (name, mean, intervals, truth)
    }
  }

  /// Above the picture.
  public var title: String
  /// Of the numbers; empty where they have none.
  public var unit: String
  /// The levels of the intervals, ascending.
  public var levels: [String]
  /// From top to bottom.
  public var rows: [Row]

  /// A picture.
  public init(title: String, unit: String, levels: [String], rows: [Row]) {
    (self.title, self.unit, self.levels, self.rows) = (title, unit, levels, rows)
  }

  /// The picture.
  public var picture: SVGPicture {
    let step = 20.0
    let frame = SVGPicture.chartFrame(height: max(80, step * Double(rows.count)))
    var picture = SVGPicture(chart: title, frame)
    let values = rows.flatMap { row in
      [row.mean, row.truth ?? .nan] + row.intervals.flatMap { [$0.lowerBound, $0.upperBound] }
    }
    let axes = Axes(frame: frame, x: ValueScale(showing: values), y: ValueScale(0...1))
    axes.draw(in: &picture, xLabel: unit, yLabel: nil)
    let most = max(1, levels.count)
    for (index, row) in rows.enumerated() {
      let y = frame.y + step * (Double(index) + 0.5)
      picture.text(row.name, frame.x - 8, y + 4, size: 11, anchor: .end)
      // Wide intervals of high levels are thin, and lie below the narrow ones.
      for (place, interval) in row.intervals.enumerated().reversed() {
        let ends = [interval.lowerBound, interval.upperBound].map { axes.column(min(max($0, axes.x.low), axes.x.high)) }
        picture.line(
          ends[0], y, ends[1], y, colour: Self.colour(place, of: most), width: 2 + 2 * Double(most - 1 - place))
      }
      if row.mean.isFinite { picture.circle(axes.column(row.mean), y, radius: 4, fill: "#222") }
      if let truth = row.truth, truth.isFinite {
        picture.line(axes.column(truth), y - 7, axes.column(truth), y + 7, colour: Self.truth, width: 2.5)
      }
    }
    picture.legend(
      [("mean of the members", "#222")] + (rows.contains { $0.truth != nil } ? [("true", Self.truth)] : [])
        + (rows.contains { !$0.intervals.isEmpty }
          ? levels.enumerated().map { ("interval at \($0.element)", Self.colour($0.offset, of: most)) } : []),
      rightOf: frame)
    return picture
  }

  private static let truth = "#d55e00"
  private static func colour(_ place: Int, of most: Int) -> String {
    ColourMap.viridis.css(0.3 + 0.5 * Double(place) / Double(max(1, most - 1)))
  }
}
