import Host
import MessagePassing

/// Hands the members of an ensemble out to groups of ranks. Rank 0 decides, beside its own training.
///
/// A group's leader begins with a member that every rank knows, asks for the next one when the last epoch of the
/// current one begins, or else when it has ended, and reports each end. When none is left, the group's ranks join those
/// that still train, before an epoch of theirs.
///
/// No rank waits for another without serving (`serve()`): rank 0 answers, the others take what rank 0 has sent, and all
/// say that they are there. So each wait ends:
/// - A leader waits for rank 0's answer only between two members, outside of everything collective. Rank 0 answers
///   after a training step of its own at the latest.
/// - The other ranks of a crew wait for their leader's announcement, which follows that answer.
/// - Within a member the ranks of a crew wait for each other only, and all come: they call the same collective
///   operations in the same order, and a failure is the failure of all of them.
/// - A crew waits for ranks that join it. They have no member, or their leader has had its last answer.
/// - Ranks without a member wait for an invitation or for the end, which comes when every member has ended.
///
/// All calls belong on the main thread. An error of MPI ends the run; a member's own error does not.
public final class MemberQueue {
  enum Tag {
    /// `RankMessage` and `CoordinatorMessage`.
    static let toRoot = 1
    static let fromRoot = 2
    /// A leader tells its crew the next member, and a rank without work to come.
    static let announcement = 3
    static let invitation = 4
    /// A rank tells the leader of a crew that it is there, and the leader that all are.
    static let here = 5
    static let go = 6
    /// Above it, by leader: those with which communicators of crews are made. Open MPI 4 sends messages of its own with
    /// them.
    static let crew = 64
  }

  let communicator: Communicator
  private let groups: RankGroups
  /// The group that this rank leads at first.
  private let led: Int?
  /// On rank 0; on other ranks only the first members are true.
  private var coordinator: Coordinator
  /// Where the time of waiting is counted.
  public var timeline: Timeline?
  /// Whether the run is to stop; nil: nobody asks.
  public var stopRequest: StopRequest?
  /// The part of its training that the last member took here.
  var shareTrained = 1.0
  private let onProgress: (Progress) -> Void
  private var hasAsked = false
  private var isExhausted = false
  private var isFresh = true
  /// What rank 0 has answered and nobody has taken.
  private var answer: Int??
  /// Ranks that rank 0 sent to join this rank's group.
  private var joining: [Int] = []
  /// Whether rank 0 has sent its last message, and this rank its own; on rank 0 how many ranks have.
  private var hasEnded = false
  private var farewells = 0

  var stalls: StallWatch?
  var onStall: (Stall) -> Void = { _ in }
  var onLoss: ([(rank: Int, doing: String)]) -> Void = { _ in }
  /// On rank 0: what each rank was last known to do.
  private var doing: [Int: String] = [:]
  private var lastAlive = ContinuousClock.now
  /// When the last wait that was told of began.
  private var toldWait: ContinuousClock.Instant?

  /// Collective over the ranks of `communicator`, which is duplicated.
  ///
  /// - Parameters:
  ///   - candidates: the members to be trained, the same on all ranks.
  ///   - groups: ranks that train together; by default every rank trains by itself.
  ///   - speeds: of all ranks, relative to each other and the same on all of them; nil: taken for alike.
  ///   - onProgress: called on rank 0 for what any rank tells of its progress.
  /// - Throws: `MPIError`.
  public init(
    _ candidates: [MemberSchedule.Candidate], over communicator: Communicator, groups: RankGroups? = nil,
    speeds: [Double]? = nil, onProgress: @escaping (Progress) -> Void = { _ in }
  ) throws {
    self.communicator = try communicator.duplicate()
    let groups = groups ?? RankGroups(single: communicator.size)
    self.groups = groups
    led = groups.led(by: communicator.rank)
    coordinator = Coordinator(candidates, groups: groups, speeds: speeds)
    isExhausted = led.flatMap { [coordinator] in coordinator.firsts[$0] } == nil
    self.onProgress = onProgress
  }

  var isRoot: Bool { communicator.rank == 0 }

  /// Whether no further member is trained, and those in training stop after their step.
  public var isStopping: Bool { stopRequest?.isAsked ?? false }

  // MARK: Training

  /// Trains members until none is left anywhere and returns what became of each, by member, on all ranks. When the run is
  /// to stop (`stopRequest`), members that nobody has begun are in no report. Collective.
  ///
  /// - Parameter train: trains one member and stores it. It should call `ask()` when its last epoch begins and
  ///   `serve()` after every step. An error that it throws is this member's failure; an `MPIError` is everybody's and
  ///   thrown on.
  /// - Throws: `MPIError`.
  public func run(_ train: (_ member: Int) throws -> Void) throws -> [MemberSchedule.Report] {
    precondition(groups.mostRanks == 1, "groups of ranks train with a crew")
    return try runCrews { member, _ in try train(member) }
  }

