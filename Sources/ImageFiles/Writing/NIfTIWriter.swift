import CImageCodecs
import Host

/// NIfTI-1 files, packed with gzip where the name ends so.
enum NIfTIWriter: ArrayWriter {
  static var name: String { "NIfTI" }
  static var order: String { "ctzyx" }

  static func writes(_ path: String) -> Bool { path.hasSuffix(".nii") || path.hasSuffix(".nii.gz") }

  static func write(_ array: ExportedArray, to path: String, _ share: ArrayExport.Share) throws -> [String] {
    let codes: [NumberType: Int16] = [.uint8: 2, .uint16: 512, .int32: 8, .float: 16, .double: 64]
    let extents = "xyztc".map { array.extent($0) }
    guard extents.allSatisfy({ $0 <= Int16.max }), let code = codes[array.type] else {
      throw ImageFileError(
        .unsupported, path, "cannot hold an array of shape \(array.shape); NIfTI-1 has extents below 32768")
    }
    var header = HeaderWriter(count: 352)
    header.put(Int32(348), at: 0)
    let rank = max(2, (extents.lastIndex { $0 > 1 } ?? 1) + 1)
    header.put(Int16(rank), at: 40)
    for place in 0..<7 { header.put(Int16(place < 5 ? extents[place] : 1), at: 42 + 2 * place) }
    header.put(code, at: 70)
    header.put(Int16(8 * array.type.bytes), at: 72)
    header.put(Float(1), at: 76)
    // The unit is millimetres or micrometres, whichever needs fewer zeros.
    let lengths = "xyz".map { array.spacing($0) }
    let isSmall = lengths.compactMap { $0?.value(in: "mm") }.contains { $0 < 1e-2 }
    for place in 0..<7 {
      let step = place < 3 ? lengths[place]?.value(in: isSmall ? "µm" : "mm") : nil
      header.put(Float(step ?? 1), at: 80 + 4 * place)
    }
    header.put(Float(352), at: 108)
    header.put(Float(1), at: 112)
    if lengths.contains(where: { $0?.value(in: "mm") != nil }) { header.put(UInt8(isSmall ? 3 : 2), at: 123) }
    header.put("Tutti: \(array.name)", at: 148, most: 79)
    header.put("n+1", at: 344, most: 3)
    let isPacked = path.hasSuffix(".gz")
    try SequentialFile.write(path) { file in
      try add(header.bytes.withUnsafeBytes { Array($0) }, isPacked, to: file, path)
      try array.forEachPlane { _, pixels in
        if isPacked { try add(Array(pixels), true, to: file, path) } else { try file.write(pixels) }
      }
    }
    return []
  }

  /// Adds bytes; packed ones as a member of their own of the gzip file.
  private static func add(_ bytes: [UInt8], _ isPacked: Bool, to file: SequentialFile, _ path: String) throws {
    guard isPacked else { return try file.write(bytes) }
    try bytes.withUnsafeBytes { try file.write(try Packing.gzip($0, for: path)) }
  }
}
