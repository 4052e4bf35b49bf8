import Engine
import Foundation
import Host
import MessagePassing
import Synchronization
import TestSupport

@testable import Ensembles

/// A random use of the queue: how many members and groups there are, and how each member's training goes. The same for
/// a seed and a number of ranks.
struct RandomSchedule {
  /// How a member's training ends.
  enum End: Hashable {
    /// After all epochs; the next member is asked for before the last.
    case all
    /// After this epoch, which nobody knows before.
    case early(epoch: Int)
    /// On all ranks of the crew, in this step; with step 0 of epoch 0 before anything is done together.
    case fails(epoch: Int, step: Int)
    /// On the leader alone, after the last epoch.
    case failsToStore
  }

  struct Member {
    let epochs: Int
    let steps: Int
    let end: End

    var isDone: Bool { if case .all = end { true } else if case .early = end { true } else { false } }
  }

  struct Broken: Error, CustomStringConvertible { let description = "as planned" }

  /// Parameters of the network that is not there.
  static let parameters = 40

  let seed: UInt64
  let members: [Member]
  let groups: RankGroups
  let shards: Int
  let speeds: [Double]?
  /// The longest pause of a rank in a step, in microseconds, and how many steps have none.
  let pause: (longest: Int, oneOf: Int)
  /// A rank that is asked to stop after so many steps of its own; nil: none is.
  let stop: (rank: Int, steps: Int)?

  init(seed: UInt64, ranks: Int) {
    var random = TestRandom(seed)
    self.seed = seed
    let earlyOf = random.integer(1...6)
    let failingOf = random.integer(2...8)
    members = (0..<random.integer(1...9)).map { _ in
      let (epochs, steps) = (random.integer(1...6), random.integer(1...3))
      var end = End.all
      if random.integer(1...earlyOf) == 1, epochs > 1 { end = .early(epoch: random.integer(1...epochs - 1)) }
      if random.integer(1...failingOf) == 1 {
        switch random.integer(0...3) {
        case 0: end = .failsToStore
        default: end = .fails(epoch: random.integer(0...epochs - 1), step: random.integer(0...steps - 1))
        }
      }
      return Member(epochs: epochs, steps: steps, end: end)
    }
    shards = random.integer(1...6)
    let each = random.integer(0...3)
    groups =
      shards == 1 && random.integer(0...1) == 0
      ? RankGroups(single: ranks)
      : RankGroups(ranks: ranks, members: members.count, ranksPerMember: each == 0 ? nil : each, shards: shards)
    speeds = random.integer(0...2) == 0 ? (0..<ranks).map { _ in Double(random.integer(1...4)) } : nil
    pause = [(0, 1), (0, 1), (150, 1), (3000, 6)][random.integer(0...3)]
    stop = random.integer(0...3) == 0 ? (random.integer(0...ranks - 1), random.integer(0...12)) : nil
  }

  var candidates: [MemberSchedule.Candidate] {
    members.indices.map { MemberSchedule.Candidate(member: $0, cost: Double(members[$0].epochs * members[$0].steps)) }
  }

  // MARK: Training

  /// Trains a member as `MemberTrainer` does: the ranks of the crew sum over their shards in every step, and take in
  /// others before an epoch.
  ///
  /// - Parameter steps: of this rank so far.
  /// - Returns: what the training came to, a function of the schedule and the member.
  func train(
    _ index: Int, in crew: Crew, for queue: MemberQueue, rank: Int, team: ThreadTeam, steps: inout Int
  ) throws -> UInt64 {
    let member = members[index]
    if member.end == .fails(epoch: 0, step: 0) { throw Broken() }
    var network = Network(crew.makeReduction(shards: shards, dividesState: false), team: team)
    var (epoch, state) = (0, UInt64(index) &+ seed)
    func share() throws {
      let values = try crew.broadcast([epoch, Int(bitPattern: UInt(state))])
      (epoch, state) = (values[0], UInt64(UInt(bitPattern: values[1])))
      crew.isJoining = false
    }
    try share()
    var pauses = TestRandom(seed ^ UInt64(index * 64 + rank))
    var isNew = true
    while epoch < member.epochs, member.end != .early(epoch: epoch) {
      if !isNew, try crew.takeIn(member: index, beforeJoining: {}) {
        network = Network(crew.makeReduction(shards: shards, dividesState: false), team: team)
        try share()
      }
      isNew = false
      if epoch == member.epochs - 1, crew.isLeader { try queue.ask() }
      for step in 0..<member.steps {
        if member.end == .fails(epoch: epoch, step: step) { throw Broken() }
        if pauses.integer(1...pause.oneOf) == 1, pause.longest > 0 {
          usleep(UInt32(pauses.integer(0...pause.longest)))
        }
        network.step(&state, shards: max(1, shards - step))
        try crew.check()
        if let stop {
          steps += 1
          if stop.rank == rank, steps > stop.steps { StopSignal.ask() }
        }
        try queue.serve()
        // A trainer tells it with the sums of its loss.
        if stop != nil, try crew.broadcast(queue.isStopping) { throw Interruption() }
        Watchdog.note()
      }
      epoch += 1
      if crew.isLeader { try queue.tell(epoch: epoch, of: member.epochs, member: index, loss: 0) }
    }
    if crew.isLeader, member.end == .failsToStore { throw Broken() }
    return state
  }

