/// Which ranks begin to train members together.
///
/// Groups are of consecutive ranks, as many as members can be trained at a time; ranks that are left over join them. How ranks are
/// grouped never changes a member.
public struct RankGroups: Hashable, Sendable {
  /// World ranks, the leader of each group first.
  public let groups: [[Int]]
  /// Ranks that no group can use at first.
  public let spare: [Int]
  /// The most ranks that a group can use: every one needs a shard.
  public let mostRanks: Int

  /// - Parameters:
  ///   - members: to be trained.
  ///   - ranksPerMember: nil: as many as there are for each.
  ///   - shards: of a batch.
  public init(ranks: Int, members: Int, ranksPerMember: Int?, shards: Int) {
    precondition(ranks > 0 && shards > 0, "ranks and shards are at least one")
    mostRanks = shards
    let count = max(1, min(members, ranks / max(1, ranksPerMember ?? 1)))
    var groups: [[Int]] = []
    var next = 0
    for group in 0..<count {
      let size = ranks / count + (group < ranks % count ? 1 : 0)
      groups.append(Array(next..<next + min(size, shards)))
      next += min(size, shards)
    }
    self.groups = groups
    spare = Array(next..<ranks)
  }

  /// Every rank trains members by itself, and none joins another.
  public init(single ranks: Int) {
    groups = (0..<ranks).map { [$0] }
    spare = []
    mostRanks = 1
  }

  /// One line on groups of several ranks, and on ranks that train nothing at first; nil when there are none.
  public func remark(members: Int) -> String? {
    let sizes = groups.map(\.count)
    guard let most = sizes.max(), let fewest = sizes.min(), most > 1 || !spare.isEmpty else { return nil }
    func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
    let size = fewest == most ? count(most, "rank") : "\(fewest) to \(count(most, "rank"))"
    let helpers =
      spare.isEmpty
      ? "" : "; \(count(spare.count, "rank")) more than the \(mostRanks) shards of a batch can use, to help to predict"
    return "\(count(members, "member")) to train in \(count(groups.count, "group")) of \(size)\(helpers)."
  }

  /// Which group a rank leads.
  func led(by rank: Int) -> Int? { groups.firstIndex { $0[0] == rank } }
}

/// What rank 0 knows of the groups: who is in which, and whom ranks without work join.
struct GroupLedger {
  private var ranks: [[Int]]
  /// Members that a group was given and has not reported.
  private var open: [Int]
  /// Groups that know that there is no further member. The last epoch of their last member has begun.
  private var isTold: [Bool]
  private var free: [Int]
  private let mostRanks: Int

  /// - Parameter begins: for each group whether it begins with a member.
  init(_ groups: RankGroups, begins: [Bool]) {
    ranks = groups.groups
    open = begins.map { $0 ? 1 : 0 }
    isTold = begins.map { !$0 }
    free = groups.spare
    mostRanks = groups.mostRanks
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

  /// Sends each free rank to the smallest of the groups that have an epoch left to begin.
  mutating func joins() -> [(group: Int, ranks: [Int])] {
    var result: [Int: [Int]] = [:]
    while !free.isEmpty {
      let running = ranks.indices.filter { open[$0] > 0 && !isTold[$0] && ranks[$0].count < mostRanks }
      guard let group = running.min(by: { (ranks[$0].count, $0) < (ranks[$1].count, $1) }) else { break }
      let rank = free.removeFirst()
      ranks[group].append(rank)
      result[group, default: []].append(rank)
    }
    return result.sorted { $0.key < $1.key }.map { (group: $0.key, ranks: $0.value) }
  }
}
