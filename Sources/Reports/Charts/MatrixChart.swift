/// A matrix of counts as coloured squares, each row's shares from dark (none) to yellow (all): a confusion matrix.
public struct MatrixChart: Sendable {
  /// Above the picture.
  public var title: String
  /// What rows are.
  public var rowLabel: String
  /// What columns are.
  public var columnLabel: String
  /// Of rows and of columns.
  public var names: [String]
  /// `[row, column]`
  public var counts: [Int64]

  /// A picture.
  public init(title: String, rowLabel: String, columnLabel: String, names: [String], counts: [Int64]) {
    (self.title, self.rowLabel, self.columnLabel) = (title, rowLabel, columnLabel)
    (self.names, self.counts) = (names, counts)
  }

  /// The picture.
  public var picture: SVGPicture {
    let count = names.count
    let cell = min(90, 480 / Double(max(1, count)))
    let frame = SVGPicture.Frame(x: 150, y: 84, width: cell * Double(count), height: cell * Double(count))
    var picture = SVGPicture(chart: title, frame, below: 24)
    picture.text(columnLabel, frame.x + frame.width / 2, 56, anchor: .middle)
    picture.text(rowLabel, 22, frame.y + frame.height / 2, anchor: .middle, turned: true)
    let size = count > 12 ? 8.0 : 11
    for row in 0..<count {
      let middle = frame.y + cell * (Double(row) + 0.5)
      picture.text(Self.short(names[row], 16), frame.x - 8, middle + 4, size: size, anchor: .end)
      picture.text(
        Self.short(names[row], Int(cell / 7) + 1), frame.x + cell * (Double(row) + 0.5), frame.y - 8, size: size,
        anchor: .middle)
      let total = counts[row * count..<(row + 1) * count].reduce(0, +)
      for column in 0..<count {
        let left = frame.x + cell * Double(column)
        let share = total > 0 ? Double(counts[row * count + column]) / Double(total) : .nan
        picture.rectangle(
          .init(x: left, y: middle - cell / 2, width: cell, height: cell), fill: ColourMap.viridis.css(share),
          stroke: "white")
        guard share.isFinite, count <= 16 else { continue }
        picture.text(
          "\((share * 1000).rounded() / 10)", left + cell / 2, middle + 4, size: size, anchor: .middle,
          colour: share > 0.6 ? "#222" : "white")
      }
    }
    picture.text("Percent of each row.", frame.x, frame.bottom + 18, size: 11)
    return picture
  }

  private static func short(_ name: String, _ most: Int) -> String {
    name.count <= most ? name : name.prefix(max(1, most - 1)) + "…"
  }
}
