import HDF5

/// TIFF and BigTIFF, with the axes of OME-TIFF, ImageJ and tifffile.
enum TIFFFormat: ImageFormat {
  static var name: String { "TIFF" }

  static func recognizes(_ head: [UInt8], path: String) -> Bool {
    [[0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A], [0x49, 0x49, 0x2B, 0], [0x4D, 0x4D, 0, 0x2B]]
      .contains { head.starts(with: $0) }
  }

  /// A dataset names an image of an OME-TIFF file, or a page of another, by its number.
  static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    let tiff = try TIFFFile(location)
    let (pages, text) = try tiff.pages()
    let all = try TIFFSeries.all(of: pages, text, location)
    var series = all[0]
    if let dataset = location.dataset {
      let names = all.count > 1 ? all.count : pages.count
      guard let number = Int(dataset.drop { $0 == "/" }), (0..<names).contains(number) else {
        throw ImageFileError(
          .notNamed, location.name,
          "has \(names) \(all.count > 1 ? "images" : "pages"), named 0 to \(names - 1), not ‘\(dataset)’")
      }
      series = all.count > 1 ? all[number] : TIFFSeries(pages: [number], spacing: series.spacing)
    } else if all.count > 1 {
      throw ImageFileError(
        .notNamed, location.name, "holds \(all.count) images; name one by its number, as in \(location.name):0")
    }
    return (location, try array(series, pages, tiff))
  }

  static func arrays(in location: ArrayLocation) throws -> [String]? {
    let (pages, text) = try TIFFFile(location).pages()
    let all = try TIFFSeries.all(of: pages, text, location)
    return all.count > 1 ? all.indices.map { "\($0)" } : nil
  }

  private static func array(_ series: TIFFSeries, _ pages: [TIFFPage], _ tiff: TIFFFile) throws -> TIFFArray {
    let page = pages[series.pages[0]]
    for number in series.pages {
      let other = pages[number]
      guard other.width == page.width, other.height == page.height, other.samples == page.samples,
        other.elementType == page.elementType, other.isPlanar == page.isPlanar
      else {
        throw ImageFileError(
          .unsupported, tiff.place(number),
          "has \(words(other)), but page \(series.pages[0]) has \(words(page)); the pages of an array are alike. Name one "
            + "page by its number, as in \(tiff.location.name):\(series.pages[0])")
      }
    }
    var axes = String(series.outer.map(\.letter))
    var shape = series.outer.map(\.extent)
    var chunk = shape.map { _ in 1 }
    if page.samples > 1, page.isPlanar {
      axes.append("c")
      shape.append(page.samples)
      chunk.append(1)
    }
    axes += "yx"
    shape += [page.height, page.width]
    chunk += [min(page.blockHeight, page.height), min(page.blockWidth, page.width)]
    if page.samples > 1, !page.isPlanar {
      axes.append("c")
      shape.append(page.samples)
      chunk.append(page.samples)
    }
    // Two axes of one letter are not told apart: all are read as the layout says.
    let isNamed = Set(axes).count == axes.count
    let own: [Character: Length?] = ["y": page.spacing[0], "x": page.spacing[1]]
    let spacing = axes.map { letter -> Length? in
      if let length = series.spacing[letter] { return length }
      guard let unit = series.imageJUnit else { return own[letter] ?? nil }
      return (letter == "y" || letter == "x") ? imageJ(page, letter, unit) : nil
    }
    var facts = ArrayFacts(
      format: series.kind, shape: shape, elementType: page.elementType, axes: isNamed ? axes : nil, spacing: spacing,
      chunk: chunk, compression: page.compression)
    facts.channels = series.channels
    return TIFFArray(
      tiff: tiff, file: try FileBytes(tiff.location.file, name: tiff.location.name), facts: facts,
      pages: series.pages.map { ($0, pages[$0]) }, outer: series.outer.count)
  }

  /// ImageJ's resolution is in pixels a unit of its own.
  private static func imageJ(_ page: TIFFPage, _ letter: Character, _ unit: String) -> Length? {
    let resolution = letter == "y" ? page.resolution[0] : page.resolution[1]
    guard resolution > 0, resolution.isFinite, !unit.isEmpty else { return nil }
    return Length(Length(1 / Double(resolution), unit).rounded, unit)
  }

  private static func words(_ page: TIFFPage) -> String {
    let samples = page.samples > 1 ? " of \(page.samples) samples" : ""
    return "\(page.height) × \(page.width) pixels\(samples) (\(page.elementType))"
  }
}
