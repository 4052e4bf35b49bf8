import Host

/// Which voxels of a box have a value: a bit each, row by row.
struct BitRows {
  let extents: Extents
  /// Words of 64 bits of each row. At least one bit, which is 0, follows that of the last voxel.
  let wordsPerRow: Int
  private let words: AlignedBuffer<UInt64>

  /// Looks at `values`, `[z, y, x]`.
  ///
  /// - Complexity: O(*voxels*), eight voxels at a time; a bit a voxel of memory.
  init(of value: UInt8, in values: UnsafePointer<UInt8>, over extents: Extents) {
    self.extents = extents
    wordsPerRow = extents.x / 64 + 1
    words = AlignedBuffer(unfilled: extents.z * extents.y * wordsPerRow)
    let pattern = SIMD16<UInt8>(repeating: value)
    for row in 0..<extents.z * extents.y {
      let bytes = UnsafeRawPointer(values + row * extents.x)
      let own = words.pointer + row * wordsPerRow
      for word in 0..<extents.x / 64 {
        var bits: UInt64 = 0
        for quarter in 0..<4 {
          let part = bytes.loadUnaligned(fromByteOffset: word * 64 + quarter * 16, as: SIMD16<UInt8>.self)
          bits |= Self.equal(part, pattern) << UInt64(quarter * 16)
        }
        own[word] = bits
      }
      var bits: UInt64 = 0
      for x in extents.x & ~63..<extents.x where bytes.load(fromByteOffset: x, as: UInt8.self) == value {
        bits |= 1 << UInt64(x & 63)
      }
      own[wordsPerRow - 1] = bits
    }
  }

  /// Which of 16 numbers are the same: a bit each, the first lowest.
  @inline(__always)
  private static func equal(_ one: SIMD16<UInt8>, _ other: SIMD16<UInt8>) -> UInt64 {
    // Of each byte that is equal another bit, and then the sums of eight.
    let mark = SIMD16<UInt8>(1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128)
    let marks = SIMD16<UInt8>(repeating: 0).replacing(with: mark, where: one .== other)
    let halves = unsafeBitCast(marks, to: SIMD2<UInt64>.self)
    let ones: UInt64 = 0x0101_0101_0101_0101
    return (halves[0].littleEndian &* ones) >> 56 | ((halves[1].littleEndian &* ones) >> 56) << 8
  }

  /// Bytes of memory.
  var bytes: Int { words.count * 8 }

  /// The words of a row; nil beside the box.
  func row(_ z: Int, _ y: Int) -> UnsafePointer<UInt64>? {
    guard (0..<extents.z).contains(z), (0..<extents.y).contains(y) else { return nil }
    return UnsafePointer(words.pointer + (z * extents.y + y) * wordsPerRow)
  }

  /// Some bits of a row, the first lowest.
  ///
  /// - Parameter count: 1 to 64; all are of the row.
  @inline(__always)
  static func bits(_ row: UnsafePointer<UInt64>, from start: Int, count: Int) -> UInt64 {
    let (word, shift) = (start >> 6, start & 63)
    var bits = row[word] >> UInt64(shift)
    if shift + count > 64 { bits |= row[word + 1] << UInt64(64 - shift) }
    return bits & (~0 >> UInt64(64 - count))
  }

  /// Whether any of some bits of a row is 1.
  @inline(__always)
  static func hasBits(_ row: UnsafePointer<UInt64>, _ x: Range<Int>) -> Bool {
    var start = x.lowerBound
    while start < x.upperBound {
      let count = min(64, x.upperBound - start)
      if bits(row, from: start, count: count) != 0 { return true }
      start += count
    }
    return false
  }

  /// Finds the runs of bits that are 1.
  ///
  /// - Parameters:
  ///   - words: whose last bit is 0.
  ///   - runs: where they go.
  /// - Returns: how many there are.
  @inline(__always)
  static func runs(of words: UnsafePointer<UInt64>, count: Int, into runs: UnsafeMutablePointer<RowRun>) -> Int {
    UnsafeMutableRawPointer(runs).withMemoryRebound(to: Int32.self, capacity: 64 * count) { ends in
      // A run's two ends follow each other in memory. Those where runs begin and those behind their ends are found apart, which
      // the processor does at once.
      var (starts, nexts) = (0, 1)
      var before: UInt64 = 0
      for index in 0..<count {
        let word = words[index]
        let shifted = word << 1 | before
        var (begins, stops) = (word & ~shifted, shifted & ~word)
        before = word >> 63
        let start = Int32(index * 64)
        while begins != 0 && stops != 0 {
          ends[starts] = start + Int32(begins.trailingZeroBitCount)
          ends[nexts] = start + Int32(stops.trailingZeroBitCount)
          (starts, nexts) = (starts + 2, nexts + 2)
          begins &= begins &- 1
          stops &= stops &- 1
        }
        if begins != 0 {
          ends[starts] = start + Int32(begins.trailingZeroBitCount)
          starts += 2
        } else if stops != 0 {
          ends[nexts] = start + Int32(stops.trailingZeroBitCount)
          nexts += 2
        }
      }
      return starts / 2
    }
  }
}
