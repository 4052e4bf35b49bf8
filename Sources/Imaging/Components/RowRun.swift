import Host

/// Voxels of a row that follow one another.
struct RowRun: Hashable, Sendable {
  private let first, next: Int32

  /// The place of the first.
  @inline(__always)
  var start: Int { Int(first) }
  /// The place after the last.
  @inline(__always)
  var end: Int { Int(next) }

  init(start: Int, end: Int) { (first, next) = (Int32(start), Int32(end)) }

  /// Calls `body` with every two runs of two rows that touch, in ascending order.
  ///
  /// - Parameter aside: how far beside each other, along x, voxels of the rows touch: 0 or 1.
  @inline(__always)
  static func forEachPair(
    _ own: Range<Int>, _ others: Range<Int>, of runs: UnsafeBufferPointer<RowRun>, aside: Int,
    _ body: (_ own: Int, _ other: Int, _ common: Int) -> Void
  ) {
    var first = others.lowerBound
    for index in own {
      while first < others.upperBound, runs[first].end + aside <= runs[index].start { first += 1 }
      var other = first
      while other < others.upperBound, runs[other].start < runs[index].end + aside {
        body(index, other, max(0, min(runs[index].end, runs[other].end) - max(runs[index].start, runs[other].start)))
        other += 1
      }
    }
  }
}
