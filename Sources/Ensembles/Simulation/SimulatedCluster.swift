import Host

/// A cluster that exists in numbers only, on which `MemberSchedule` hands members out and `GroupLedger` sends free
/// ranks to join others, as on a real one.
///
/// Ranks that train a member together are taken to lose no time by that, but for shards that do not divide by them.
public struct SimulatedCluster: Sendable {
  /// The ranks' speeds, in units of cost a second.
  public var speeds: [Double]
  /// Whether the schedule knows the speeds from the start, as when ranks have timed a step.
  public var knowsSpeeds = true
  /// Epochs of a member: free ranks come in before one, and a group asks for its next member before the last.
  public var epochs = 10
  /// Ranks that train a member together from its beginning; nil: as many as there are for each.
  public var ranksPerMember: Int? = 1
  /// Shards of a batch: as many ranks can train a member. With one, none joins another.
  public var shards = 1
  /// How far a member's true cost lies from the known one at most, as a part of it.
  public var scatter = 0.0
  /// The part of the members that stop early, after an epoch which nobody knows before.
  public var earlyEnds = 0.0
  /// The part of the members that fail, likewise.
  public var failingMembers = 0.0
  /// Mean seconds until a rank fails, which ends the run; nil: never.
  public var meanTimeToFailure: Double?
  /// Seconds from a failure to the next start.
  public var restart = 60.0
  /// Seconds between two checkpoints of a member.
  public var checkpoint = 300.0
  /// What all random numbers are keyed by.
  public var seed: UInt64 = 1

  /// A cluster of ranks with these speeds, which never fail.
  public init(speeds: [Double]) {
    precondition(!speeds.isEmpty && speeds.allSatisfy { $0 > 0 }, "a cluster has ranks with speeds above 0")
    self.speeds = speeds
  }

  /// What became of it.
  public struct Result: Hashable, Sendable {
    /// Seconds from the first start to the last member's end.
    public var makespan: Double
    /// No schedule is faster, had it no failures.
    public var lowerBound: Double
    /// Seconds of each rank in which it trained, lost work included.
    public var busy: [Double]
    /// Members that each rank ended, as the leader of a group.
    public var members: [Int]
    /// How often a rank failed.
    public var failures: Int
    /// Members that failed.
    public var failedMembers: Int
    /// Seconds of training that were done twice, of all ranks.
    public var lost: Double

    /// Makespan over lower bound.
    public var ratio: Double { makespan / lowerBound }
    /// The part of the ranks' time in which they trained.
    public var utilization: Double { busy.reduce(0, +) / (makespan * Double(busy.count)) }
  }

  /// Trains all candidates.
  public func run(_ candidates: [MemberSchedule.Candidate]) -> Result {
    var left: [Int: Double] = [:]
    var stream = RandomStream(seed: seed, purpose: Self.purpose)
    for candidate in candidates {
      left[candidate.member] = candidate.cost * (1 + scatter * (2 * stream.uniformDouble() - 1))
    }
    let fates = fates(of: candidates, from: &stream)
    for (member, fate) in fates { left[member, default: 0] *= Double(fate.epochs) / Double(epochs) }
    var result = Result(
      makespan: 0, lowerBound: lowerBound(Array(left.values)), busy: Array(repeating: 0, count: speeds.count),
      members: Array(repeating: 0, count: speeds.count), failures: 0,
      failedMembers: fates.values.count { $0.outcome != .done }, lost: 0)
    while !left.isEmpty {
      // A failure of any rank is one of the run.
      let failure = meanTimeToFailure.map {
        -Elementary.log(1 - stream.uniformDouble()) * $0 / Double(speeds.count)
      }
      // What was saved is known, what scatters is not.
      let now = candidates.filter { left[$0.member] != nil }
      let elapsed = attempt(now, &left, fates, until: failure ?? .infinity, &result)
      result.makespan += elapsed
      if !left.isEmpty {
        result.failures += 1
        result.makespan += restart
      }
    }
    return result
  }

  private static let purpose = RandomStream.Purpose("simulation")

  /// How members end that do not train all epochs.
  private func fates(
    of candidates: [MemberSchedule.Candidate], from stream: inout RandomStream
  ) -> [Int: SimulatedQueue.Fate] {
    guard earlyEnds > 0 || failingMembers > 0 else { return [:] }
    var result: [Int: SimulatedQueue.Fate] = [:]
    for candidate in candidates {
      let (kind, place) = (stream.uniformDouble(), stream.uniformDouble())
      guard kind < earlyEnds + failingMembers else { continue }
      result[candidate.member] = SimulatedQueue.Fate(
        epochs: 1 + Int(place * Double(epochs)), isEarly: true,
        outcome: kind < failingMembers ? .failed(message: "simulated") : .done)
    }
    return result
  }

  /// From a start to the end of all members, or to a failure.
  private func attempt(
    _ candidates: [MemberSchedule.Candidate], _ left: inout [Int: Double],
    _ fates: [Int: SimulatedQueue.Fate], until failure: Double,
    _ result: inout Result
  ) -> Double {
    let groups =
      shards > 1
      ? RankGroups(ranks: speeds.count, members: candidates.count, ranksPerMember: ranksPerMember, shards: shards)
      : RankGroups(single: speeds.count)
    var queue = SimulatedQueue(self, groups, candidates, work: left, fates: fates)
    var last = 0.0
    while let time = queue.nextEvent, time <= failure {
      guard let ended = queue.advance() else { continue }
      last = max(last, time)
      left[ended.member] = nil
      result.members[ended.leader] += 1
    }
    guard !left.isEmpty else {
      queue.addBusy(until: last, to: &result.busy)
      return last
    }
    queue.addBusy(until: failure, to: &result.busy)
    for cut in queue.cut(at: failure, checkpoint: checkpoint) {
      left[cut.member, default: 0] -= cut.saved
      result.lost += cut.lost
    }
    return failure
  }

  /// For every k, the k largest members need as long as the fastest ranks, as many as can train them, take for them
  /// together, and all members as long as all ranks do.
  public func lowerBound(_ costs: [Double]) -> Double {
    let (costs, speeds) = (costs.sorted(by: >), speeds.sorted(by: >))
    var (cost, speed, ranks) = (0.0, 0.0, 0)
    var bound = costs.reduce(0, +) / speeds.reduce(0, +)
    for one in costs where ranks < speeds.count {
      cost += one
      let more = speeds[ranks..<min(speeds.count, ranks + shards)]
      speed += more.reduce(0, +)
      ranks += more.count
      bound = max(bound, cost / speed)
    }
    return bound
  }
}
