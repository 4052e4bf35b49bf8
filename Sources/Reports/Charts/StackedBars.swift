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

  /// Whether the kinds' names stand in the bars, without a legend.
  public var hasNamesInside: Bool

  /// A picture.
  public init(
    title: String, unit: String, kinds: [String], bars: [(name: String, values: [Double])],
    hasNamesInside: Bool = false
  ) {
    (self.title, self.unit, self.kinds, self.bars, self.hasNamesInside) = (title, unit, kinds, bars, hasNamesInside)
  }

  /// The picture.
  public var picture: SVGPicture {
    let (left, width, top, height) = (92.0, 560.0, 64.0, 16.0)
    let longest = bars.map { $0.values.reduce(0, +) }.max() ?? 0
    // Kinds that no bar has are left out.
    let used = kinds.indices.filter { kind in bars.contains { $0.values[kind] > 0 } }
    let rows = max(bars.count, hasNamesInside ? 0 : used.count)
    var picture = SVGPicture(width: 860, height: Int(top + 22 * Double(rows) + 40))
    picture.text(title, left, 34, size: 16, isBold: true)
    let colours = ColourMap.kinds.map { "rgb(\($0.x),\($0.y),\($0.z))" }
    for (index, bar) in bars.enumerated() {
      let y = top + 22 * Double(index)
      picture.text(bar.name, left - 8, y + 12, size: 11, anchor: .end)
      var x = left
      for (place, kind) in used.enumerated() where bar.values[kind] > 0 && longest > 0 {
        let length = bar.values[kind] / longest * width
        picture.rectangle(
          .init(x: x, y: y, width: max(0.5, length - 0.5), height: height), fill: colours[place % colours.count])
        if hasNamesInside, length > 7 * Double(kinds[kind].count + 1) {
          let isDark = place % colours.count == 0 || place % colours.count == 7
          picture.text(
            kinds[kind], x + length / 2, y + 12, size: 11, anchor: .middle, colour: isDark ? "white" : "#222")
        }
        x += length
      }
    }
    let bottom = top + 22 * Double(bars.count)
    picture.text("0", left, bottom + 14, size: 11)
    picture.text(
      "\(ValueScale.label((longest * 10).rounded() / 10)) \(unit)", left + width, bottom + 14, size: 11, anchor: .end)
    for (index, kind) in used.enumerated() where !hasNamesInside {
      let y = top + 20 * Double(index)
      picture.rectangle(
        .init(x: left + width + 24, y: y, width: 14, height: 14), fill: colours[index % colours.count])
      picture.text(kinds[kind], left + width + 46, y + 12)
    }
    return picture
  }
}
