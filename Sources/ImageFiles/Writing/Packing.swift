import CImageCodecs

/// Packed bytes that are written.
enum Packing {
  /// Whether this program was built with libzstd.
  static var hasZstd: Bool { codec_has_zstd() != 0 }

  static func gzip(_ bytes: UnsafeRawBufferPointer, for path: String) throws(ImageFileError) -> [UInt8] {
    try packed(bytes.count, for: path) { codec_gzip_pack(bytes.baseAddress, Int64(bytes.count), $0, $1, 4) }
  }

  static func zstd(_ bytes: UnsafeRawBufferPointer, for path: String) throws(ImageFileError) -> [UInt8] {
    try packed(bytes.count, for: path) { codec_zstd_pack(bytes.baseAddress, Int64(bytes.count), $0, $1, 3) }
  }

  private static func packed(
    _ count: Int, for path: String, _ pack: (UnsafeMutableRawPointer?, Int64) -> Int64
  ) throws(ImageFileError) -> [UInt8] {
    let room = Int(codec_pack_bound(Int64(count)))
    var got: Int64 = -1
    let result = [UInt8](unsafeUninitializedCapacity: room) { buffer, used in
      got = pack(buffer.baseAddress, Int64(room))
      used = max(0, Int(got))
    }
    guard got >= 0 else { throw ImageFileError(.system, path, "cannot be packed") }
    return result
  }
}
