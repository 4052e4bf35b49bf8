import Host

/// How work on flat parameters is cut: a function of their layout alone.
final class ParameterBlocks: Sendable {
  /// Elements of a block: a quarter of a megabyte of each array.
  static let size = 65536

  /// Start and count of every block.
  private let places: AlignedBuffer<Int>

  /// The ranges in blocks of `size`, each counted from its range's start.
  init(of ranges: [Range<Int>]) {
    let blocks = ranges.flatMap { range in
      stride(from: range.lowerBound, to: range.upperBound, by: Self.size).map {
        ($0, min(range.upperBound - $0, Self.size))
      }
    }
    precondition(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }, "ranges ascend")
    places = AlignedBuffer(count: 2 * blocks.count)
    for (index, block) in blocks.enumerated() {
      places.pointer[2 * index] = block.0
      places.pointer[2 * index + 1] = block.1
    }
  }

  /// The number of blocks.
  var count: Int { places.count / 2 }

  subscript(index: Int) -> (start: Int, count: Int) {
    (places.pointer[2 * index], places.pointer[2 * index + 1])
  }

  /// Where the last block ends.
  var end: Int { count > 0 ? self[count - 1].start + self[count - 1].count : 0 }
}
