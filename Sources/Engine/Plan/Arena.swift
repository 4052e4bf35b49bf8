/// Gives buffers places in one block of memory, so that two of them share bytes only when they do not live at the same time.
struct Arena {
  struct Request {
    var floats: Int
    /// First and last step that touches the buffer.
    var first: Int
    var last: Int
  }

  private(set) var offsets: [Int]
  private(set) var floats = 0

  /// Largest first, each at the lowest place that is free during its life.
  /// - Complexity: O(*n*²) for *n* buffers.
  init(_ requests: [Request]) {
    offsets = Array(repeating: 0, count: requests.count)
    var placed: [Int] = []
    let order = requests.indices.sorted {
      (requests[$0].floats, $1) > (requests[$1].floats, $0)
    }
    for index in order {
      let request = requests[index]
      guard request.floats > 0 else { continue }
      let size = roundUp(request.floats, to: 16)
      let neighbours =
        placed
        .filter { requests[$0].first <= request.last && request.first <= requests[$0].last }
        .sorted { offsets[$0] < offsets[$1] }
      var place = 0
      for neighbour in neighbours {
        if offsets[neighbour] >= place + size { break }
        place = max(place, offsets[neighbour] + roundUp(requests[neighbour].floats, to: 16))
      }
      offsets[index] = place
      floats = max(floats, place + size)
      placed.append(index)
    }
  }
}
