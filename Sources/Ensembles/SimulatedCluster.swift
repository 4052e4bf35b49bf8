import Tensors

#if canImport(Glibc)
  import Glibc
#endif

/// A cluster that exists in numbers only, on which `MemberSchedule` hands members out as on a real one.
public struct SimulatedCluster: Sendable {
  /// The ranks' speeds, in units of cost a second.
  public var speeds: [Double]
  /// Whether the schedule knows the speeds from the start, as when ranks have timed a step.
  public var knowsSpeeds = true
  /// How far a member's true cost lies from the known one at most, as a part of it.
  public var scatter = 0.0
  /// Mean seconds until a rank fails, which ends the run; nil: never.
  public var meanTimeToFailure: Double?
  /// Seconds from a failure to the next start.
  public var restart = 60.0
  /// Seconds between two checkpoints of a member.
  public var checkpoint = 300.0
  public var seed: UInt64 = 1

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
    /// Members that each rank ended.
    public var members: [Int]
    public var failures: Int
    /// Seconds of training that were done twice.
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
    var result = Result(
      makespan: 0, lowerBound: lowerBound(Array(left.values)), busy: Array(repeating: 0, count: speeds.count),
      members: Array(repeating: 0, count: speeds.count), failures: 0, lost: 0)
    while !left.isEmpty {
      // A failure of any rank is one of the run.
      let failure = meanTimeToFailure.map {
        -log(1 - stream.uniformDouble()) * $0 / Double(speeds.count)
      }
      // What was saved is known, what scatters is not.
      let now = candidates.filter { left[$0.member] != nil }
      let elapsed = attempt(now, &left, until: failure ?? .infinity, &result)
      result.makespan += elapsed
      if !left.isEmpty {
        result.failures += 1
        result.makespan += restart
      }
    }
    return result
  }

  private static let purpose = RandomStream.Purpose("simulation")

  /// From a start to the end of all members, or to a failure.
  private func attempt(
    _ candidates: [MemberSchedule.Candidate], _ left: inout [Int: Double], until failure: Double,
    _ result: inout Result
  ) -> Double {
    var schedule = MemberSchedule(candidates, ranks: speeds.count, speeds: knowsSpeeds ? speeds : nil)
    // What each rank trains, and since when.
    var running: [(member: Int, start: Double, end: Double)?] = speeds.indices.map { rank in
      schedule.first(for: rank).map { ($0, 0, (left[$0] ?? 0) / speeds[rank]) }
    }
    var last = 0.0
    while true {
      var rank = 0
      for other in running.indices where end(running[other]) < end(running[rank]) { rank = other }
      guard let work = running[rank], work.end <= failure else { break }
      last = max(last, work.end)
      result.busy[rank] += work.end - work.start
      result.members[rank] += 1
      left[work.member] = nil
      schedule.finish(
        MemberSchedule.Report(member: work.member, rank: rank, outcome: .done, seconds: work.end - work.start))
      running[rank] = schedule.next(for: rank).map {
        ($0, work.end, work.end + (left[$0] ?? 0) / speeds[rank])
      }
    }
    guard !left.isEmpty else { return last }
    for case (let rank, let work?) in running.enumerated() {
      let time = failure - work.start
      let saved = (time / checkpoint).rounded(.down) * checkpoint
      result.busy[rank] += time
      result.lost += time - saved
      left[work.member, default: 0] -= saved * speeds[rank]
    }
    return failure
  }

  private func end(_ work: (member: Int, start: Double, end: Double)?) -> Double { work?.end ?? .infinity }

  /// For every k, the k largest members need as long as the k fastest ranks take for them together, and all members as
  /// long as all ranks do.
  public func lowerBound(_ costs: [Double]) -> Double {
    let (costs, speeds) = (costs.sorted(by: >), speeds.sorted(by: >))
    var (cost, speed) = (0.0, 0.0)
    var bound = costs.reduce(0, +) / speeds.reduce(0, +)
    for (one, rank) in zip(costs, speeds) {
      cost += one
      speed += rank
      bound = max(bound, cost / speed)
    }
    return bound
  }
}
