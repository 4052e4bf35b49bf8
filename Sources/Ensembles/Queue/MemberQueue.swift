import Host
import MessagePassing

#if canImport(Glibc)
  import Glibc
#endif

/// Hands the members of an ensemble out to groups of ranks; the coordinator is code beside the training on rank 0.
///
/// A group's leader begins with a member that it knows, asks for the next before the current one ends, so that the answer
/// waits for it, and reports each end. When none is left, the group's ranks join those that still train, before an epoch
/// of theirs. Rank 0 answers in `serve()`, which it calls between its training steps, and takes members
/// from the same schedule for itself. All messages are a few bytes, which MPI sends without waiting for the receiver.
///
/// All calls belong on the main thread. An error of MPI ends the run; a member's own error does not.
public final class MemberQueue {
  /// How far a member's training is.
  public struct Progress: Hashable, Sendable {
    public var member: Int
    public var rank: Int
    /// Epochs done.
    public var epoch: Int
    public var epochs: Int
    /// The last epoch's mean loss.
    public var loss: Double

    public init(member: Int, rank: Int, epoch: Int, epochs: Int, loss: Double) {
      self.member = member
      self.rank = rank
      self.epoch = epoch
      self.epochs = epochs
      self.loss = loss
    }
  }

  private enum Tag {
    static let ask = 1
    static let answer = 2
    static let report = 3
    static let message = 4
    static let progress = 5
    static let end = 6
    static let endMessages = 7
    /// Rank 0 tells a leader who joins it; a leader tells a rank that it may come.
    static let joining = 8
    static let invitation = 9
    static let alive = 10
  }

  /// Longest failure that is told to the other ranks, in bytes: messages stay small.
  static let longestMessage = 2000
  /// How long a rank without work sleeps between two looks, in microseconds.
  private static let nap: UInt32 = 500

  private let communicator: Communicator
  private let groups: RankGroups
  /// The group that this rank leads at first.
  private let led: Int?
  private var schedule: MemberSchedule
  /// On rank 0.
  private var ledger: GroupLedger
  private var ownNext: Int?
  private var ownJoining: [Int] = []
  /// Where the time of waiting is counted.
  public var timeline: Timeline?
  private let onProgress: (Progress) -> Void
  private var stalls: StallWatch?
  private var onStall: ([Int]) -> Void = { _ in }
  private var lastAlive = ContinuousClock.now
  /// Whether this rank leads a training whose end it will report, so that rank 0 takes all it says before.
  private var leadsTraining = false
  private var hasAsked = false
  private var isExhausted = false
  private var isFresh = true

  /// Collective over the ranks of `communicator`, which is duplicated.
  ///
  /// - Parameters:
  ///   - candidates: the members to be trained, the same on all ranks.
  ///   - groups: ranks that train together; by default every rank trains by itself.
  ///   - speeds: of all ranks, relative to each other and the same on all of them; nil: taken for alike.
  ///   - onProgress: called on rank 0 for what any rank tells of its progress.
  public init(
    _ candidates: [MemberSchedule.Candidate], over communicator: Communicator, groups: RankGroups? = nil,
    speeds: [Double]? = nil, onProgress: @escaping (Progress) -> Void = { _ in }
  ) throws {
    self.communicator = try communicator.duplicate()
    let groups = groups ?? RankGroups(single: communicator.size)
    self.groups = groups
    led = groups.led(by: communicator.rank)
    schedule = MemberSchedule(candidates, groups: groups, speeds: speeds)
    ledger = GroupLedger(
      groups, begins: groups.groups.indices.map { [schedule] in schedule.first(for: $0) != nil }, speeds: speeds)
    isExhausted = led.flatMap { [schedule] in schedule.first(for: $0) } == nil
    self.onProgress = onProgress
  }

