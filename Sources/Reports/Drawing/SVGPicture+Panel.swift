extension SVGPicture {
  /// Pictures in rows of at most four, each with its name above and the meaning of its colours below.
  ///
  /// - Parameters:
  ///   - layers: PNG files with their words.
  ///   - aspect: their height over their width.
  public static func panel(
    title: String, layers: [(name: String, legend: String, png: [UInt8])], aspect: Double
  ) -> SVGPicture {
    let (side, gap, top) = (280.0, 18.0, 48.0)
    let columns = layers.count < 5 ? max(1, layers.count) : layers.count < 7 ? 3 : 4
    let rows = (layers.count + columns - 1) / columns
    let height = side * aspect
    let legends = layers.map { lines($0.legend, most: 44) }
    let below = 14 * Double(legends.map(\.count).max() ?? 0) + 14
    var picture = SVGPicture(
      width: Int(gap + (side + gap) * Double(columns)), height: Int(top + Double(rows) * (20 + height + below)))
    picture.text(title, gap, 28, size: 13, isBold: true)
    for (index, layer) in layers.enumerated() {
      let x = gap + (side + gap) * Double(index % columns)
      let y = top + 18 + (20 + height + below) * Double(index / columns)
      picture.text(layer.name, x, y - 6, isBold: true)
      picture.image(layer.png, Frame(x: x, y: y, width: side, height: height))
      for (place, line) in legends[index].enumerated() {
        picture.text(line, x, y + height + 14 + 14 * Double(place), size: 10.5, colour: "#555")
      }
    }
    return picture
  }

  /// A text in lines of at most so many signs, where words allow it.
  private static func lines(_ text: String, most: Int) -> [String] {
    text.split(separator: " ").reduce(into: [String]()) { lines, word in
      if let last = lines.last, last.count + word.count < most {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
  }
}
