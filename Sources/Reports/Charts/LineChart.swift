/// Lines over epochs in one frame with axes.
struct LineChart {
  struct Line {
    /// One value an epoch, from the first; NaN leaves a gap.
    var values: [Double]
    var colour: String
    var width = 1.6
    var dashes: String?
    /// The epoch, from 0, that is marked.
    var mark: Int?
  }

  var title: String
  var yLabel: String
  var preferred: ValueScale.Kind = .linear
  var lines: [Line]
  /// Epochs of the x axis.
  var epochs: Int

  private static let grid = "#e3e3e3"
  private static let axis = "#666"

  /// Draws the chart with its labels; the lines lie within `frame`.
  ///
  /// - Parameter hasEpochs: whether the x axis bears numbers.
  func draw(in picture: inout SVGPicture, frame: SVGPicture.Frame, hasEpochs: Bool) {
    let x = ValueScale(epochs: epochs)
    let y = ValueScale(showing: lines.flatMap(\.values), preferring: preferred)
    func column(_ value: Double) -> Double { frame.x + x.place(of: value) * frame.width }
    func row(_ value: Double) -> Double { frame.bottom - y.place(of: value) * frame.height }
    for tick in y.ticks {
      picture.line(frame.x, row(tick), frame.right, row(tick), colour: Self.grid)
      picture.text(ValueScale.label(tick), frame.x - 7, row(tick) + 4, size: 11, anchor: .end)
    }
    for tick in x.ticks {
      picture.line(column(tick), frame.y, column(tick), frame.bottom, colour: Self.grid)
      if hasEpochs { picture.text(ValueScale.label(tick), column(tick), frame.bottom + 16, size: 11, anchor: .middle) }
    }
    for line in lines { draw(line, in: &picture, column, row) }
    picture.line(frame.x, frame.y, frame.x, frame.bottom, colour: Self.axis)
    picture.line(frame.x, frame.bottom, frame.right, frame.bottom, colour: Self.axis)
    picture.text(title, frame.x, frame.y - 9, size: 13, isBold: true)
    picture.text(yLabel, frame.x - 56, frame.y + frame.height / 2, size: 12, anchor: .middle, turned: true)
    if hasEpochs { picture.text("epoch", frame.x + frame.width / 2, frame.bottom + 34, size: 12, anchor: .middle) }
  }

  private func draw(
    _ line: Line, in picture: inout SVGPicture, _ column: (Double) -> Double, _ row: (Double) -> Double
  ) {
    let runs = line.values.indices.split { !line.values[$0].isFinite }
    for run in runs {
      let points = run.map { (x: column(Double($0 + 1)), y: row(line.values[$0])) }
      if points.count > 1 {
        picture.polyline(points, colour: line.colour, width: line.width, dashes: line.dashes)
      } else if let point = points.first {
        picture.circle(point.x, point.y, radius: 2.5, fill: line.colour)
      }
    }
    if let mark = line.mark, line.values.indices.contains(mark), line.values[mark].isFinite {
      picture.circle(
        column(Double(mark + 1)), row(line.values[mark]), radius: 4, fill: "white", stroke: line.colour)
    }
  }
}
