import Engine
import Ensembles
import Host
import MessagePassing
import Networks
import Training

/// How long a training step of one network over all ranks takes, beside the same step of every rank by itself.
///
/// Each step begins after a barrier, and the slowest rank's time counts. The kinds of steps alternate, and ratios are
/// taken round by round, so that a busy machine affects all kinds alike.
public struct ParallelBenchmark: Hashable, Sendable, Encodable {
  /// The network's name.
  public let network: String
  /// Ranks that train together.
  public let ranks: Int
  /// Extent of the images along every axis.
  public let side: Int
  /// Images of a rank in a step.
  public let batchPerRank: Int
  /// Threads of a rank.
  public let threads: Int
  /// Parameters of the network.
  public let parameters: Int
  /// Rounds that are timed; two more go before.
  public let repetitions: Int
  /// Median time of a step with gradients exchanged and normalization by shards, in seconds.
  public let step: Double
  /// Median time of a step without any exchange, in seconds.
  public let alone: Double
  /// Median over the rounds of `alone` over `step`.
  public let efficiency: Double
  /// Median time of the step with `MPI_Iallreduce` of the same buckets, in seconds.
  public let libraryStep: Double
  /// 1 − `libraryStep` / `step`, median over the rounds: what the exact sum costs.
  public let exactnessCost: Double
  /// Median time of the step with normalization by the whole batch, in seconds.
  public let batchScopeStep: Double
  /// Median over the rounds of `alone` over `batchScopeStep`.
  public let batchScopeEfficiency: Double

  private enum CodingKeys: String, CodingKey {
    case network, ranks, side, threads, parameters, repetitions, efficiency
    case batchPerRank = "batch_per_rank"
    case step = "step_s"
    case alone = "alone_s"
    case libraryStep = "library_step_s"
    case exactnessCost = "exactness_cost"
    case batchScopeStep = "batch_scope_step_s"
    case batchScopeEfficiency = "batch_scope_efficiency"
  }

  /// Measures. Collective over `world`.
  ///
  /// - Parameter dividesState: each rank keeps a part of the optimizer's state, but where the library sums.
  /// - Throws: `NetworkError` when the images do not fit the network, `ThreadTeamError`, `TrainingError`, `MPIError`.
  public init(
    _ network: BenchmarkNetwork, side: Int, batchPerRank: Int, threads: Int, repetitions: Int,
    dividesState: Bool = false, over world: Communicator
  ) throws {
    let extents = Array(repeating: side, count: network.name.dimensions)
    let team = try ThreadTeam(size: threads)
    let plans = try Dictionary(
      uniqueKeysWithValues: Plan.NormalizationScope.allCases.map {
        ($0, try Plan(network.graph, extents: extents, purpose: .training, normalizationScope: $0))
      })
    guard let shardPlan = plans[.shard], let batchPlan = plans[.batch] else { preconditionFailure("two scopes") }
    let count = shardPlan.layout.parameterCount
    let batch = world.size * batchPerRank
    let ranks = Array(0..<world.size)
    // Two groups train by turns, each with its own part of the memory.
    let memories = try (0..<2).map { _ in try NodeMemory(floats: count, over: world) }
    func makeGroup(_ memory: NodeMemory?) throws -> GroupReduction {
      GroupReduction(
        try world.duplicate(), ranks: ranks, shards: batch, memory: memory,
        dividesState: dividesState && memory != nil)
    }
    let source = RandomBatch(
      samples: batch, channels: shardPlan.inputShape.channels, pixels: shardPlan.inputShape.pixels,
      classes: shardPlan.outputShape.channels)
    func trainer(_ plan: Plan, batch: Int, _ reduction: any ShardReduction) throws -> Trainer {
      let trainer = try Trainer(
        plan, batch: batch, shards: batch, recipe: .adam(), team: team, seed: 1, member: 0, reduction: reduction)
      let start = plan.layout.initialParameters(seed: 1, member: 0)
      trainer.execution.parameters.pointer.update(from: start, count: start.count)
      return trainer
    }
    let groups = try memories.map { try makeGroup($0) }
    let library = LibraryReduction(try makeGroup(nil), over: try world.duplicate())
    let kinds = [
      (try trainer(shardPlan, batch: batch, groups[0]), batch),
      (try trainer(shardPlan, batch: batchPerRank, LocalShards()), batchPerRank),
      (try trainer(shardPlan, batch: batch, library), batch),
      (try trainer(batchPlan, batch: batch, groups[1]), batch),
    ]
    var times = Array(repeating: [Double](), count: kinds.count)
    for round in 0..<repetitions + 2 {
      for turn in kinds.indices {
        // Each kind comes after each other one, so that none always meets the cache that another left.
        let kind = round.isMultiple(of: 2) ? turn : kinds.count - 1 - turn
        let (trainer, samples) = kinds[kind]
        try world.barrier()
        let seconds = try Stopwatch.seconds { _ = try trainer.step(source, epoch: 0, positions: 0..<samples) }
        times[kind].append(try world.allReduce(seconds, .maximum))
        for failure in groups.map(\.failure) + [library.failure] { if let failure { throw failure } }
      }
    }
    for memory in memories { try memory.free() }
    times = times.map { Array($0.dropFirst(2)) }
    let medians = times.map { Stopwatch.median($0.sorted()) }
    // Of each round by itself: what slows the machine for a while strikes both.
    func ratio(_ kind: Int, _ other: Int) -> Double {
      Stopwatch.median(zip(times[kind], times[other]).map { $0 / $1 }.sorted())
    }
    self.network = network.name.rawValue
    self.ranks = world.size
    self.side = side
    self.batchPerRank = batchPerRank
    self.threads = threads
    self.repetitions = repetitions
    parameters = count
    (step, alone, libraryStep, batchScopeStep) = (medians[0], medians[1], medians[2], medians[3])
    efficiency = ratio(1, 0)
    exactnessCost = 1 - ratio(2, 0)
    batchScopeEfficiency = ratio(1, 3)
  }
}

extension ParallelBenchmark: CustomStringConvertible {
  public var description: String {
    Report.lines([
      ("network", "\(network), \(parameters) parameters, side \(side)"),
      ("ranks", "\(ranks) of \(threads) \(threads == 1 ? "thread" : "threads"), \(batchPerRank) images each"),
      ("step", "\(step.text(5)) s, median of \(repetitions), normalized by shards"),
      ("without exchange", "\(alone.text(5)) s"),
      ("efficiency", efficiency.text(3)),
      ("MPI_Iallreduce", "\(libraryStep.text(5)) s; the exact sum takes \(exactnessCost.percent) of a step more"),
      ("by the batch", "\(batchScopeStep.text(5)) s, efficiency \(batchScopeEfficiency.text(3))"),
    ])
  }
}
