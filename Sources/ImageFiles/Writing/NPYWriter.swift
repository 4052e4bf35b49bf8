/// NumPy's format of one array, version 1, in C order.
enum NPYWriter: ArrayWriter {
  static var name: String { "NPY" }
  static var order: String { "tczyx" }

  static func writes(_ path: String) -> Bool { path.hasSuffix(".npy") }

  static func write(_ array: ExportedArray, to path: String, _ share: ArrayExport.Share) throws -> [String] {
    let types: [NumberType: String] = [.uint8: "|u1", .uint16: "<u2", .int32: "<i4", .float: "<f4", .double: "<f8"]
    let extents = array.shape.map { "\($0)" }.joined(separator: ", ")
    var header = "{'descr': '\(types[array.type] ?? "<f4")', 'fortran_order': False, 'shape': (\(extents)), }"
    // The data begin at a multiple of 64 bytes.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    let count = header.utf8.count
    try SequentialFile.write(path) { file in
      try file.write(
        [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)] + Array(header.utf8))
      try array.forEachPlane { _, pixels in try file.write(pixels) }
    }
    return ["axes: \(String(array.letters))"]
  }
}
