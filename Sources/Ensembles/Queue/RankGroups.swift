/// Which ranks begin to train members together.
///
/// Groups are of consecutive ranks, as many as members can be trained at a time; ranks that are left over join them.
/// How ranks are grouped never changes a member.
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

  /// How fast each group is, beside what it would be if all ranks had speed 1: groups of unlike sizes count as alike,
  /// since free ranks join the smaller ones.
  ///
  /// - Parameter speeds: of all ranks.
  func speeds(of speeds: [Double]) -> [Double] {
    groups.map { ranks in
      GroupReduction.speed(of: ranks.map { speeds[$0] }, shards: mostRanks)
        / GroupReduction.speed(of: ranks.map { _ in 1 }, shards: mostRanks)
    }
  }

  /// Which group a rank leads.
  func led(by rank: Int) -> Int? { groups.firstIndex { $0[0] == rank } }
}
