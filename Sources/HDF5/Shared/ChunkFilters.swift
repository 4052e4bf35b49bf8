import Host

/// A chunk as a file holds it, after the filters of its layout.
struct PackedChunk: Sendable {
  /// Its first element along every axis.
  var start: [Int]
  var bytes: [UInt8]
  /// The filters that were left out, a bit each: deflate, where it saves nothing.
  var skippedFilters: UInt32
}

/// The elements of a chunk, as memory and file hold them.
struct ChunkElements: Sendable {
  /// Its first element along every axis.
  let start: [Int]
  let byteCount: Int
  private let read: @Sendable ((UnsafeRawBufferPointer) -> Void) -> Void

  /// - Parameter values: all elements, in row order.
  init<Scalar: HDF5Scalar>(_ values: [Scalar], start: [Int]) {
    self.start = start
    byteCount = values.count * MemoryLayout<Scalar>.stride
    read = { body in values.withUnsafeBytes { body($0) } }
  }

  /// Calls `body` with the bytes.
  func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) { read(body) }
}

/// The filters of a layout: bytes of elements shuffled, deflated, with a checksum, as HDF5's own filters make them.
///
/// A chunk is deflated in pieces, which threads share, as one zlib stream. Pieces are cut by shape alone.
struct ChunkFilters: Sendable {
  private let elementBytes: Int
  /// Whether the file's list of filters has that one; elements of one byte stay as they are.
  private let hasShuffle: Bool
  private let deflate: Int?
  private let hasChecksum: Bool

  /// Bytes of a piece before it is deflated.
  private static let pieceBytes = 1 << 17

  /// - Parameter elementBytes: bytes of an element.
  init(_ layout: Layout, elementBytes: Int) {
    self.elementBytes = elementBytes
    (hasShuffle, deflate, hasChecksum) = (layout.shuffle, layout.deflate, layout.checksum)
  }

  private var shuffles: Bool { hasShuffle && elementBytes > 1 }

  /// A run of bytes of a chunk after shuffling: one byte of each of some elements.
  private struct Piece {
    let chunk: Int
    let plane: Int
    let range: Range<Int>
    let isLast: Bool
  }

  /// Applies each chunk's filters.
  ///
  /// - Parameter team: threads that share the work; nil: the caller does it alone.
  /// - Returns: nil when there was no memory for it.
  static func pack(_ chunks: [(elements: ChunkElements, filters: ChunkFilters)], on team: ThreadTeam?) -> [PackedChunk]?
  {
    func run(count: Int, _ body: (Int) -> Void) {
      if let team, count > 1 { team.run(count: count) { piece, _ in body(piece) } } else { (0..<count).forEach(body) }
    }
    var pieces: [Piece] = []
    var firsts: [Int] = []
    for (index, chunk) in chunks.enumerated() {
      firsts.append(pieces.count)
      pieces += chunk.filters.pieces(of: chunk.elements, index)
    }
    firsts.append(pieces.count)
    var deflated = [Deflated?](repeating: nil, count: pieces.count)
    deflated.withUnsafeMutableBufferPointer { deflated in
      run(count: pieces.count) { index in
        let piece = pieces[index]
        let (elements, filters) = chunks[piece.chunk]
        elements.withBytes { bytes in
          filters.withPlane(piece.plane, piece.range, of: bytes) {
            deflated[index] = Deflated($0, level: filters.deflate ?? 0, isLast: piece.isLast)
          }
        }
      }
    }
    guard !deflated.contains(where: { $0 == nil }) else { return nil }
    var packed = chunks.map { PackedChunk(start: $0.elements.start, bytes: [], skippedFilters: 0) }
    packed.withUnsafeMutableBufferPointer { packed in
      run(count: chunks.count) { index in
        let (elements, filters) = chunks[index]
        let parts = deflated[firsts[index]..<firsts[index + 1]].compactMap { $0 }
        filters.assemble(elements, parts, &packed[index])
      }
    }
    return packed
  }

  /// What of a chunk is deflated by itself; nothing when there is no such filter.
  private func pieces(of elements: ChunkElements, _ chunk: Int) -> [Piece] {
    guard deflate != nil else { return [] }
    let planes = shuffles ? elementBytes : 1
    let length = elements.byteCount / planes
    let starts = Array(stride(from: 0, to: length, by: Self.pieceBytes))
    return (0..<planes).flatMap { plane in
      starts.map { start in
        let end = min(length, start + Self.pieceBytes)
        return Piece(chunk: chunk, plane: plane, range: start..<end, isLast: plane == planes - 1 && end == length)
      }
    }
  }

  /// Hands on a run of shuffled bytes.
  private func withPlane(
    _ plane: Int, _ range: Range<Int>, of bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    guard shuffles else { return body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    withUnsafeTemporaryAllocation(byteCount: range.count, alignment: 16) { own in
      gather(plane, range, of: bytes, into: own)
      body(UnsafeRawBufferPointer(own))
    }
  }

  private func gather(
    _ plane: Int, _ range: Range<Int>, of bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) {
    var place = range.lowerBound * elementBytes + plane
    for index in 0..<range.count {
      target[index] = bytes[place]
      place += elementBytes
    }
  }

  /// Makes a chunk's bytes of its deflated pieces, or of its elements where these are smaller.
  private func assemble(_ elements: ChunkElements, _ parts: [Deflated], _ chunk: inout PackedChunk) {
    let stream = Deflated.streamBytes(parts)
    let isDeflated = deflate != nil && stream < elements.byteCount
    if deflate != nil, !isDeflated { chunk.skippedFilters = 1 << (hasShuffle ? 1 : 0) }
    let count = isDeflated ? stream : elements.byteCount
    chunk.bytes = [UInt8](unsafeUninitializedCapacity: count + (hasChecksum ? 4 : 0)) { target, written in
      let own = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[..<count])
      if isDeflated {
        Deflated.writeStream(parts, level: deflate ?? 0, to: own)
      } else {
        elements.withBytes { bytes in
          guard shuffles else { return own.copyMemory(from: bytes) }
          let length = count / elementBytes
          for plane in 0..<elementBytes {
            let part = UnsafeMutableRawBufferPointer(rebasing: own[plane * length..<(plane + 1) * length])
            gather(plane, 0..<length, of: bytes, into: part)
          }
        }
      }
      written = count
      guard hasChecksum else { return }
      let checksum = Fletcher32.value(of: UnsafeRawBufferPointer(own))
      UnsafeMutableRawPointer(target.baseAddress.unsafelyUnwrapped).storeBytes(
        of: checksum.littleEndian, toByteOffset: count, as: UInt32.self)
      written += 4
    }
  }
}
