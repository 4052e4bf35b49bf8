import Host

/// One PNG image a plane, of 8 or 16 bits; a pattern such as `%04d` in the name stands for the plane's number.
enum PNGWriter: ArrayWriter {
  static var name: String { "a series of PNG images" }
  static var order: String { "zyx" }

  static func writes(_ path: String) -> Bool { path.hasSuffix(".png") }

  static func write(_ array: ExportedArray, to path: String, _ share: ArrayExport.Share) throws -> [String] {
    guard array.planes == 1 || number(0, in: path) != nil else {
      throw ImageFileError(
        .unsupported, path, "is one image, but \(array.planes) are exported; write a pattern, such as slices/%04d.png")
    }
    guard array.type == .uint8 || array.type == .uint16 else { return try writeScaled(array, to: path) }
    try array.forEachPlane { plane, pixels in
      if array.type == .uint8 {
        try write(Array(pixels), array, plane, to: path)
      } else {
        try write(Array(pixels.bindMemory(to: UInt16.self)), array, plane, to: path)
      }
    }
    return []
  }

  /// Numbers that are no bytes are scaled to 16 bits, all planes alike.
  private static func writeScaled(_ array: ExportedArray, to path: String) throws -> [String] {
    var (low, high) = (Double.infinity, -Double.infinity)
    func forEach(_ body: (Int, [Double]) throws -> Void) throws {
      for plane in 0..<array.planes { try body(plane, array.array.read(as: Double.self, array.slab(of: plane))) }
    }
    try forEach { _, values in
      for value in values where value.isFinite { (low, high) = (min(low, value), max(high, value)) }
    }
    let range = high > low ? high - low : 1
    try forEach { plane, values in
      let pixels = values.map { $0.isFinite ? UInt16(((($0 - low) / range) * 65535).rounded()) : 0 }
      try write(pixels, array, plane, to: path)
    }
    guard low <= high else { return [] }
    return ["scaled to 16 bits: 0 is \(Float(low)), 65535 is \(Float(high))"]
  }

  private static func write<Pixel: FixedWidthInteger & BitwiseCopyable>(
    _ pixels: [Pixel], _ array: ExportedArray, _ plane: Int, to path: String
  ) throws {
    try WholeFile.write(number(plane, in: path) ?? path) {
      try PNGFile.write(pixels, width: array.width, height: array.height, to: $0)
    }
  }

  /// The path with its `%d` or `%04d` replaced; nil when it has none.
  private static func number(_ number: Int, in path: String) -> String? {
    guard let match = path.firstMatch(of: /%(0(\d))?d/) else { return nil }
    let width = match.2.flatMap { Int($0) } ?? 0
    let digits = String(number)
    let zeros = String(repeating: "0", count: max(0, width - digits.count))
    return path.replacingCharacters(in: match.range, with: zeros + digits)
  }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
    self[..<range.lowerBound] + text + self[range.upperBound...]
  }
}
