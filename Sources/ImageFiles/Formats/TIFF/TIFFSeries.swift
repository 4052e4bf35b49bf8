/// Pages that make one array, and what their text says of its axes.
struct TIFFSeries {
  /// The name of the kind of file, for people.
  var kind = "TIFF"
  /// The outer axes' letters and extents, the slowest first.
  var outer: [(letter: Character, extent: Int)] = []
  /// The numbers of the pages, in row order of the outer axes.
  var pages: [Int] = []
  /// Distances along axes that the text names.
  var spacing: [Character: Length] = [:]
  /// The names of the channels, where the text says them all.
  var channels: [String]?
  /// The unit that the page's resolution is in, of ImageJ's files.
  var imageJUnit: String?

  /// The series of a file: those of OME's XML, one of ImageJ's text or tifffile's, or one of all pages.
  static func all(
    of pages: [TIFFPage], _ text: String, _ location: ArrayLocation
  ) throws(ImageFileError) -> [TIFFSeries] {
    if text.contains("<OME ") || text.contains("<OME:OME ") {
      let series = try OMEImage.series(in: text, pages, location)
      if !series.isEmpty { return series }
    }
    let numbers = pages.indices.filter { !pages[$0].isSecondary || pages.count == 1 }
    if text.hasPrefix("ImageJ=") { return [imageJ(text, numbers)] }
    return [shaped(text, numbers, pages[0]) ?? plain(numbers)]
  }

  private static func plain(_ numbers: [Int]) -> TIFFSeries {
    var series = TIFFSeries(pages: numbers)
    if numbers.count > 1 { series.outer = [(letter: "i", extent: numbers.count)] }
    return series
  }

  /// ImageJ's text is lines `key=value`; channels vary fastest, then slices, then frames.
  private static func imageJ(_ text: String, _ numbers: [Int]) -> TIFFSeries {
    var values: [Substring: Substring] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      guard let sign = line.firstIndex(of: "=") else { continue }
      values[line[..<sign]] = line[line.index(after: sign)...]
    }
    func count(_ key: Substring) -> Int { values[key].flatMap { Int($0) } ?? 1 }
    var series = plain(numbers)
    series.kind = "TIFF (ImageJ)"
    let outer: [(Character, Int)] = [("t", count("frames")), ("z", count("slices")), ("c", count("channels"))]
    let long = outer.filter { $0.1 > 1 }
    if numbers.count > 1, long.reduce(1, { $0.multipliedReportingOverflow(by: $1.1).partialValue }) == numbers.count {
      series.outer = long.map { (letter: $0.0, extent: $0.1) }
    }
    let unit = Length.unit(String(values["unit"] ?? ""))
    if let spacing = values["spacing"].flatMap({ Double($0) }), spacing > 0 {
      series.spacing["z"] = Length(spacing, Length.unit(values["zunit"].map(String.init) ?? unit))
    }
    series.imageJUnit = unit
    return series
  }

  /// tifffile's text, JSON with the array's shape, and its axes where they were given.
  private static func shaped(_ text: String, _ numbers: [Int], _ page: TIFFPage) -> TIFFSeries? {
    func list(_ key: String) -> Substring? {
      guard let start = text.firstRange(of: "\"\(key)\": ")?.upperBound else { return nil }
      let open: Character = text[start...].first ?? " "
      return text[start...].dropFirst().prefix { $0 != (open == "[" ? "]" : "\"") }
    }
    guard text.hasPrefix("{"), let extents = list("shape") else { return nil }
    let shape = extents.split(separator: ",").compactMap { Int($0.filter { $0 != " " }) }
    let inner =
      page.samples == 1
      ? [page.height, page.width]
      : page.isPlanar ? [page.samples, page.height, page.width] : [page.height, page.width, page.samples]
    let before = Array(shape.dropLast(inner.count))
    guard Array(shape.suffix(inner.count)) == inner,
      before.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) == numbers.count
    else { return nil }
    let letters: [Character: Character] = ["T": "t", "Z": "z", "C": "c", "S": "c", "I": "i", "Q": "i"]
    let axes = Array(list("axes") ?? "")
    let named = axes.count == shape.count ? before.indices.map { letters[axes[$0]] ?? "i" } : []
    var series = plain(numbers)
    series.outer = zip(named.isEmpty ? before.map { _ in "i" } : named, before).map { (letter: $0, extent: $1) }
    return series
  }
}
