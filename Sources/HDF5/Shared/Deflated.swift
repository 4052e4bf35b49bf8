import CZlib

/// A piece of a zlib stream (RFC 1950, 1951), deflated by itself: pieces follow each other as one stream.
struct Deflated: Sendable {
  /// Ends at a whole byte.
  let bytes: [UInt8]
  /// Bytes before they were deflated.
  private let count: Int
  /// Their checksum.
  private let adler: UInt

  /// At this level and below a piece is stored as it is where a sample of it shrinks by less than a sixteenth, as that of
  /// the lower bytes of measured numbers does: zlib would take as long for it as for what shrinks.
  private static let mostHurried = 6
  private static let sampleBytes = 1 << 13

  /// Deflates bytes; nil when there is no memory for it.
  ///
  /// - Parameters:
  ///   - level: 0 to 9.
  ///   - isLast: whether the stream ends here.
  init?(_ source: UnsafeRawBufferPointer, level: Int, isLast: Bool) {
    var level = level
    if (1...Self.mostHurried).contains(level), source.count >= 4 * Self.sampleBytes {
      let first = (source.count - Self.sampleBytes) / 2
      let sample = UnsafeRawBufferPointer(rebasing: source[first..<first + Self.sampleBytes])
      guard let packed = Self.deflate(sample, level: level, isLast: true) else { return nil }
      if packed.count > Self.sampleBytes / 16 * 15 { level = 0 }
    }
    guard let bytes = Self.deflate(source, level: level, isLast: isLast) else { return nil }
    self.bytes = bytes
    count = source.count
    adler = adler32_z(1, source.bindMemory(to: UInt8.self).baseAddress, source.count)
  }

  private static func deflate(_ source: UnsafeRawBufferPointer, level: Int, isLast: Bool) -> [UInt8]? {
    var stream = z_stream()
    let version = ZLIB_VERSION
    // Without a header, which the stream has once; with the window and the memory that HDF5's filter has.
    guard
      deflateInit2_(
        &stream, Int32(level), Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, version, Int32(MemoryLayout<z_stream>.size))
        == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    // A flush adds an empty block to what the bound counts.
    let bound = Int(deflateBound(&stream, UInt(source.count))) + 16
    var isDone = false
    let bytes = [UInt8](unsafeUninitializedCapacity: bound) { target, count in
      stream.next_in = UnsafeMutablePointer(mutating: source.bindMemory(to: UInt8.self).baseAddress)
      stream.avail_in = UInt32(source.count)
      stream.next_out = target.baseAddress
      stream.avail_out = UInt32(bound)
      let code = CZlib.deflate(&stream, isLast ? Z_FINISH : Z_SYNC_FLUSH)
      isDone = code == (isLast ? Z_STREAM_END : Z_OK) && stream.avail_in == 0 && stream.avail_out > 0
      count = bound - Int(stream.avail_out)
    }
    return isDone ? bytes : nil
  }

  /// The bytes of the stream of some pieces.
  static func streamBytes(_ pieces: [Deflated]) -> Int { pieces.reduce(2 + 4) { $0 + $1.bytes.count } }

  /// Writes the stream of some pieces, the last of which ends it.
  static func writeStream(_ pieces: [Deflated], level: Int, to target: UnsafeMutableRawBufferPointer) {
    // Deflate with a window of 32 KB; how hard was tried, and what makes both a multiple of 31.
    let effort = level < 2 ? 0 : level < 6 ? 1 : level == 6 ? 2 : 3
    let header = 0x78 << 8 | effort << 6
    target.storeBytes(of: UInt16(header + 31 - header % 31).bigEndian, as: UInt16.self)
    var (place, adler): (Int, UInt) = (2, 1)
    for piece in pieces {
      piece.bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: target[place...]).copyMemory(from: $0) }
      place += piece.bytes.count
      adler = adler32_combine(adler, piece.adler, piece.count)
    }
    target.storeBytes(of: UInt32(adler).bigEndian, toByteOffset: place, as: UInt32.self)
  }
}
