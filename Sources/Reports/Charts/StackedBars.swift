/// Horizontal bars that are divided into kinds, such as the time of each rank by what it did.
public struct StackedBars: Sendable {
  /// Above the picture.
  public var title: String
  /// Of the values, such as `s`.
  public var unit: String
  /// The kinds, in the order of the legend.
  public var kinds: [String]
  /// A name and a value of each kind for every bar.
  public var bars: [(name: String, values: [Double])]

  /// A picture.
  public init(title: String, unit: String, kinds: [String], bars: [(name: String, values: [Double])]) {
    (self.title, self.unit, self.kinds, self.bars) = (title, unit, kinds, bars)
  }

  /// The picture.
  public var picture: SVGPicture {
    let longest = bars.map { $0.values.reduce(0, +) }.max() ?? 0
    // Kinds that no bar has are left out.
    let used = kinds.indices.filter { kind in bars.contains { $0.values[kind] > 0 } }
    let rows = BarRows(rows: bars.map(\.name), end: longest, unit: unit)
    var picture = rows.picture(title, leastRows: used.count)
    for (row, bar) in bars.enumerated() {
      var x = 0.0
      for (place, kind) in used.enumerated() where bar.values[kind] > 0 {
        rows.draw(x..<x + bar.values[kind], in: row, colour: ColourMap.kind(place), &picture)
        x += bar.values[kind]
      }
    }
    picture.legend(used.enumerated().map { (kinds[$0.element], ColourMap.kind($0.offset)) }, rightOf: rows.frame)
    return picture
  }
}

/// Rows with names, one below the other, in which horizontal bars lie from 0 on.
struct BarRows {
  /// The names.
  var rows: [String]
  /// What lies at the right end.
  var end: Double
  /// Of the numbers.
  var unit: String

  private static let (distance, height) = (22.0, 16.0)

  /// Where the bars lie.
  var frame: SVGPicture.Frame { SVGPicture.chartFrame(height: Self.distance * Double(rows.count)) }

  /// An empty picture with the names of the rows and the ends of the scale.
  ///
  /// - Parameter leastRows: for which there is room at least, as for those of a legend.
  func picture(_ title: String, leastRows: Int = 0) -> SVGPicture {
    let frame = frame
    var picture = SVGPicture(
      chart: title, frame, below: 40 + Self.distance * Double(max(0, leastRows - rows.count)))
    for (index, row) in rows.enumerated() {
      picture.text(row, frame.x - 8, frame.y + Self.distance * Double(index) + 12, size: 11, anchor: .end)
    }
    picture.text("0", frame.x, frame.bottom + 14, size: 11)
    picture.text(
      "\(ValueScale.label((end * 10).rounded() / 10)) \(unit)", frame.right, frame.bottom + 14, size: 11, anchor: .end)
    return picture
  }

  /// Draws one bar in a row, with its name where there is room for it.
  func draw(
    _ range: Range<Double>, in row: Int, colour: String, name: String = "", nameColour: String = "#222",
    _ picture: inout SVGPicture
  ) {
    guard end > 0 else { return }
    let frame = frame
    let (x, y) = (frame.x + range.lowerBound / end * frame.width, frame.y + Self.distance * Double(row))
    let length = (range.upperBound - range.lowerBound) / end * frame.width
    picture.rectangle(.init(x: x, y: y, width: max(0.5, length - 0.5), height: Self.height), fill: colour)
    if !name.isEmpty, length > 7 * Double(name.count + 1) {
      picture.text(name, x + length / 2, y + 12, size: 11, anchor: .middle, colour: nameColour)
    }
  }
}