  /// As `run`, by groups of ranks.
  ///
  /// - Parameters:
  ///   - memory: what the ranks of a node share; nil: messages only.
  ///   - train: trains a member together with the other ranks of the crew; called on all of them. The leader alone
  ///     stores it and asks for the next. What it throws it must throw on all ranks of the crew, but for the leader's
  ///     failure to store.
  /// - Throws: `MPIError`.
  public func runCrews(
    memory: NodeMemory? = nil, _ train: (_ member: Int, _ crew: Crew) throws -> Void
  ) throws -> [MemberSchedule.Report] {
    if let ranks = groups.groups.first(where: { $0.contains(communicator.rank) }) {
      let crew = try Crew(self, ranks: ranks, memory: memory)
      if crew.isLeader {
        while let member = try next() {
          if isStopping {
            try report(MemberSchedule.Report(member: member, rank: communicator.rank, outcome: .stopped, seconds: 0))
            continue
          }
          try crew.announce(member)
          try self.train(member, in: crew, train)
        }
        try crew.announce(nil)
      } else {
        try follow(crew, train)
      }
    }
    while let (ranks, member) = try nextInvitation() {
      let crew = try Crew(self, ranks: ranks, isJoining: true, memory: memory)
      try self.train(member, in: crew, train)
      try follow(crew, train)
    }
    return try finish()
  }

  private func follow(_ crew: Crew, _ train: (_ member: Int, _ crew: Crew) throws -> Void) throws {
    while let member = try crew.nextAnnounced() { try self.train(member, in: crew, train) }
  }

  /// Trains a member; the leader reports what became of it.
  private func train(
    _ member: Int, in crew: Crew, _ train: (_ member: Int, _ crew: Crew) throws -> Void
  ) throws {
    let start = ContinuousClock.now
    let began = timeline?.elapsed ?? 0
    var outcome = MemberSchedule.Outcome.done
    shareTrained = 1
    do {
      try train(member, crew)
    } catch let error as MPIError {
      throw error
    } catch is Interruption {
      outcome = .stopped
    } catch {
      outcome = .failed(message: "\(error)")
    }
    guard crew.isLeader else { return }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    try report(
      MemberSchedule.Report(
        member: member, rank: communicator.rank, outcome: outcome, start: began, seconds: seconds,
        share: shareTrained))
  }

  /// Asks for the next member without waiting for the answer; does nothing when it has been asked for, and on ranks
  /// that lead no group.
  ///
  /// - Throws: `MPIError`.
  public func ask() throws {
    guard !hasAsked, !isExhausted, !isFresh else { return }
    hasAsked = true
    if isRoot {
      answer = .some(coordinator.next(for: 0))
      try sendFreeRanks()
    } else {
      try tellRoot(.ask)
    }
  }

  /// The next member of the group that this rank leads, or nil when there is none; waits for rank 0's answer.
  func next() throws -> Int? {
    guard let led else { return nil }
    if isFresh {
      isFresh = false
      return coordinator.firsts[led]
    }
    guard !isExhausted else { return nil }
    try ask()
    try wait(for: Wait(.answer, ranks: [0])) { answer != nil }
    hasAsked = false
    let member = answer ?? nil
    answer = nil
    isExhausted = member == nil
    // Ranks that were to join a member that has ended are free again.
    if isExhausted { joining = [] }
    return member
  }

  /// Tells what became of a member.
  private func report(_ report: MemberSchedule.Report) throws {
    guard isRoot else { return try tellRoot(.report(report.shortened)) }
    coordinator.end(report.shortened, in: 0)
    try sendFreeRanks()
  }

  /// Tells rank 0 how far a member's training is.
  ///
  /// - Throws: `MPIError`.
  public func tell(epoch: Int, of epochs: Int, member: Int, loss: Double) throws {
    try tell(Progress(member: member, rank: communicator.rank, epoch: epoch, epochs: epochs, loss: loss))
  }

  /// The same with all that is known of it.
  ///
  /// - Throws: `MPIError`.
  public func tell(_ progress: Progress) throws {
    var progress = progress
    progress.rank = communicator.rank
    if isRoot { onProgress(progress) } else { try tellRoot(.progress(progress)) }
  }

  /// Waits for an invitation to join a group; nil when every member has ended.
  private func nextInvitation() throws -> (ranks: [Int], member: Int)? {
    var invitation: MessageStatus?
    try wait(for: nil) {
      invitation = try communicator.probeNow(Int.self, tag: Tag.invitation)
      return invitation != nil || (isRoot ? coordinator.isComplete : hasEnded)
    }
    guard let source = invitation?.source else { return nil }
    let values = try communicator.receive(Int.self, from: source, tag: Tag.invitation).values
    return (Array(values.dropFirst()), values[0])
  }

  /// Gives all ranks what became of each member, when every member has ended. Collective.
  private func finish() throws -> [MemberSchedule.Report] {
    // All messages are taken by then, so that none is left to the next queue.
    if isRoot {
      for rank in 0..<communicator.size where rank != 0 { try send(.end, to: rank) }
      hasEnded = true
      try wait(for: Wait(.reports, ranks: Array(1..<max(1, communicator.size)))) {
        farewells == communicator.size - 1
      }
    } else {
      try tellRoot(.farewell)
    }
    let wait = Wait(.reports, ranks: [0])
    return MemberSchedule.Report.all(
      try broadcast(isRoot ? coordinator.reports.flatMap(\.numbers) : [], over: communicator, wait))
  }

