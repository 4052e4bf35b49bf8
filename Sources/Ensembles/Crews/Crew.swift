import Engine
import Host
import MessagePassing
import Training

/// The ranks that train one member together, as one of them sees it. They meet before every epoch, and take in those
/// that join.
///
/// Collective operations are called by all ranks of the crew, in the same order. While a rank waits in one for the
/// others it serves the queue. Where only a blocking call of MPI does, all ranks first wait for each other in this way.
public final class Crew {
  private let queue: MemberQueue
  private let memory: NodeMemory?
  /// World ranks, the leader first.
  public private(set) var ranks: [Int]
  /// Nil for a rank alone.
  private(set) var communicator: Communicator?
  private var reduction: GroupReduction?
  /// What this rank has computed.
  var shards = 0
  /// Whether this rank comes into a member that others train, and has not got its state.
  var isJoining: Bool

  /// Collective over `ranks`.
  init(_ queue: MemberQueue, ranks: [Int], isJoining: Bool = false, memory: NodeMemory?) throws {
    self.queue = queue
    self.memory = memory
    self.ranks = ranks
    self.isJoining = isJoining
    try connect()
  }

  private func connect() throws {
    communicator = nil
    guard ranks.count > 1 else { return }
    try queue.assemble(ranks)
    communicator = try queue.communicator.createGroup(ranks: ranks, tag: MemberQueue.Tag.crew + ranks[0])
  }

  /// Whether this rank speaks for all.
  public var isLeader: Bool { ranks[0] == queue.communicator.rank }

  private var others: [Int] { ranks.filter { $0 != queue.communicator.rank } }

  // MARK: Members

  /// Tells the others which member is next; nil: none, and the crew parts.
  func announce(_ member: Int?) throws { try queue.announce(member, to: ranks.dropFirst()) }

  /// What the leader announces.
  func nextAnnounced() throws -> Int? { try queue.announcement(of: ranks[0]) }

  // MARK: Collective operations

  /// Waits until all ranks are here, so that none waits in the blocking operation that follows. Collective.
  func meet() throws {
    guard let communicator else { return }
    try queue.finish(try communicator.startBarrier(), Wait(.epoch, ranks: others))
  }

  /// The leader's numbers on all ranks. Collective.
  func broadcast(_ numbers: [Int]) throws -> [Int] {
    guard let communicator else { return numbers }
    return try queue.broadcast(numbers, over: communicator, Wait(.epoch, ranks: others))
  }

  /// The leader's word on all ranks. Collective.
  func broadcast(_ word: Bool) throws -> Bool { try broadcast([word ? 1 : 0]) == [1] }

  /// Makes one rank's failure that of the whole crew. Collective.
  func agree<T>(_ result: Result<T, any Error>) throws -> T {
    guard let communicator else { return try result.get() }
    try meet()
    return try communicator.agree(result)
  }

  // MARK: Training

  /// Sums over the shards of the crew.
  ///
  /// - Parameter dividesState: each rank keeps a part of the optimizer's state.
  func makeReduction(shards: Int, dividesState: Bool) -> any ShardReduction {
    guard let communicator else {
      reduction = nil
      return LocalShards()
    }
    let queue = queue
    let wait = Wait(.step, ranks: others)
    let made = GroupReduction(
      communicator, ranks: ranks, shards: shards, memory: memory, dividesState: dividesState,
      whileWaiting: { try queue.serve(waiting: wait, since: $0) })
    reduction = made
    return made
  }

  /// The shards that this rank has computed since the last call.
  public func takeShards() -> Int {
    defer { shards = 0 }
    return shards
  }

  /// Throws when a message between the ranks failed.
  func check() throws {
    if let failure = reduction?.failure { throw failure }
  }

  /// Before an epoch: takes in the ranks that join. Collective.
  ///
  /// - Parameter beforeJoining: called on the ranks of the crew as it was, when others come.
  /// - Returns: whether the crew is another now, so that its reduction must be made anew.
  func takeIn(member: Int, beforeJoining: () throws -> Void) throws -> Bool {
    let joining = try broadcast(isLeader ? queue.takeJoining() : [])
    guard !joining.isEmpty else { return false }
    try beforeJoining()
    let all = ranks + joining
    if isLeader {
      for rank in joining { try queue.invite(rank, to: all, member: member) }
    }
    reduction = nil
    ranks = all
    try connect()
    return true
  }

  /// Copies what the rest of a training depends on, but what is divided now.
  func copy(_ loop: TrainingLoop, to other: TrainingLoop) {
    other.progress = loop.progress
    for (from, to) in zip(loop.buffers, other.buffers) where !to.isDivided {
      to.values.pointer.update(from: from.values.pointer, count: to.values.count)
    }
  }

  /// Gives all ranks the leader's state between two steps. Collective.
  ///
  /// - Parameter whole: on the leader the arrays that are divided now, by name; one that is not there stays as it is.
  /// - Throws: `EnsembleError.stateLost` on all ranks when not all have the same afterwards.
  func share(_ loop: TrainingLoop, whole: [String: [Float]]) throws {
    isJoining = false
    guard let communicator else { return }
    // What may fail on one rank alone is agreed on, so that no rank leaves the others in what follows.
    let sent = try agree(Result { isLeader ? try loop.progress.encoded() : [] })
    let received = try communicator.broadcast(sent, from: 0)
    try agree(Result { if !isLeader { loop.progress = try TrainingLoop.Progress(decoding: received) } })
    var hash = FNV1a()
    for record in loop.history { hash.add(record.loss.bitPattern) }
    hash.add(loop.trainer.optimizer.rate.bitPattern)
    hash.add(UInt64(loop.trainer.steps))
    for buffer in loop.buffers {
      if buffer.isDivided {
        try scatter(whole[buffer.name], to: buffer, over: communicator)
        continue
      }
      try communicator.broadcast(buffer.values.buffer, from: 0)
      for value in buffer.values.buffer { hash.add(UInt64(value.bitPattern)) }
    }
    guard try communicator.allAgree(on: hash.value) else { throw EnsembleError.stateLost }
  }
}
