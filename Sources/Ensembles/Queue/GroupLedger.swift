/// What rank 0 knows of the groups: who is in which, and whom ranks without work join.
struct GroupLedger {
  private var ranks: [[Int]]
  /// Members that a group was given and has not reported.
  private var open: [Int]
  /// Groups that know that there is no further member. The last epoch of their last member has begun.
  private var isTold: [Bool]
  private var free: [Int]
  private let mostRanks: Int
  /// Of all ranks; nil: all alike.
  private let speeds: [Double]?

  /// - Parameters:
  ///   - begins: for each group whether it begins with a member.
  ///   - speeds: of all ranks, relative to each other; nil: all alike.
  init(_ groups: RankGroups, begins: [Bool], speeds: [Double]? = nil) {
    ranks = groups.groups
    open = begins.map { $0 ? 1 : 0 }
    isTold = begins.map { !$0 }
    free = groups.spare
    mostRanks = groups.mostRanks
    self.speeds = speeds
    for group in begins.indices where !begins[group] { release(group) }
  }

  mutating func give(_ group: Int) { open[group] += 1 }

  mutating func tellEnd(_ group: Int) {
    isTold[group] = true
    release(group)
  }

  mutating func end(_ group: Int) {
    open[group] -= 1
    release(group)
  }

  /// The ranks of a group without work, and those on their way to it, are free.
  private mutating func release(_ group: Int) {
    guard open[group] == 0, isTold[group] else { return }
    free += ranks[group]
    free.sort()
    ranks[group] = []
  }

  /// Sends each free rank to the smallest of the groups that have an epoch left to begin, unless it would make them
  /// slower.
  mutating func joins() -> [(group: Int, ranks: [Int])] {
    var result: [Int: [Int]] = [:]
    var left: [Int] = []
    for rank in free {
      let running = ranks.indices.filter {
        open[$0] > 0 && !isTold[$0] && ranks[$0].count < mostRanks && !isSlower($0, with: rank)
      }
      guard let group = running.min(by: { (ranks[$0].count, $0) < (ranks[$1].count, $1) }) else {
        left.append(rank)
        continue
      }
      ranks[group].append(rank)
      result[group, default: []].append(rank)
    }
    free = left
    return result.sorted { $0.key < $1.key }.map { (group: $0.key, ranks: $0.value) }
  }

  private func isSlower(_ group: Int, with rank: Int) -> Bool {
    guard let speeds else { return false }
    let own = ranks[group].map { speeds[$0] }
    return GroupReduction.speed(of: own + [speeds[rank]], shards: mostRanks)
      < GroupReduction.speed(of: own, shards: mostRanks)
  }
}
