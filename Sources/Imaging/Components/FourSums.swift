/// The sums over voxels of two by two rows along x.
struct FourSums {
  /// How many voxels there are; of the rows with the larger z, with the larger y, and with both.
  let count, upper, right, both: Int
  /// The sums of their places along x; of the rows with the larger z, and with the larger y.
  let sum, sumUpper, sumRight: Int
  /// The sum of the squares of their places.
  let squares: Int
  /// The first place, and the last.
  let first, last: Int

  /// The bits of rows that are 1 in a range.
  ///
  /// - Parameters:
  ///   - one: at (z, y); the others at (z, y + 1), (z + 1, y) and (z + 1, y + 1).
  ///   - table: `BitSums.ofBytes`.
  @inline(__always)
  init(
    _ one: UnsafePointer<UInt64>, _ two: UnsafePointer<UInt64>, _ three: UnsafePointer<UInt64>,
    _ four: UnsafePointer<UInt64>, _ x: Range<Int>, _ table: UnsafePointer<UInt64>
  ) {
    let (start, length) = (x.lowerBound, x.count)
    guard length > 8 else {
      // Each row is a byte, all of whose sums stand in one word.
      @inline(__always)
      func byte(_ row: UnsafePointer<UInt64>) -> Int { Int(BitRows.bits(row, from: start, count: length)) }
      let (a, b, c, d) = (byte(one), byte(two), byte(three), byte(four))
      let (upper, right) = (table[c] &+ table[d], table[b] &+ table[d])
      let whole = table[a] &+ table[b] &+ upper
      @inline(__always)
      func count(_ sums: UInt64) -> Int { Int(sums & 0xffff) }
      @inline(__always)
      func sum(_ sums: UInt64) -> Int { Int(sums >> 16 & 0xffff) }
      self.count = count(whole)
      (self.upper, self.right, both) = (count(upper), count(right), count(table[d]))
      let own = sum(whole)
      self.sum = self.count &* start &+ own
      sumUpper = self.upper &* start &+ sum(upper)
      sumRight = self.right &* start &+ sum(right)
      squares = start &* (self.sum &+ own) &+ Int(whole >> 32)
      let all = a | b | c | d
      first = start &+ all.trailingZeroBitCount
      last = start &+ 63 &- all.leadingZeroBitCount
      return
    }
    func sums(_ row: UnsafePointer<UInt64>) -> BitSums {
      var sums = BitSums()
      sums.add(row, x, table)
      return sums
    }
    let (a, b, c, d) = (sums(one), sums(two), sums(three), sums(four))
    count = a.count + b.count + c.count + d.count
    (upper, right, both) = (c.count + d.count, b.count + d.count, d.count)
    (sum, sumUpper, sumRight) = (a.sum + b.sum + c.sum + d.sum, c.sum + d.sum, b.sum + d.sum)
    squares = a.squares + b.squares + c.squares + d.squares
    // Of two at a time: of more, the standard library makes an array.
    first = min(min(a.first, b.first), min(c.first, d.first))
    last = max(max(a.last, b.last), max(c.last, d.last))
  }
}
