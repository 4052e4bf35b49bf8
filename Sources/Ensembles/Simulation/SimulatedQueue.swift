/// What the groups of a simulated cluster do from a start on: the decisions are those of `MemberQueue`, by the same
/// code.
struct SimulatedQueue {
  /// How a member's training goes.
  struct Fate {
    /// Epochs until it ends.
    var epochs: Int
    /// Whether it ends before its last epoch by number, so that the next member is asked for only then.
    var isEarly = false
    var outcome = MemberSchedule.Outcome.done
  }

  /// A member at work.
  private struct Work {
    var member: Int
    var fate: Fate
    var start: Double
    /// All of it, and where each speed began: from `time` on, when `done` was done.
    var work: Double
    var stretches: [(time: Double, done: Double, speed: Double)]
    var hasAsked = false

    func done(at time: Double) -> Double {
      let last = stretches.last { $0.time <= time } ?? (start, 0, 0)
      return min(work, last.done + (time - last.time) * last.speed)
    }

    /// What is done when the last epoch begins.
    var lastEpoch: Double { work * Double(fate.epochs - 1) / Double(fate.epochs) }

    /// When so much is done, unless the speed changes.
    func time(of done: Double) -> Double {
      guard let last = stretches.last else { return start }
      return last.time + max(0, done - last.done) / last.speed
    }
  }

  private struct Group {
    var ranks: [Int]
    var work: Work?
    var next: Int?
    /// Ranks that come in before the next epoch.
    var joining: [Int] = []
    var event = Double.infinity
  }

  private let cluster: SimulatedCluster
  private let work: [Int: Double]
  private let fates: [Int: Fate]
  private var coordinator: Coordinator
  private var groups: [Group]
  /// Since when each rank works, and for how long it did before.
  private var busySince: [Double?]
  private var busy: [Double]
  private var now = 0.0

  /// - Parameters:
  ///   - work: what each member takes in truth, until it ends.
  ///   - fates: how members end; all epochs of those that are not named are trained.
  init(
    _ cluster: SimulatedCluster, _ rankGroups: RankGroups, _ candidates: [MemberSchedule.Candidate],
    work: [Int: Double], fates: [Int: Fate] = [:]
  ) {
    self.cluster = cluster
    self.work = work
    self.fates = fates
    let known = cluster.knowsSpeeds ? cluster.speeds : nil
    let coordinator = Coordinator(candidates, groups: rankGroups, speeds: known)
    self.coordinator = coordinator
    groups = rankGroups.groups.map { Group(ranks: $0) }
    busySince = cluster.speeds.map { _ in nil }
    busy = cluster.speeds.map { _ in 0 }
    for (group, member) in coordinator.firsts.enumerated() {
      guard let member else { continue }
      for rank in groups[group].ranks { busySince[rank] = 0 }
      begin(member, in: group)
    }
  }

  /// When something happens next; nil when all members have ended.
  var nextEvent: Double? {
    let next = groups.reduce(.infinity) { min($0, $1.event) }
    return next < .infinity ? next : nil
  }

  /// Goes on to the next event.
  ///
  /// - Returns: the member that ended, and the rank that led its training.
  mutating func advance() -> (member: Int, leader: Int)? {
    guard let group = groups.indices.min(by: { groups[$0].event < groups[$1].event }),
      let work = groups[group].work
    else { return nil }
    now = groups[group].event
    let done = work.done(at: now)
    if done >= work.work * (1 - 1e-12) { return end(work, in: group) }
    takeIn(group)
    if !work.fate.isEarly, !work.hasAsked, done >= work.lastEpoch * (1 - 1e-12) { ask(group) }
    plan(group)
    return nil
  }

  private mutating func begin(_ member: Int, in group: Int) {
    let fate = fates[member] ?? Fate(epochs: cluster.epochs)
    var begun = Work(member: member, fate: fate, start: now, work: work[member] ?? 0, stretches: [])
    begun.stretches.append((now, 0, speed(groups[group].ranks)))
    groups[group].work = begun
    if fate.epochs == 1, !fate.isEarly { ask(group) }
    plan(group)
  }

  private func speed(_ ranks: [Int]) -> Double {
    GroupReduction.speed(of: ranks.map { cluster.speeds[$0] }, shards: cluster.shards)
  }

  /// Ranks that wait come in before an epoch.
  private mutating func takeIn(_ group: Int) {
    guard !groups[group].joining.isEmpty, let done = groups[group].work?.done(at: now) else { return }
    let joining = groups[group].joining
    for rank in joining { busySince[rank] = now }
    groups[group].ranks += joining
    groups[group].joining = []
    let speed = speed(groups[group].ranks)
    groups[group].work?.stretches.append((now, done, speed))
  }

  /// When the last epoch begins, or when a member has ended before.
  private mutating func ask(_ group: Int) {
    groups[group].work?.hasAsked = true
    groups[group].next = coordinator.next(for: group)
    sendFreeRanks()
  }

  private mutating func end(_ work: Work, in group: Int) -> (member: Int, leader: Int) {
    let leader = groups[group].ranks[0]
    groups[group].work = nil
    groups[group].event = .infinity
    coordinator.end(
      MemberSchedule.Report(
        member: work.member, rank: leader, outcome: work.fate.outcome, start: work.start, seconds: now - work.start),
      in: group)
    sendFreeRanks()
    if !work.hasAsked { ask(group) }
    if let next = groups[group].next {
      groups[group].next = nil
      begin(next, in: group)
    } else {
      for rank in groups[group].ranks {
        busy[rank] += now - (busySince[rank] ?? now)
        busySince[rank] = nil
      }
      groups[group].ranks = []
      // Those that were on their way are free.
      groups[group].joining = []
    }
    return (work.member, leader)
  }

  private mutating func sendFreeRanks() {
    for (group, ranks) in coordinator.joins() {
      groups[group].joining += ranks
      plan(group)
    }
  }

  /// Finds when a group's next event is.
  private mutating func plan(_ group: Int) {
    guard let work = groups[group].work else { return }
    var done = work.work
    if !work.hasAsked, !work.fate.isEarly { done = work.lastEpoch }
    if !groups[group].joining.isEmpty {
      let epoch = work.work / Double(work.fate.epochs)
      let boundary = ((work.done(at: now) / epoch + 1e-9).rounded(.down) + 1) * epoch
      if boundary <= work.lastEpoch * (1 + 1e-9) { done = min(done, boundary) }
    }
    groups[group].event = max(now, work.time(of: done))
  }

  // MARK: What became of it

  /// Adds for each rank the seconds in which it trained.
  func addBusy(until end: Double, to seconds: inout [Double]) {
    for rank in seconds.indices { seconds[rank] += busy[rank] + (busySince[rank].map { end - $0 } ?? 0) }
  }

  /// For each member at work what a failure leaves of it, and the seconds of all ranks that are lost.
  func cut(at time: Double, checkpoint: Double) -> [(member: Int, saved: Double, lost: Double)] {
    groups.compactMap { group in
      guard let work = group.work else { return nil }
      let saved = work.start + ((time - work.start) / checkpoint).rounded(.down) * checkpoint
      let lost = group.ranks.reduce(0) { $0 + time - max(saved, busySince[$1] ?? time) }
      return (work.member, work.done(at: saved), lost)
    }
  }
}
