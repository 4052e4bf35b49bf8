import Host

/// Where in a `SharedFile` a chunk was written and what its bytes are, so that it can be found there when the file was
/// never finished.
public struct StoredChunk: Hashable, Sendable {
  let dataset: Int
  let start: [Int]
  let skippedFilters: UInt32
  let offset: Int
  let bytes: Int
  let checksum: UInt64

  init(_ chunk: PackedChunk, of dataset: Int, at offset: Int) {
    (self.dataset, start, skippedFilters) = (dataset, chunk.start, chunk.skippedFilters)
    (self.offset, bytes, checksum) = (offset, chunk.bytes.count, chunk.bytes.withUnsafeBytes(Self.checksum))
  }

  /// The checksum of a chunk's bytes: FNV-1a over 64-bit words, four of them side by side, then over the four and what is left.
  static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    var lanes = (FNV1a(), FNV1a(), FNV1a(), FNV1a())
    var offset = 0
    func word(_ place: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8 * place, as: UInt64.self))
    }
    while offset + 32 <= bytes.count {
      lanes.0.add(word(0))
      lanes.1.add(word(1))
      lanes.2.add(word(2))
      lanes.3.add(word(3))
      offset += 32
    }
    var checksum = FNV1a()
    checksum.add([lanes.0.value, lanes.1.value, lanes.2.value, lanes.3.value])
    checksum.add(bytes[offset...])
    return checksum.value
  }

  /// All of it as whole numbers.
  public var numbers: [Int] {
    [dataset, Int(skippedFilters), offset, bytes, Int(truncatingIfNeeded: checksum), start.count] + start
  }

  /// The chunk that `numbers` are of, at the front of others, which are left; nil when they are of none.
  public init?(taking numbers: inout ArraySlice<Int>) {
    let first = numbers.startIndex
    guard numbers.count >= 6, let skippedFilters = UInt32(exactly: numbers[first + 1]) else { return nil }
    (dataset, self.skippedFilters) = (numbers[first], skippedFilters)
    (offset, bytes) = (numbers[first + 2], numbers[first + 3])
    checksum = UInt64(bitPattern: Int64(numbers[first + 4]))
    let axes = numbers[first + 5]
    numbers.removeFirst(6)
    guard dataset >= 0, offset >= 0, bytes >= 0, (0...numbers.count).contains(axes) else { return nil }
    start = Array(numbers.prefix(axes))
    numbers.removeFirst(axes)
  }
}

/// The chunks in a `SharedFile` that was never finished. libhdf5 cannot open such a file; it need not.
public struct UnfinishedFile {
  private let file: ReadableFile

  /// Nil when the file cannot be opened.
  public init?(_ path: String) {
    guard let file = try? ReadableFile(path) else { return nil }
    self.file = file
  }

  /// Reads chunks, to be written into another file with the same datasets.
  ///
  /// - Returns: nil when the file does not hold the bytes that were written.
  public func parts(_ chunks: [StoredChunk]) -> [SharedDataset.Part]? {
    var parts: [SharedDataset.Part] = []
    for chunk in chunks {
      guard let bytes = file.bytes(at: chunk.offset, count: chunk.bytes),
        bytes.withUnsafeBytes(StoredChunk.checksum) == chunk.checksum
      else { return nil }
      let packed = PackedChunk(start: chunk.start, bytes: bytes, skippedFilters: chunk.skippedFilters)
      parts.append(SharedDataset.Part(dataset: chunk.dataset, chunks: .packed([packed])))
    }
    return parts
  }
}
