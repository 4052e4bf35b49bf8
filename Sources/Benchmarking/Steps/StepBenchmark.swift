import CKernels
import Engine
import Host
import Networks
import Training

/// How long whole training steps (forward, cross entropy, backward, Adam), or predictions alone, of one network take.
public struct StepBenchmark: Hashable, Sendable, Encodable {
  /// What is timed.
  public struct Settings: Hashable, Sendable {
    /// Extent of the images along every axis.
    public var side: Int
    /// Images of a batch.
    public var batch: Int
    /// Threads that compute.
    public var threads: Int
    /// Predictions instead of training steps.
    public var forward: Bool
    /// Predictions by the kernels of tiles without seams (`Plan.Purpose.seamless`).
    public var seamless: Bool
    /// Precision of the operands of products, of training steps.
    public var precision: Plan.Precision
    /// Steps that are timed; two more go before.
    public var repetitions: Int

    /// With these settings.
    public init(
      side: Int, batch: Int, threads: Int, forward: Bool = false, seamless: Bool = false,
      precision: Plan.Precision = .float32, repetitions: Int = 7
    ) {
      self.side = side
      self.batch = batch
      self.threads = threads
      self.forward = forward
      self.seamless = seamless
      self.precision = precision
      self.repetitions = repetitions
    }
  }

  /// The network's name.
  public let network: String
  /// `training`, `forward` or `seamless forward`.
  public let pass: String
  /// Precision of the operands of products.
  public let precision: Plan.Precision
  /// Parameters of the network.
  public let parameters: Int
  /// Extent of the images along every axis.
  public let side: Int
  /// Images of a batch.
  public let batch: Int
  /// Threads that compute.
  public let threads: Int
  /// Steps that were timed.
  public let repetitions: Int
  /// The kernels in use.
  public let kernels: String
  /// 10⁹ operations of one step over the batch: two for each multiply-add of the products; backward counts twice the
  /// forward.
  public let gflop: Double
  /// Median time of a step, in seconds.
  public let median: Double
  /// Least time of a step, in seconds.
  public let least: Double
  /// GFLOP/s of the median step.
  public let gflops: Double
  /// GFLOP/s of one core: the larger of the peaks measured before and after the steps.
  public let peak: Double
  /// `gflops` over `threads` times `peak`.
  public let shareOfPeak: Double
  /// Peak of resident memory of the whole process, in MiB.
  public let peakMiB: Double

  private enum CodingKeys: String, CodingKey {
    case network, pass, precision, parameters, side, batch, threads, repetitions, kernels, gflop, gflops
    case median = "median_s"
    case least = "min_s"
    case peak = "peak_gflops"
    case shareOfPeak = "share_of_peak"
    case peakMiB = "peak_MiB"
  }

  /// Times a network.
  ///
  /// - Throws: `NetworkError` when the images do not fit the network, `ThreadTeamError` when threads cannot be started,
  ///   `TrainingError` when the loss is no number.
  public init(_ network: BenchmarkNetwork, settings: Settings) throws {
    let extents = Array(repeating: settings.side, count: network.name.dimensions)
    let costs = try network.graph.costs(extents: extents)
    let team = try ThreadTeam(size: settings.threads, pinned: true)
    let before = Peak.gflops()
    let times =
      settings.forward
      ? try Self.predictions(network.graph, extents: extents, settings: settings, team: team)
      : try Self.steps(network.graph, extents: extents, settings: settings, team: team)
    peak = max(before, Peak.gflops())
    self.network = network.name.rawValue
    pass = !settings.forward ? "training" : settings.seamless ? "seamless forward" : "forward"
    precision = settings.forward ? .float32 : settings.precision
    parameters = costs.parameters
    side = settings.side
    batch = settings.batch
    threads = settings.threads
    repetitions = times.count
    kernels = HostFacts.kernels
    gflop = Double(settings.batch * (settings.forward ? costs.forwardFLOPs : costs.trainingFLOPs)) / 1e9
    median = Stopwatch.median(times)
    least = times[0]
    gflops = gflop / median
    shareOfPeak = gflops / (Double(threads) * peak)
    peakMiB = try ProcessMemory.peakMiB()
  }

  /// Ascending seconds of training steps.
  private static func steps(
    _ graph: NetworkGraph, extents: [Int], settings: Settings, team: ThreadTeam
  ) throws -> [Double] {
    let plan = try Plan(graph, extents: extents, purpose: .training, precision: settings.precision)
    // Shards as a job has them by default.
    let trainer = try Trainer(
      plan, batch: settings.batch, shards: min(settings.batch, 4), recipe: .adam(), team: team, seed: 1,
      member: 0)
    fill(trainer.execution)
    let source = batch(plan, settings)
    func step() throws { _ = try trainer.step(source, epoch: 0, positions: 0..<settings.batch) }
    try step()
    return try Stopwatch.sorted(repetitions: settings.repetitions, step)
  }

  /// Ascending seconds of predictions.
  private static func predictions(
    _ graph: NetworkGraph, extents: [Int], settings: Settings, team: ThreadTeam
  ) throws -> [Double] {
    let plan = try Plan(graph, extents: extents, purpose: settings.seamless ? .seamless : .inference)
    let execution = Execution(plan, samplesPerShard: 1, shards: settings.batch, team: team)
    fill(execution)
    let source = batch(plan, settings)
    func predict() {
      team.run(count: settings.batch) { sample, _ in source.load(image: execution.input(sample), sample: sample) }
      execution.forward(samples: settings.batch)
    }
    predict()
    return Stopwatch.sorted(repetitions: settings.repetitions, predict)
  }

  private static func fill(_ execution: Execution) {
    let start = execution.plan.layout.initialParameters(seed: 1, member: 0)
    execution.parameters.pointer.update(from: start, count: start.count)
  }

  private static func batch(_ plan: Plan, _ settings: Settings) -> RandomBatch {
    RandomBatch(
      samples: settings.batch, channels: plan.inputShape.channels, pixels: plan.inputShape.pixels,
      classes: plan.outputShape.channels)
  }
}

extension StepBenchmark: CustomStringConvertible {
  public var description: String {
    Report.lines([
      ("network", "\(network), batch \(batch), side \(side)"),
      ("parameters", "\(parameters)"),
      ("pass", pass == "forward" ? "prediction" : "training step: forward, cross entropy, backward, Adam"),
      ("precision", precision.rawValue),
      ("threads", "\(threads), \(kernels) kernels"),
      ("operations", gflop.text(3) + " GFLOP"),
      ("median", median.text(5) + " s of \(repetitions)"),
      ("minimum", least.text(5) + " s"),
      ("speed", gflops.text(1) + " GFLOP/s"),
      ("share of peak", "\(shareOfPeak.percent) of \(threads) × \(peak.text(1)) GFLOP/s"),
      ("peak memory", peakMiB.text(0) + " MiB"),
    ])
  }
}
