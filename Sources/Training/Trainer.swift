import Engine
import Networks
import Tensors

/// Where the samples of a training run come from.
public protocol BatchSource: AnyObject {
  /// Samples of an epoch.
  var samplesPerEpoch: Int { get }

  /// Writes one sample, wherever in the run it stands: a function of its arguments alone.
  ///
  /// - Parameters:
  ///   - epoch: counted from 0.
  ///   - position: the sample's place in the epoch's order.
  ///   - image: `[channel, z, y, x]`, to be written; its halo is filled by the engine.
  ///   - target: what the output is compared with, to be written: the parts that its kind has.
  func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target)
}

/// Trains one network, one batch at a time.
///
/// The batch is a sequence of shards; loss and gradient are those of the whole batch and do not depend on threads.
public final class Trainer {
  public let execution: Execution
  public let optimizer: Optimizer
  public let loss: any Loss
  private let team: ThreadTeam
  private let reduction: any ShardReduction
  private let targets: TargetBuffer
  /// The loss's sums: of each sample, then of each shard, then of the batch.
  private let sums: AlignedBuffer<Double>
  /// Planes of the output's shape for each thread, when the loss needs them.
  private let scratch: AlignedBuffer<Float>
  private let seed: UInt64
  private let member: UInt64
  /// Steps done since the start of the run.
  public private(set) var steps = 0

  /// - Parameters:
  ///   - plan: for training.
  ///   - loss: of the network's output; for classes the output holds logits `[class, …]`.
  ///   - target: what the output is compared with.
  ///   - batch: samples of a full batch; `shards` divides it into ranges of ⌈batch ÷ shards⌉.
  ///   - seed: what random numbers of the run are keyed by, with `member`.
  /// - Throws: `LossError` when the loss has no meaning for the target or the output.
  public init(
    _ plan: Plan, loss: any Loss = CrossEntropy(), target: TargetKind = .labels, batch: Int, shards: Int,
    optimizer: OptimizerSettings, team: ThreadTeam, seed: UInt64, member: UInt64,
    reduction: any ShardReduction = LocalShards()
  ) throws(LossError) {
    try loss.check(target: target, channels: plan.outputShape.channels)
    self.loss = loss
    let samplesPerShard = (batch + shards - 1) / shards
    execution = Execution(
      plan, samplesPerShard: samplesPerShard, shards: (batch + samplesPerShard - 1) / samplesPerShard, team: team,
      reduction: reduction)
    self.optimizer = Optimizer(optimizer, count: plan.layout.parameterCount)
    self.team = team
    self.reduction = reduction
    self.seed = seed
    self.member = member
    targets = TargetBuffer(target, pixels: plan.outputShape.pixels, samples: execution.capacity)
    sums = AlignedBuffer(count: loss.width(channels: plan.outputShape.channels) * execution.capacity)
    let planes = execution.outputGradient(0).geometry
    scratch = AlignedBuffer(count: loss.usesScratch ? team.size * planes.sampleStride : 0)
  }

  /// One step on samples that the caller names by epoch and position.
  ///
  /// - Returns: the batch's loss before the step.
  /// - Throws: `TrainingError.notFinite` when the loss is not a number; the parameters are then as they were.
  public func step(_ source: some BatchSource, epoch: Int, positions: Range<Int>) throws(TrainingError) -> Double {
    team.run(count: positions.count) { sample, _ in
      source.load(
        epoch: epoch, position: positions.lowerBound + sample, image: execution.input(sample), target: targets[sample])
    }
    execution.forward(
      samples: positions.count,
      randomKey: DropoutKey(seed: seed, member: member, step: UInt64(steps), firstSample: 0))
    reduceLoss(samples: positions.count)
    let value = loss.value(sums: sums.pointer, channels: execution.plan.outputShape.channels)
    guard value.isFinite else {
      throw .notFinite(loss: value, epoch: epoch, step: steps, rate: optimizer.rate)
    }
    team.run(count: positions.count) { sample, thread in
      loss.derive(lossSample(sample, thread: thread), sums: sums.pointer)
    }
    execution.backward()
    optimizer.step(
      parameters: execution.parameters.pointer, gradients: execution.gradients.pointer, team: team)
    steps += 1
    return value
  }

  /// The loss's sums over the batch, at the start of `sums`: samples in order within a shard, shards along the tree.
  private func reduceLoss(samples: Int) {
    let width = loss.width(channels: execution.plan.outputShape.channels)
    team.run(count: samples) { sample, thread in
      loss.writeSums(lossSample(sample, thread: thread), to: sums.pointer + width * sample)
    }
    let size = execution.samplesPerShard
    let shards = (samples + size - 1) / size
    for shard in 0..<shards {
      let total = sums.pointer + width * shard
      let first = shard * size
      if shard > 0 { total.update(from: sums.pointer + width * first, count: width) }
      for sample in (first + 1)..<max(first + 1, min(samples, first + size)) {
        for index in 0..<width { total[index] += sums.pointer[width * sample + index] }
      }
    }
    reduction.reduce(sums.pointer, shards: shards, width: width) { left, right in
      for index in 0..<width { left[index] += right[index] }
    }
  }

  private func lossSample(_ sample: Int, thread: Int) -> LossSample {
    let gradient = execution.outputGradient(sample)
    let geometry = gradient.geometry
    let free =
      loss.usesScratch
      ? FeaturePlanes(
        base: scratch.pointer + thread * geometry.sampleStride + geometry.lead, geometry: geometry,
        channels: gradient.channels) : gradient
    return LossSample(
      output: execution.output(sample), target: targets[sample], gradient: gradient, scratch: free)
  }

  /// One pass over the source's samples, in batches; the last may be short.
  ///
  /// - Parameter afterStep: called after every step, on the calling thread, with the step's loss.
  /// - Returns: the mean of the steps' losses, weighted by their samples.
  public func epoch(
    _ source: some BatchSource, epoch: Int, batch: Int, afterStep: (Double) throws -> Void = { _ in }
  ) throws -> Double {
    var total = 0.0
    var first = 0
    while first < source.samplesPerEpoch {
      let last = min(source.samplesPerEpoch, first + batch)
      let loss = try step(source, epoch: epoch, positions: first..<last)
      total += loss * Double(last - first)
      first = last
      try afterStep(loss)
    }
    return total / Double(source.samplesPerEpoch)
  }
}

/// Why a member cannot go on.
public enum TrainingError: Error, Hashable, Sendable, CustomStringConvertible {
  case notFinite(loss: Double, epoch: Int, step: Int, rate: Double)

  public var description: String {
    switch self {
    case .notFinite(let loss, let epoch, let step, let rate):
      """
      loss became \(loss.isNaN ? "NaN" : "infinite") in epoch \(epoch + 1) (step \(step + 1), rate \(rate)). \
      Lower training.optimizer.rate.
      """
    }
  }
}