  // MARK: Joining

  /// On a leader: the ranks that rank 0 sent to join its group since the last call.
  func takeJoining() -> [Int] {
    defer { joining = [] }
    return joining
  }

  /// On a leader: whether ranks wait to be taken in.
  var hasJoining: Bool { !joining.isEmpty }

  /// Tells a rank that waits to come into a group.
  func invite(_ rank: Int, to ranks: [Int], member: Int) throws {
    try communicator.send([member] + ranks, to: rank, tag: Tag.invitation)
  }

  private func sendFreeRanks() throws {
    for (group, ranks) in coordinator.joins() {
      let leader = groups.groups[group][0]
      if leader == 0 { joining += ranks } else { try send(.joining(ranks), to: leader) }
    }
  }

  // MARK: Messages

  private func tellRoot(_ message: RankMessage) throws {
    try communicator.send(message.numbers, to: 0, tag: Tag.toRoot)
    lastAlive = .now
  }

  private func send(_ message: CoordinatorMessage, to rank: Int) throws {
    try communicator.send(message.numbers, to: rank, tag: Tag.fromRoot)
  }

  /// Answers all messages that are there: on rank 0 those of all ranks, on the others those of rank 0. Takes about a
  /// microsecond when there are none.
  ///
  /// - Throws: `MPIError`.
  public func serve() throws {
    if try stopRequest?.look() == true, isRoot, !coordinator.isStopping { coordinator.stop() }
    try takeMessages()
    try sayAlive()
    guard isRoot, let stalls, stalls.isDue() else { return }
    try tellStalls(among: hasEnded ? 0..<0 : 1..<communicator.size)
  }

  private func takeMessages() throws {
    if isRoot {
      while let source = try communicator.probeNow(Int.self, tag: Tag.toRoot)?.source {
        let numbers = try communicator.receive(Int.self, from: source, tag: Tag.toRoot).values
        stalls?.hear(source)
        if let message = RankMessage(numbers, from: source) { try take(message, from: source) }
      }
    } else {
      while !hasEnded, try communicator.probeNow(Int.self, from: 0, tag: Tag.fromRoot) != nil {
        stalls?.hear(0)
        switch CoordinatorMessage(try communicator.receive(Int.self, from: 0, tag: Tag.fromRoot).values) {
        case .answer(let member): answer = .some(member)
        case .joining(let ranks): joining += ranks
        case .end: hasEnded = true
        case .alive, nil: break
        }
      }
    }
  }

  /// Tells of those ranks that are silent.
  private func tellStalls(among ranks: Range<Int>) throws {
    // After a long step of this rank's own the library brings in what has come only while it is asked, a part at a
    // time.
    for _ in 0..<20 { try takeMessages() }
    if let stall = stalls?.stall(among: ranks) { onStall(stall) }
    let lost = stalls?.lost(among: ranks) ?? []
    if !lost.isEmpty { onLoss(lost.map { ($0, doing[$0] ?? "in training") }) }
  }

  private func take(_ message: RankMessage, from rank: Int) throws {
    let group = groups.led(by: rank) ?? 0
    switch message {
    case .ask:
      doing[rank] = "in the last epoch of a member"
      try send(.answer(coordinator.next(for: group)), to: rank)
      try sendFreeRanks()
    case .report(let report):
      doing[rank] = "after member \(report.member)"
      coordinator.end(report, in: group)
      try sendFreeRanks()
    case .progress(let progress):
      if !progress.isFinished {
        doing[rank] = "in epoch \(progress.epoch + 1) of member \(progress.member)"
      }
      onProgress(progress)
    // This rank is there again, and was told of meanwhile.
    case .waits(let wait) where wait.ranks == [0]: break
    case .waits(let wait):
      stalls?.hear(rank, waitsFor: wait.text)
      doing[rank] = "waiting for \(wait.text)"
    case .farewell: farewells += 1
    case .alive: break
    }
  }

  /// Says now and then that this rank is there.
  private func sayAlive() throws {
    guard let stalls, !hasEnded, communicator.size > 1 else { return }
    let now = ContinuousClock.now
    guard now - lastAlive >= stalls.heartbeat else { return }
    lastAlive = now
    guard isRoot else { return try tellRoot(.alive) }
    for rank in 1..<communicator.size { try send(.alive, to: rank) }
  }

  /// Serves while this rank waits for others, and tells of a wait that is too long.
  ///
  /// - Parameter start: when the wait began, which tells it from others.
  func serve(waiting wait: Wait, since start: ContinuousClock.Instant) throws {
    try serve()
    guard let stalls else { return }
    if !isRoot, !hasEnded, stalls.isDue() { try tellStalls(among: 0..<1) }
    guard toldWait != start, ContinuousClock.now - start >= stalls.longestWait else { return }
    toldWait = start
    if isRoot {
      self.stalls?.hear(0, waitsFor: wait.text)
    } else if !hasEnded {
      try tellRoot(.waits(wait))
    }
  }
}
