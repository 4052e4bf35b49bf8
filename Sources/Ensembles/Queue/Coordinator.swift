/// The decisions of rank 0: which group trains which member next, and which groups the ranks without work join.
///
/// `MemberQueue` carries the decisions to the ranks by messages, `SimulatedQueue` by a simulated clock. A group may end
/// a member at any time, asked for the next or not: early stopping and failures come unannounced.
struct Coordinator {
  private var schedule: MemberSchedule
  private var ledger: GroupLedger
  private(set) var isStopping = false
  /// The member that each group begins with.
  let firsts: [Int?]

  /// - Parameter speeds: of all ranks, relative to each other; nil: all alike.
  init(_ candidates: [MemberSchedule.Candidate], groups: RankGroups, speeds: [Double]?) {
    let schedule = MemberSchedule(candidates, groups: groups, speeds: speeds)
    self.schedule = schedule
    firsts = groups.groups.indices.map { schedule.first(for: $0) }
    ledger = GroupLedger(groups, begins: firsts.map { $0 != nil }, speeds: speeds)
  }

  /// Answers a group that asks for its next member; nil, the last answer that a group gets: there is none.
  mutating func next(for group: Int) -> Int? {
    let member = schedule.next(for: group)
    if member != nil { ledger.give(group) } else { ledger.tellEnd(group) }
    return member
  }

  /// Notes what became of a group's member.
  mutating func end(_ report: MemberSchedule.Report, in group: Int) {
    schedule.finish(report)
    ledger.end(group)
  }

  /// The ranks that are to join a group before its next epoch; to be carried out after every call of `next` and `end`.
  mutating func joins() -> [(group: Int, ranks: [Int])] { isStopping ? [] : ledger.joins() }

  /// From now on no group gets another member, and none gets ranks.
  mutating func stop() {
    isStopping = true
    schedule.stop()
  }

  /// Whether every member has ended and every group knows that there is none left.
  var isComplete: Bool { schedule.isComplete }

  /// What became of the members that have ended, by member.
  var reports: [MemberSchedule.Report] { schedule.reports.values.sorted { $0.member < $1.member } }
}