  /// Has ranks reported on rank 0 that have a member but were not heard of for a while.
  ///
  /// - Parameters:
  ///   - limit: longer than a step takes, since ranks say between steps that they work. The same on all ranks.
  ///   - report: called on rank 0, once for each silence.
  public func watchForStalls(after limit: Duration, report: @escaping (_ ranks: [Int]) -> Void) {
    stalls = StallWatch(ranks: communicator.size, limit: limit)
    onStall = report
  }

  private var isRoot: Bool { communicator.rank == 0 }

  // MARK: Every rank

  /// Trains members until none is left anywhere and returns what became of each, by member, on all ranks. Collective.
  ///
  /// - Parameter train: trains one member and stores it. It should call `ask()` when its last epoch begins and `serve()`
  ///   after every step. An error that it throws is this member's failure; an `MPIError` is everybody's and thrown on.
  public func run(_ train: (_ member: Int) throws -> Void) throws -> [MemberSchedule.Report] {
    precondition(groups.mostRanks == 1, "groups of ranks train with a crew")
    return try runCrews { member, _ in try train(member) }
  }

  /// As `run`, by groups of ranks.
  ///
  /// - Parameters:
  ///   - memory: what the ranks of a node share; nil: messages only.
  ///   - train: trains a member together with the other ranks of the crew; called on all of them. The leader alone stores
  ///     it and asks for the next. What it throws it must throw on all ranks of the crew, but for the leader's failure to
  ///     store.
  public func runCrews(
    memory: NodeMemory? = nil, _ train: (_ member: Int, _ crew: Crew) throws -> Void
  ) throws -> [MemberSchedule.Report] {
    if let ranks = groups.groups.first(where: { $0.contains(communicator.rank) }) {
      let crew = try Crew(self, ranks: ranks, world: communicator, memory: memory)
      if crew.isLeader {
        while let member = try next() {
          try crew.announce(member)
          try self.train(member, in: crew, train)
        }
        try crew.announce(nil)
      } else {
        try follow(crew, train)
      }
    }
    return try finish { ranks, member in
      let crew = try Crew(self, ranks: ranks, isJoining: true, world: communicator, memory: memory)
      try self.train(member, in: crew, train)
      try follow(crew, train)
    }
  }

  private func follow(_ crew: Crew, _ train: (_ member: Int, _ crew: Crew) throws -> Void) throws {
    while let member = try crew.hear() { try self.train(member, in: crew, train) }
  }

  /// Trains a member; the leader reports what became of it.
  private func train(
    _ member: Int, in crew: Crew, _ train: (_ member: Int, _ crew: Crew) throws -> Void
  ) throws {
    leadsTraining = crew.isLeader
    defer { leadsTraining = false }
    let start = ContinuousClock.now
    var outcome = MemberSchedule.Outcome.done
    do {
      try train(member, crew)
    } catch let error as MPIError {
      throw error
    } catch {
      outcome = .failed(message: "\(error)")
    }
    guard crew.isLeader else { return }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    try report(MemberSchedule.Report(member: member, rank: communicator.rank, outcome: outcome, seconds: seconds))
  }

  /// Asks for the next member without waiting for the answer; does nothing when it has been asked for, and on ranks that
  /// lead no group.
  public func ask() throws {
    guard !hasAsked, !isExhausted, !isFresh else { return }
    hasAsked = true
    if isRoot {
      ownNext = try give(0)
    } else {
      try communicator.send([0], to: 0, tag: Tag.ask)
    }
  }

  /// The next member of the group that this rank leads, or nil when all are given away; waits for an answer that has not
  /// come.
  func next() throws -> Int? {
    guard let led else { return nil }
    if isFresh {
      isFresh = false
      return schedule.first(for: led)
    }
    guard !isExhausted else { return nil }
    if isRoot { try serve() }
    try ask()
    hasAsked = false
    let member: Int?
    if isRoot {
      member = ownNext
    } else {
      try wait { try communicator.probeNow(Int.self, from: 0, tag: Tag.answer) != nil }
      let values = try communicator.receive(Int.self, from: 0, tag: Tag.answer).values
      member = values.first.flatMap { $0 < 0 ? nil : $0 }
    }
    isExhausted = member == nil
    return member
  }

