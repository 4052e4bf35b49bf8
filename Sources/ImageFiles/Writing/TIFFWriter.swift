import CImageCodecs
import Host

/// TIFF stacks, with ImageJ's axes and pixel size.
enum TIFFWriter: ArrayWriter {
  static var name: String { "TIFF" }
  static var order: String { "tzcyx" }

  static func writes(_ path: String) -> Bool { path.hasSuffix(".tif") || path.hasSuffix(".tiff") }

  static func write(_ array: ExportedArray, to path: String, _ share: ArrayExport.Share) throws -> [String] {
    // ImageJ has one unit for all axes, and these types.
    let unit = array.spacing("x")?.unit ?? array.spacing("z")?.unit ?? ""
    var page = codec_tiff_output()
    page.resolution_unit = 1
    for (letter, path) in [("x", \codec_tiff_output.x_resolution), ("y", \codec_tiff_output.y_resolution)] {
      if let step = array.spacing(Character(letter))?.value(in: unit), step > 0 {
        page[keyPath: path] = Float(1 / step)
      }
    }
    var lines = ["ImageJ=1.54f"]
    if array.planes > 1 { lines.append("images=\(array.planes)") }
    for (letter, key) in [("c", "channels"), ("z", "slices"), ("t", "frames")] where array.extent(Character(letter)) > 1
    {
      lines.append("\(key)=\(array.extent(Character(letter)))")
    }
    if array.letters.count > 3 { lines.append("hyperstack=true") }
    if !unit.isEmpty { lines.append("unit=\(unit == "µm" ? "micron" : unit)") }
    if let step = array.spacing("z")?.value(in: unit) { lines.append("spacing=\(step)") }
    guard [.uint8, .uint16, .float].contains(array.type) else {
      // tifffile's text, for types that ImageJ does not have.
      let shape = array.shape.map { "\($0)" }.joined(separator: ", ")
      page.x_resolution = 0
      try write(array, page, "{\"shape\": [\(shape)], \"axes\": \"\(String(array.letters).uppercased())\"}", to: path)
      return array.spacing("x") == nil ? [] : ["TIFF files of this type have no voxel size; .ome.tif has"]
    }
    try write(array, page, lines.joined(separator: "\n") + "\n", to: path)
    return []
  }

  /// Writes all planes as pages, the text into the first.
  static func write(
    _ array: ExportedArray, _ page: codec_tiff_output, _ text: String?, to path: String
  ) throws {
    let bytes = array.planes * array.height * array.width * array.type.bytes
    guard array.height < 1 << 31, array.width < 1 << 31 else {
      throw ImageFileError(.unsupported, path, "cannot hold planes of \(array.height) × \(array.width) pixels")
    }
    try WholeFile.write(path) { temporary in
      var message = codec_message()
      func failure() -> ImageFileError { ImageFileError(.system, path, "cannot be written: \(message.words)") }
      guard let file = codec_tiff_create(temporary, bytes > 3 << 30 ? 1 : 0, &message) else { throw failure() }
      defer { codec_tiff_close(file) }
      var page = page
      (page.width, page.height) = (UInt32(array.width), UInt32(array.height))
      (page.bits, page.samples) = (UInt16(8 * array.type.bytes), 1)
      page.sample_format = array.type == .float || array.type == .double ? 3 : array.type == .int32 ? 2 : 1
      try array.forEachPlane { number, pixels in
        let code =
          if number == 0, let text {
            text.withCString { text in
              page.description = text
              defer { page.description = nil }
              return codec_tiff_write_page(file, &page, pixels.baseAddress, &message)
            }
          } else {
            codec_tiff_write_page(file, &page, pixels.baseAddress, &message)
          }
        guard code == 0 else { throw failure() }
      }
    }
  }
}

/// TIFF stacks with OME's axes and pixel size.
enum OMETIFFWriter: ArrayWriter {
  static var name: String { "OME-TIFF" }
  static var order: String { "tzcyx" }

  static func writes(_ path: String) -> Bool { path.hasSuffix(".ome.tif") || path.hasSuffix(".ome.tiff") }

  static func write(_ array: ExportedArray, to path: String, _ share: ArrayExport.Share) throws -> [String] {
    var page = codec_tiff_output()
    page.resolution_unit = 3
    for (letter, path) in [("x", \codec_tiff_output.x_resolution), ("y", \codec_tiff_output.y_resolution)] {
      if let step = array.spacing(Character(letter))?.value(in: "cm"), step > 0 {
        page[keyPath: path] = Float(1 / step)
      }
    }
    try TIFFWriter.write(array, page, xml(array), to: path)
    return []
  }

  /// https://docs.openmicroscopy.org/ome-model/6.3.1/ome-tiff/specification.html
  private static func xml(_ array: ExportedArray) -> String {
    let types: [NumberType: String] = [
      .uint8: "uint8", .uint16: "uint16", .int32: "int32", .float: "float", .double: "double",
    ]
    let sizes = "XYCZT".map { "Size\($0)=\"\(array.extent(Character($0.lowercased())))\"" }.joined(separator: " ")
    let lengths = "XYZ".compactMap { letter in
      array.spacing(Character(letter.lowercased())).flatMap { length in
        length.unit.isEmpty
          ? nil : "PhysicalSize\(letter)=\"\(length.value)\" PhysicalSize\(letter)Unit=\"\(length.unit)\""
      }
    }.joined(separator: " ")
    let names = array.array.facts.channels.flatMap { $0.count == array.extent("c") ? $0 : nil }
    let channels = (0..<array.extent("c")).map { channel in
      let name = names.map { " Name=\"\($0[channel].escapedForXML)\"" } ?? ""
      return "<Channel ID=\"Channel:0:\(channel)\"\(name) SamplesPerPixel=\"1\"/>"
    }.joined()
    let schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    return """
      <?xml version="1.0" encoding="UTF-8"?><OME xmlns="\(schema)" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
      xsi:schemaLocation="\(schema) \(schema)/ome.xsd"><Image ID="Image:0" Name="\(array.name.escapedForXML)"><Pixels ID="Pixels:0" \
      DimensionOrder="XYCZT" Type="\(types[array.type] ?? "float")" \(sizes) \(lengths)>\(channels)\
      <TiffData IFD="0" PlaneCount="\(array.planes)"/></Pixels></Image></OME>
      """
  }
}
