/// Fletcher's checksum of 16-bit words as HDF5's filter of that name stores it: big-endian words, each of two sums from 1 to
/// 65535, or 0 of zeros alone; an odd last byte is the upper half of a word.
///
/// J. Fletcher, *An Arithmetic Checksum for Serial Transmissions*, doi:10.1109/TCOM.1982.1095369; HDF5 file format, III.E.
enum Fletcher32 {
  private typealias Words = SIMD16<UInt16>
  private typealias Sums = SIMD16<UInt32>

  /// Sums of the second kind grow with the square of this, and stay below 2³².
  private static let rounds = 360

  /// The checksum of bytes: the second sum in the upper half.
  ///
  /// - Complexity: O(*bytes*), 32 of them at a time.
  static func value(of bytes: UnsafeRawBufferPointer) -> UInt32 {
    var (first, second): (UInt64, UInt64) = (0, 0)
    var offset = 0
    var places = Sums()
    for lane in places.indices { places[lane] = UInt32(lane) }
    let width = 2 * Words.scalarCount
    while offset + width <= bytes.count {
      let count = min(rounds, (bytes.count - offset) / width)
      // A lane's second sum weighs each of its words by the rounds that are left; words of later lanes count less.
      var (sums, weighted) = (Sums(), Sums())
      for round in 0..<count {
        let stored = bytes.loadUnaligned(fromByteOffset: offset + round * width, as: Words.self)
        sums &+= Sums(truncatingIfNeeded: stored &<< 8 | stored &>> 8)
        weighted &+= sums
      }
      let lanes = SIMD16<UInt64>(truncatingIfNeeded: sums)
      let later = (lanes &* SIMD16<UInt64>(truncatingIfNeeded: places)).wrappedSum()
      let words = UInt64(count * Words.scalarCount)
      second += words * first + 16 * SIMD16<UInt64>(truncatingIfNeeded: weighted).wrappedSum() - later
      first += lanes.wrappedSum()
      (first, second) = (folded(first), folded(second))
      offset += count * width
    }
    while offset < bytes.count {
      first += UInt64(bytes[offset]) << 8 | (offset + 1 < bytes.count ? UInt64(bytes[offset + 1]) : 0)
      second += first
      offset += 2
    }
    return UInt32(folded(second)) << 16 | UInt32(folded(first))
  }

  /// The number from 1 to 65535 that is the same modulo 65535; 0 of 0.
  private static func folded(_ sum: UInt64) -> UInt64 { sum == 0 ? 0 : (sum - 1) % 65535 + 1 }
}