  /// Tells what became of a member.
  func report(_ report: MemberSchedule.Report) throws {
    var report = report
    if case .failed(let message) = report.outcome { report.outcome = .failed(message: Self.shortened(message)) }
    guard !isRoot else { return try end(report, group: 0) }
    var isFailure = 0
    if case .failed(let message) = report.outcome {
      isFailure = 1
      try communicator.send(Array(message.utf8), to: 0, tag: Tag.message)
    }
    try communicator.send(
      [report.member, isFailure, Int(bitPattern: UInt(report.seconds.bitPattern))], to: 0, tag: Tag.report)
  }

  /// Tells rank 0 how far a member's training is.
  public func tell(epoch: Int, of epochs: Int, member: Int, loss: Double) throws {
    guard !isRoot else {
      onProgress(Progress(member: member, rank: 0, epoch: epoch, epochs: epochs, loss: loss))
      return
    }
    try communicator.send(
      [member, epoch, epochs, Int(bitPattern: UInt(loss.bitPattern))], to: 0, tag: Tag.progress)
  }

  /// Waits until every member has ended, and joins other groups when it is invited; returns what became of each member,
  /// the same on all ranks. Collective.
  private func finish(
    joining: (_ ranks: [Int], _ member: Int) throws -> Void
  ) throws -> [MemberSchedule.Report] {
    try wait {
      try serve()
      if let status = try communicator.probeNow(Int.self, tag: Tag.invitation) {
        let values = try communicator.receive(Int.self, from: status.source, tag: Tag.invitation).values
        try joining(Array(values.dropFirst()), values[0])
      }
      return isRoot ? schedule.isComplete : try communicator.probeNow(Int.self, from: 0, tag: Tag.end) != nil
    }
    // Who was to join a group that had ended is told of by nobody.
    _ = try takeJoining()
    guard isRoot else {
      let numbers = try communicator.receive(Int.self, from: 0, tag: Tag.end).values
      let text = try communicator.receive(UInt8.self, from: 0, tag: Tag.endMessages).values
      return Self.reports(numbers, text)
    }
    let reports = schedule.reports.values.sorted { $0.member < $1.member }
    let (numbers, text) = Self.packed(reports)
    for rank in 1..<max(1, communicator.size) {
      try communicator.send(numbers, to: rank, tag: Tag.end)
      try communicator.send(text, to: rank, tag: Tag.endMessages)
    }
    return reports
  }

  /// Looks until `isThere`, asleep in between, so that a rank that waits leaves its core to the others.
  private func wait(until isThere: () throws -> Bool) throws {
    let start = timeline?.start()
    defer { if let start { timeline?.end(.wait, start) } }
    while try !isThere() { usleep(Self.nap) }
  }

  // MARK: Joining

  /// On a leader: the ranks that rank 0 sent to join its group since the last call.
  func takeJoining() throws -> [Int] {
    if isRoot {
      defer { ownJoining = [] }
      return ownJoining
    }
    var ranks: [Int] = []
    while try communicator.probeNow(Int.self, from: 0, tag: Tag.joining) != nil {
      ranks += try communicator.receive(Int.self, from: 0, tag: Tag.joining).values
    }
    return ranks
  }

  /// On a leader: whether ranks wait to be taken in.
  func hasJoining() throws -> Bool {
    isRoot ? !ownJoining.isEmpty : try communicator.probeNow(Int.self, from: 0, tag: Tag.joining) != nil
  }

  /// Tells a rank that waits to come into a group.
  func invite(_ rank: Int, to ranks: [Int], member: Int) throws {
    try communicator.send([member] + ranks, to: rank, tag: Tag.invitation)
  }

  // MARK: Rank 0

  /// The next member for a group; nil when there is none.
  private func give(_ group: Int) throws -> Int? {
    let member = schedule.next(for: group)
    if member != nil {
      ledger.give(group)
    } else {
      ledger.tellEnd(group)
      try sendFreeRanks()
    }
    return member
  }

