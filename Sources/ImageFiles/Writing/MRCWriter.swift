/// MRC2014 volumes.
enum MRCWriter: ArrayWriter {
  static var name: String { "MRC" }
  static var order: String { "zyx" }

  static func writes(_ path: String) -> Bool { path.hasSuffix(".mrc") || path.hasSuffix(".map") }

  static func write(_ array: ExportedArray, to path: String, _ share: ArrayExport.Share) throws -> [String] {
    // Bytes of mode 0 have a sign, so that bytes above 127 are written with 16 bits.
    let modes: [NumberType: Int32] = [.uint8: 6, .uint16: 6, .float: 2]
    guard let mode = modes[array.type] else {
      throw ImageFileError(
        .unsupported, path, "cannot hold numbers of this type; MRC files have bytes, uint16 and float32")
    }
    let extents = [array.width, array.height, array.extent("z")]
    var (low, high, sum, squares) = (Float.infinity, -Float.infinity, 0.0, 0.0)
    try array.forEachPlane { _, pixels in
      for i in 0..<array.width * array.height {
        let value: Float =
          switch array.type {
          case .uint8: Float(pixels[i])
          case .uint16: Float(pixels.load(fromByteOffset: 2 * i, as: UInt16.self))
          default: pixels.load(fromByteOffset: 4 * i, as: Float.self)
          }
        guard value.isFinite else { continue }
        low = min(low, value)
        high = max(high, value)
        sum += Double(value)
        squares += Double(value) * Double(value)
      }
    }
    let count = Double(extents.reduce(1, *))
    var header = HeaderWriter(count: 1024)
    for (place, extent) in extents.enumerated() {
      header.put(Int32(extent), at: 4 * place)
      header.put(Int32(extent), at: 28 + 4 * place)
      header.put(Int32(place + 1), at: 64 + 4 * place)
      header.put(Float(90), at: 52 + 4 * place)
      let step = array.spacing(["x", "y", "z"][place])?.value(in: "Å")
      header.put(Float(step.map { $0 * Double(extent) } ?? 0), at: 40 + 4 * place)
    }
    header.put(mode, at: 12)
    header.put(low, at: 76)
    header.put(high, at: 80)
    header.put(Float(sum / count), at: 84)
    header.put(Int32(array.extent("z") > 1 ? 1 : 0), at: 88)
    header.put("MAP ", at: 208, most: 4)
    header.put(Int32(0x4444), at: 212)
    header.put(Float(max(0, squares / count - sum / count * (sum / count)).squareRoot()), at: 216)
    header.put(Int32(1), at: 220)
    header.put("Tutti: \(array.name)", at: 224, most: 80)
    header.put(Int32(20140), at: 108)
    try SequentialFile.write(path) { file in
      try file.write(header.bytes)
      try array.forEachPlane { _, pixels in
        if array.type == .uint8 { try file.write(pixels.flatMap { [$0, 0] }) } else { try file.write(pixels) }
      }
    }
    return []
  }
}
