/// When ranks end what they are given, if all goes as expected: the longest processing time rule for ranks of different
/// speeds.
struct ExpectedEnds {
  /// Ranks of one speed, the one that ends first at the end.
  private struct Class {
    let speed: Double
    var ranks: [(end: Double, rank: Int)]

    /// Moves the first rank to its place by another end; ends descend.
    mutating func delay(until end: Double) {
      let rank = ranks.removeLast().rank
      var (low, high) = (0, ranks.count)
      while low < high {
        let middle = (low + high) / 2
        if (end, rank) < (ranks[middle].end, ranks[middle].rank) { low = middle + 1 } else { high = middle }
      }
      ranks.insert((end, rank), at: low)
    }
  }

  private var classes: [Class] = []
  /// The latest end of work that was added.
  private(set) var latest = 0.0

  /// - Parameter ends: of the ranks; infinity for one that takes nothing.
  init(_ ends: [Double], speeds: [Double]) {
    for (rank, end) in ends.enumerated() where end < .infinity {
      if let place = classes.firstIndex(where: { $0.speed == speeds[rank] }) {
        classes[place].ranks.append((end, rank))
      } else {
        classes.append(Class(speed: speeds[rank], ranks: [(end, rank)]))
      }
    }
    for place in classes.indices { classes[place].ranks.sort { ($1.end, $1.rank) < ($0.end, $0.rank) } }
  }

  /// Gives work to the rank that ends it first; of several the lowest.
  ///
  /// - Complexity: O(*speeds* + *ranks*).
  mutating func add(_ work: Double) -> Int {
    var best = (end: Double.infinity, rank: Int.max, place: 0)
    for (place, one) in classes.enumerated() {
      guard let next = one.ranks.last else { continue }
      let end = next.end + work / one.speed
      if (end, next.rank) < (best.end, best.rank) { best = (end, next.rank, place) }
    }
    precondition(best.rank < Int.max, "work is given to at least one rank")
    latest = max(latest, best.end)
    classes[best.place].delay(until: best.end)
    return best.rank
  }
}
