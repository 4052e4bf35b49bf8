/// An image that the OME-XML of a TIFF file describes: the order of its pages, and its pixel size.
///
/// https://docs.openmicroscopy.org/ome-model/6.3.1/ome-tiff/specification.html
enum OMEImage {
  /// One series for each image.
  ///
  /// - Throws: `ImageFileError` when the XML contradicts the pages, or names pages of other files.
  static func series(
    in text: String, _ pages: [TIFFPage], _ location: ArrayLocation
  ) throws(ImageFileError) -> [TIFFSeries] {
    var series: [TIFFSeries] = []
    var current: (pixels: [String: String], data: [[String: String]])?
    var channels: [String?] = []
    var files: Set<String> = []
    var next = 0
    for tag in XMLTag.all(in: text) {
      switch tag.name {
      case "Pixels": (current, channels) = ((tag.attributes, []), [])
      case "Channel": channels.append(tag.attributes["Name"])
      case "TiffData": current?.data.append(tag.attributes)
      case "UUID": if let name = tag.attributes["FileName"] { files.insert(name) }
      case "/Pixels":
        guard let image = current else { continue }
        var one = try Self.series(image.pixels, image.data, pages, &next, location)
        let names = channels.compactMap(\.self)
        // Colours of one channel have no names of their own.
        if names.count == channels.count, names.count == image.pixels["SizeC"].flatMap({ Int($0) }) {
          one.channels = names
        }
        series.append(one)
        current = nil
      default: break
      }
    }
    let own = location.file.split(separator: "/").last.map(String.init) ?? location.file
    if let other = files.first(where: { $0 != own }), files.count > 1 {
      throw ImageFileError(
        .unsupported, location.name,
        "is one of \(files.count) files of an OME-TIFF image (another is \(other)); write it as one file, or name the "
          + "files by a pattern (*.tif)")
    }
    return series
  }

  private static func series(
    _ pixels: [String: String], _ data: [[String: String]], _ pages: [TIFFPage], _ next: inout Int,
    _ location: ArrayLocation
  ) throws(ImageFileError) -> TIFFSeries {
    func size(_ letter: Character) -> Int { pixels["Size\(letter)"].flatMap { Int($0) } ?? 1 }
    let order = Array((pixels["DimensionOrder"] ?? "XYCZT").dropFirst(2))
    let first = data.first?["IFD"].flatMap { Int($0) } ?? next
    guard pages.indices.contains(first), Set(order) == ["C", "Z", "T"] else { throw damaged(location) }
    let samples = pages[first].samples
    var extents: [Character: Int] = ["C": size("C") / samples, "Z": size("Z"), "T": size("T")]
    if extents["C"] == 0 { extents["C"] = 1 }
    let planes = extents.values.reduce(1) { $0.multipliedReportingOverflow(by: max(1, $1)).partialValue }
    guard planes > 0, planes <= pages.count else { throw damaged(location) }
    // Planes in the order of the file's dimensions, the fastest first.
    var numbers = (0..<planes).map { first + $0 }
    if data.contains(where: { $0["IFD"] != nil && (data.count > 1 || $0["PlaneCount"] == nil && planes == 1) }) {
      for tag in data {
        guard let page = Int(tag["IFD"] ?? "0") else { throw damaged(location) }
        var (index, factor) = (0, 1)
        for letter in order {
          index += (Int(tag["First\(letter)"] ?? "0") ?? 0) * factor
          factor *= extents[letter] ?? 1
        }
        let count = tag["PlaneCount"].flatMap { Int($0) } ?? 1
        guard index >= 0, count >= 0, count <= planes, index <= planes - count else { throw damaged(location) }
        for offset in 0..<count { numbers[index + offset] = page + offset }
      }
    }
    guard numbers.allSatisfy(pages.indices.contains) else { throw damaged(location) }
    next = (numbers.max() ?? next) + 1
    var series = TIFFSeries(kind: "OME-TIFF", pages: numbers)
    for letter in order.reversed() {
      let extent = extents[letter] ?? 1
      if extent > 1 { series.outer.append((letter: letter.lowercased().first ?? "i", extent: extent)) }
    }
    for letter in ["Z", "Y", "X"] {
      guard let value = pixels["PhysicalSize\(letter)"].flatMap({ Double($0) }), value > 0, value.isFinite else {
        continue
      }
      series.spacing[Character(letter.lowercased())] = Length(
        value, Length.unit(pixels["PhysicalSize\(letter)Unit"] ?? "µm"))
    }
    return series
  }

  private static func damaged(_ location: ArrayLocation) -> ImageFileError {
    ImageFileError(.damaged, location.name, "has OME-XML that does not fit its pages; is the file cut off?")
  }
}

/// A tag of an XML text, with its attributes.
struct XMLTag {
  /// Without a prefix; `/Name` of an end.
  var name: String
  var attributes: [String: String] = [:]

  /// All tags of a text; an element without content gives its end too.
  static func all(in text: String) -> [XMLTag] {
    var tags: [XMLTag] = []
    for piece in text.split(separator: "<").dropFirst(text.hasPrefix("<") ? 0 : 1) {
      guard let end = piece.firstIndex(of: ">"), piece.first != "!", piece.first != "?" else { continue }
      var inside = piece[..<end]
      let isEmpty = inside.last == "/"
      if isEmpty { inside.removeLast() }
      let isEnd = inside.first == "/"
      if isEnd { inside.removeFirst() }
      let full = inside.prefix { !$0.isWhitespace }
      let name = String(full.split(separator: ":").last ?? "")
      if isEnd {
        tags.append(XMLTag(name: "/\(name)"))
        continue
      }
      tags.append(XMLTag(name: name, attributes: attributes(inside.dropFirst(full.count))))
      if isEmpty { tags.append(XMLTag(name: "/\(name)")) }
    }
    return tags
  }

  private static func attributes(_ text: Substring) -> [String: String] {
    var result: [String: String] = [:]
    var rest = text
    while let sign = rest.firstIndex(of: "=") {
      let key = String(rest[..<sign]).trimmed
      rest = rest[rest.index(after: sign)...].drop { $0.isWhitespace }
      guard let quote = rest.first, quote == "\"" || quote == "'", let end = rest.dropFirst().firstIndex(of: quote)
      else { break }
      result[key] = plain(rest[..<end].dropFirst())
      rest = rest[rest.index(after: end)...]
    }
    return result
  }

  /// The text that entities stand for.
  private static func plain(_ text: Substring) -> String {
    var text = String(text)
    for (entity, character) in [
      ("&#181;", "µ"), ("&#xB5;", "µ"), ("&#197;", "Å"), ("&#xC5;", "Å"), ("&lt;", "<"), ("&gt;", ">"),
      ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&"),
    ] {
      text = text.replacing(entity, with: character)
    }
    return text
  }
}
