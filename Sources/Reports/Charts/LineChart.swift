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

  /// Draws the chart with its labels; the lines lie within `frame`.
  ///
  /// - Parameter hasEpochs: whether the x axis bears numbers.
  func draw(in picture: inout SVGPicture, frame: SVGPicture.Frame, hasEpochs: Bool) {
    let axes = Axes(
      frame: frame, x: ValueScale(epochs: epochs),
      y: ValueScale(showing: lines.flatMap(\.values), preferring: preferred))
    axes.draw(in: &picture, xLabel: hasEpochs ? "epoch" : nil, yLabel: yLabel)
    picture.text(title, frame.x, frame.y - 9, size: 13, isBold: true)
    for line in lines { draw(line, in: &picture, axes) }
  }

  private func draw(_ line: Line, in picture: inout SVGPicture, _ axes: Axes) {
    let runs = line.values.indices.split { !line.values[$0].isFinite }
    for run in runs {
      let points = run.map { (x: axes.column(Double($0 + 1)), y: axes.row(line.values[$0])) }
      if points.count > 1 {
        picture.polyline(points, colour: line.colour, width: line.width, dashes: line.dashes)
      } else if let point = points.first {
        picture.circle(point.x, point.y, radius: 2.5, fill: line.colour)
      }
    }
    if let mark = line.mark, line.values.indices.contains(mark), line.values[mark].isFinite {
      picture.circle(
        axes.column(Double(mark + 1)), axes.row(line.values[mark]), radius: 4, fill: "white", stroke: line.colour)
    }
  }
}
