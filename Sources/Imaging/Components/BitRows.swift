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
    let pattern = UInt64(value) &* 0x0101_0101_0101_0101
    let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
    for row in 0..<extents.z * extents.y {
      let bytes = UnsafeRawPointer(values + row * extents.x)
      let own = words.pointer + row * wordsPerRow
      for word in 0..<wordsPerRow {
        var bits: UInt64 = 0
        let (start, end) = (word * 64, min(extents.x, word * 64 + 64))
        var x = start
        while x + 8 <= end {
          let difference = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: x, as: UInt64.self)) ^ pattern
          // The highest bit of every byte that is equal, then those bits side by side in the highest byte.
          let equal = ~(((difference & low) &+ low) | difference | low)
          bits |= (((equal >> 7) &* 0x0102_0408_1020_4080) >> 56) << UInt64(x - start)
          x += 8
        }
        while x < end {
          if bytes.load(fromByteOffset: x, as: UInt8.self) == value { bits |= 1 << UInt64(x - start) }
          x += 1
        }
        own[word] = bits
      }
    }
  }

  /// Bytes of memory.
  var bytes: Int { words.count * 8 }

  /// The words of a row; nil beside the box.
  func row(_ z: Int, _ y: Int) -> UnsafePointer<UInt64>? {
    guard (0..<extents.z).contains(z), (0..<extents.y).contains(y) else { return nil }
    return UnsafePointer(words.pointer + (z * extents.y + y) * wordsPerRow)
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
      // A run's two ends follow each other in memory, and so do all runs.
      var found = 0
      var before: UInt64 = 0
      for index in 0..<count {
        let word = words[index]
        var changes = word ^ (word << 1 | before)
        before = word >> 63
        let start = Int32(index * 64)
        while changes != 0 {
          ends[found] = start + Int32(changes.trailingZeroBitCount)
          found += 1
          changes &= changes &- 1
        }
      }
      return found / 2
    }
  }
}
