/// Gives buffers places in one block of memory. Two buffers share bytes only when they are not alive at the same time.
struct Arena {
  struct Request {
    var floats: Int
    /// The first and the last time at which the buffer is used (`PlanCompiler.backwardTime`).
    var first: Int
    var last: Int
  }

  private(set) var offsets: [Int]
  private(set) var floats = 0

  /// Places the largest buffer first, each at the lowest place that is free during its life.
  ///
  /// - Complexity: O(*n*²) comparisons for *n* buffers.
  init(_ requests: [Request]) {
    offsets = Array(repeating: 0, count: requests.count)
    // By ascending offset.
    var placed: [(range: Range<Int>, first: Int, last: Int)] = []
    let order = requests.indices.sorted {
      (requests[$0].floats, $1) > (requests[$1].floats, $0)
    }
    for index in order {
      let request = requests[index]
      guard request.floats > 0 else { continue }
      let size = roundUp(request.floats, to: 16)
      var place = 0
      for other in placed where other.first <= request.last && request.first <= other.last {
        if other.range.lowerBound >= place + size { break }
        place = max(place, other.range.upperBound)
      }
      offsets[index] = place
      floats = max(floats, place + size)
      var (low, high) = (0, placed.count)
      while low < high {
        let middle = (low + high) / 2
        if placed[middle].range.lowerBound < place { low = middle + 1 } else { high = middle }
      }
      placed.insert((place..<place + size, request.first, request.last), at: low)
    }
  }
}
