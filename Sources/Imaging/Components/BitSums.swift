import Host

/// How many places are marked, and the sums of the places and of their squares.
struct BitSums {
  private(set) var count = 0
  private(set) var sum = 0
  private(set) var squares = 0
  /// The first place; beyond all of none.
  private(set) var first = Int.max
  /// The last place; −1 of none.
  private(set) var last = -1

  /// Of each byte how many bits are 1, from bit 16 on the sum of their places, from bit 32 on that of their squares.
  static let ofBytes: AlignedBuffer<UInt64> = {
    let table = AlignedBuffer<UInt64>(count: 256)
    for byte in 0..<256 {
      for bit in 0..<8 where byte >> bit & 1 == 1 { table.pointer[byte] += UInt64(1 + bit << 16 + (bit * bit) << 32) }
    }
    return table
  }()

  init() {}

  /// Adds places that follow one another, behind those before.
  @inline(__always)
  mutating func add(_ x: Range<Int>) {
    /// The sum of k² for k below m.
    func squares(_ m: Int) -> Int { (m &- 1) &* m &* (2 &* m &- 1) / 6 }
    let (n, start, last) = (x.count, x.lowerBound, x.upperBound - 1)
    count &+= n
    sum &+= (n &* (start &+ last)) >> 1
    self.squares &+= n == 1 ? start &* start : squares(x.upperBound) &- squares(start)
    first = min(first, start)
    self.last = last
  }

  /// Adds the bits of a row that are 1 in a range, behind those before.
  ///
  /// - Parameter table: `ofBytes`.
  mutating func add(_ row: UnsafePointer<UInt64>, _ x: Range<Int>, _ table: UnsafePointer<UInt64>) {
    var start = x.lowerBound
    while start < x.upperBound {
      let length = min(64 - start & 63, x.upperBound - start)
      let bits = BitRows.bits(row, from: start, count: length)
      if bits != 0 {
        let (low, high) = (bits.trailingZeroBitCount, 64 - bits.leadingZeroBitCount)
        // Places that follow one another need no table.
        if bits >> UInt64(low) == ~0 >> UInt64(64 - (high - low)) {
          add(start + low..<start + high)
        } else {
          addAll(bits, from: start, table)
          first = min(first, start + low)
          last = start + high - 1
        }
      }
      start += length
    }
  }

  /// Adds the places of bits, eight at a time.
  @inline(__always)
  private mutating func addAll(_ bits: UInt64, from start: Int, _ table: UnsafePointer<UInt64>) {
    // Of eight bytes the sums, those times the byte's place, and those times its square.
    var (plain, once, twice): (UInt64, UInt64, UInt64) = (0, 0, 0)
    var rest = bits
    for byte: UInt64 in 0..<8 {
      let own = table[Int(rest & 255)]
      plain &+= own
      once &+= byte &* own
      twice &+= byte &* byte &* (own & 0xffff)
      rest >>= 8
    }
    let n = Int(plain & 0xffff)
    let sum = Int(plain >> 16 & 0xffff) &+ 8 &* Int(once & 0xffff)
    let squares = Int(plain >> 32) &+ 16 &* Int(once >> 16 & 0xffff) &+ 64 &* Int(twice)
    count &+= n
    self.sum &+= n &* start &+ sum
    self.squares &+= n &* start &* start &+ 2 &* start &* sum &+ squares
  }
}
