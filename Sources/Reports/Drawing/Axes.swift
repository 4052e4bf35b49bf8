/// A frame with a scale along each axis, into which charts draw.
struct Axes {
  /// Where the values lie.
  var frame: SVGPicture.Frame
  var x: ValueScale
  var y: ValueScale

  private static let grid = "#e3e3e3"
  private static let axis = "#666"

  /// Where a value of x stands in the picture.
  func column(_ value: Double) -> Double { frame.x + x.place(of: value) * frame.width }
  /// Where a value of y stands in the picture.
  func row(_ value: Double) -> Double { frame.bottom - y.place(of: value) * frame.height }

  /// Draws grid, axes, numbers and labels; data come above them.
  ///
  /// - Parameters:
  ///   - xLabel: nil: the x axis bears neither numbers nor a label.
  ///   - yLabel: nil: neither does the y axis, nor has it a grid.
  ///   - hasColumns: whether the x axis has a grid.
  func draw(in picture: inout SVGPicture, xLabel: String?, yLabel: String?, hasColumns: Bool = true) {
    if let yLabel {
      for tick in y.ticks {
        picture.line(frame.x, row(tick), frame.right, row(tick), colour: Self.grid)
        picture.text(ValueScale.label(tick), frame.x - 7, row(tick) + 4, size: 11, anchor: .end)
      }
      picture.text(yLabel, frame.x - 56, frame.y + frame.height / 2, anchor: .middle, turned: true)
    }
    for tick in x.ticks where hasColumns {
      picture.line(column(tick), frame.y, column(tick), frame.bottom, colour: Self.grid)
      if xLabel != nil {
        picture.text(ValueScale.label(tick), column(tick), frame.bottom + 16, size: 11, anchor: .middle)
      }
    }
    if let xLabel { picture.text(xLabel, frame.x + frame.width / 2, frame.bottom + 34, anchor: .middle) }
    picture.line(frame.x, frame.y, frame.x, frame.bottom, colour: Self.axis)
    picture.line(frame.x, frame.bottom, frame.right, frame.bottom, colour: Self.axis)
  }
}

extension SVGPicture {
  /// The place and size of the frame of charts, which are equally wide and have their legend at the right.
  static func chartFrame(height: Double = 300) -> Frame { Frame(x: 92, y: 56, width: 560, height: height) }

  /// An empty chart around a frame, with its title.
  init(chart title: String, _ frame: Frame, below: Double = 52) {
    self.init(width: 860, height: Int(frame.bottom + below))
    self.title = title
    text(title, frame.x, 32, size: 16, isBold: true)
  }

  /// The names of lines in their colours, right of a frame.
  mutating func legend(_ names: [String], rightOf frame: Frame) {
    legend(names.enumerated().map { ($0.element, ColourMap.line($0.offset)) }, rightOf: frame)
  }

  /// Colours with their meanings, right of a frame.
  mutating func legend(_ entries: [(name: String, colour: String)], rightOf frame: Frame) {
    for (index, entry) in entries.enumerated() {
      let y = frame.y + 4 + 20 * Double(index)
      rectangle(Frame(x: frame.right + 20, y: y, width: 13, height: 13), fill: entry.colour)
      text(entry.name, frame.right + 40, y + 11)
    }
  }
}