  /// What the training of a member comes to on one rank alone.
  func expected(_ index: Int, team: ThreadTeam) -> UInt64 {
    let member = members[index]
    var state = UInt64(index) &+ seed
    var network = Network(LocalShards(), team: team)
    var epochs = member.epochs
    if case .early(let epoch) = member.end { epochs = epoch }
    for _ in 0..<epochs {
      for step in 0..<member.steps { network.step(&state, shards: max(1, shards - step)) }
    }
    return state
  }

  /// What a step does together, without a network.
  private struct Network {
    let reduction: any ShardReduction
    let team: ThreadTeam
    let own = AlignedBuffer<Float>(count: RandomSchedule.parameters)
    let gradient: UnsafeMutablePointer<Float>

    init(_ reduction: any ShardReduction, team: ThreadTeam) {
      (self.reduction, self.team) = (reduction, team)
      gradient = reduction.gradientExchange?.storage(count: RandomSchedule.parameters) ?? own.pointer
    }

    mutating func step(_ state: inout UInt64, shards: Int) {
      let held = reduction.begin(shards: shards)
      func value(_ shard: Int, _ place: Int) -> UInt64 {
        var random = TestRandom(state &+ UInt64(shard * 64 + place))
        return random.next() >> 48
      }
      let width = 2
      let sums = AlignedBuffer<Double>(count: max(1, held.count) * width)
      for (place, shard) in held.enumerated() {
        for i in 0..<width { sums.pointer[place * width + i] = 1 / Double(1 + value(shard, i)) }
      }
      // The order of the operands matters.
      reduction.reduce(sums.pointer, shards: held.count, width: width) { left, right in
        for i in 0..<width { left[i] = left[i] / 3 + right[i] }
      }
      let count = RandomSchedule.parameters
      let exchange = reduction.gradientExchange
      for tree in 0..<(exchange?.subtreeCount ?? 1) {
        let shards = exchange?.subtree(tree) ?? 0..<held.count
        for p in 0..<count {
          gradient[tree * count + p] = shards.reduce(0) { $0 + Float(value(held.lowerBound + $1, p) & 0xfff) }
        }
      }
      exchange?.add(0..<count / 2)
      exchange?.progress(team: team)
      exchange?.add(count / 2..<count)
      exchange?.finish(team: team)
      for i in 0..<width { state = (state &* 31) ^ sums.pointer[i].bitPattern }
      for p in 0..<count { state = (state &* 31) ^ UInt64(gradient[p].bitPattern) }
    }
  }
}

/// Ends the process when nothing has gone on for a while, so that a hang is a failure.
enum Watchdog {
  private static let notes = Atomic<Int>(0)
  private static let isStarted = Atomic<Bool>(false)
  private static let place = Mutex("")

  /// Something has gone on.
  static func note() { notes.add(1, ordering: .relaxed) }

  /// What a message says to be at work.
  static func begin(_ text: String) {
    place.withLock { $0 = text }
    note()
  }

  /// Watches from now to the end of the process.
  static func start(seconds: Int) {
    guard !isStarted.exchange(true, ordering: .relaxed) else { return }
    let thread = Thread {
      var (last, silence) = (-1, 0)
      while true {
        sleep(1)
        let now = notes.load(ordering: .relaxed)
        silence = now == last && now != 0 ? silence + 1 : 0
        last = now
        guard silence >= seconds else { continue }
        FileHandle.standardError.write(
          Data("nothing has gone on for \(seconds) s in \(place.withLock { $0 })\n".utf8))
        _exit(3)
      }
    }
    thread.start()
  }

  /// Nothing is at work any more.
  static func stop() { notes.store(0, ordering: .relaxed) }
}