  private func end(_ report: MemberSchedule.Report, group: Int) throws {
    schedule.finish(report)
    ledger.end(group)
    try sendFreeRanks()
  }

  private func sendFreeRanks() throws {
    for (group, ranks) in ledger.joins() {
      if group == 0 {
        ownJoining += ranks
      } else {
        try communicator.send(ranks, to: groups.groups[group][0], tag: Tag.joining)
      }
    }
  }

  /// Answers all messages that are there, on rank 0; does nothing on other ranks. Takes about a microsecond when there are
  /// none.
  public func serve() throws {
    guard isRoot else { return try sayAlive() }
    while try serve(Tag.progress) || serve(Tag.report) || serve(Tag.ask) || serve(Tag.alive) {}
    stalls?.hear(0)
    if let missing = stalls?.missing(among: { schedule.busyRanks.map { groups.groups[$0][0] } }), !missing.isEmpty {
      onStall(missing)
    }
  }

  /// Tells rank 0 now and then that this rank works.
  private func sayAlive() throws {
    guard let stalls, leadsTraining, ContinuousClock.now - lastAlive >= stalls.heartbeat else { return }
    lastAlive = .now
    try communicator.send([0], to: 0, tag: Tag.alive)
  }

  /// Answers one message of this tag, if there is one.
  private func serve(_ tag: Int) throws -> Bool {
    guard let status = try communicator.probeNow(Int.self, tag: tag) else { return false }
    let source = status.source
    let values = try communicator.receive(Int.self, from: source, tag: tag).values
    stalls?.hear(source)
    switch tag {
    case Tag.alive: break
    case Tag.ask:
      try communicator.send([try give(groups.led(by: source) ?? 0) ?? -1], to: source, tag: Tag.answer)
    case Tag.report:
      var outcome = MemberSchedule.Outcome.done
      if values[1] != 0 {
        let text = try communicator.receive(UInt8.self, from: source, tag: Tag.message).values
        outcome = .failed(message: String(decoding: text, as: UTF8.self))
      }
      try end(
        MemberSchedule.Report(
          member: values[0], rank: source, outcome: outcome, seconds: Self.double(values[2])),
        group: groups.led(by: source) ?? 0)
    default:
      onProgress(
        Progress(
          member: values[0], rank: source, epoch: values[1], epochs: values[2], loss: Self.double(values[3])))
    }
    return true
  }

  // MARK: Reports as numbers

  /// As many whole characters as a message takes.
  private static func shortened(_ text: String) -> String {
    var text = text
    while text.utf8.count > longestMessage { text.removeLast(max(1, (text.utf8.count - longestMessage) / 4)) }
    return text
  }

  private static func double(_ value: Int) -> Double { Double(bitPattern: UInt64(UInt(bitPattern: value))) }

  /// Five numbers a report, the last the length of its message.
  private static func packed(_ reports: [MemberSchedule.Report]) -> ([Int], [UInt8]) {
    var numbers: [Int] = []
    var text: [UInt8] = []
    for report in reports {
      var message: [UInt8] = []
      var isFailure = 0
      if case .failed(let words) = report.outcome {
        isFailure = 1
        message = Array(words.utf8)
      }
      numbers += [
        report.member, report.rank, isFailure, Int(bitPattern: UInt(report.seconds.bitPattern)), message.count,
      ]
      text += message
    }
    return (numbers, text)
  }

  private static func reports(_ numbers: [Int], _ text: [UInt8]) -> [MemberSchedule.Report] {
    var place = 0
    return stride(from: 0, to: numbers.count, by: 5).map { first in
      let message = text[place..<place + numbers[first + 4]]
      place += message.count
      return MemberSchedule.Report(
        member: numbers[first], rank: numbers[first + 1],
        outcome: numbers[first + 2] == 0 ? .done : .failed(message: String(decoding: message, as: UTF8.self)),
        seconds: double(numbers[first + 3]))
    }
  }
}
