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
  ///   - labels: `[z, y, x]`, to be written; `CrossEntropy.ignored` where there is no label.
  func load(epoch: Int, position: Int, image: FeaturePlanes, labels: UnsafeMutablePointer<UInt8>)
}

/// Trains one network, one batch at a time.
///
/// The batch is a sequence of shards; loss and gradient are those of the whole batch and do not depend on threads.
public final class Trainer {
  public let execution: Execution
  public let optimizer: Adam
  private let loss = CrossEntropy()
  private let team: ThreadTeam
  private let reduction: any ShardReduction
  private let labels: AlignedBuffer<UInt8>
  private let partials: AlignedBuffer<Double>
  private let seed: UInt64
  private let member: UInt64
  /// Steps done since the start of the run.
  public private(set) var steps = 0

  /// - Parameters:
  ///   - plan: for training, of a network that ends in logits `[class, …]`.
  ///   - batch: samples of a full batch; `shards` divides it into ranges of ⌈batch ÷ shards⌉.
  ///   - seed: what random numbers of the run are keyed by, with `member`.
  public init(
    _ plan: Plan, batch: Int, shards: Int, optimizer: Adam.Settings, team: ThreadTeam, seed: UInt64, member: UInt64,
    reduction: any ShardReduction = LocalShards()
  ) {
    let samplesPerShard = (batch + shards - 1) / shards
    execution = Execution(
      plan, samplesPerShard: samplesPerShard, shards: (batch + samplesPerShard - 1) / samplesPerShard, team: team,
      reduction: reduction)
    self.optimizer = Adam(optimizer, count: plan.layout.parameterCount)
    self.team = team
    self.reduction = reduction
    self.seed = seed
    self.member = member
    labels = AlignedBuffer(count: execution.capacity * plan.outputShape.pixels)
    partials = AlignedBuffer(count: 2 * execution.capacity)
  }

  /// One step on samples that the caller names by epoch and position.
  ///
  /// - Returns: the batch's mean loss before the step.
  /// - Throws: `TrainingError.notFinite` when the loss is not a number; the parameters are then as they were.
  public func step(_ source: some BatchSource, epoch: Int, positions: Range<Int>) throws(TrainingError) -> Double {
    let pixels = execution.plan.outputShape.pixels
    team.run(count: positions.count) { sample, _ in
      source.load(
        epoch: epoch, position: positions.lowerBound + sample, image: execution.input(sample),
        labels: labels.pointer + sample * pixels)
    }
    execution.forward(
      samples: positions.count,
      randomKey: DropoutKey(seed: seed, member: member, step: UInt64(steps), firstSample: 0))
    let (sum, count) = reduceLoss(samples: positions.count)
    let mean = count > 0 ? sum / count : 0
    guard mean.isFinite else {
      throw .notFinite(loss: mean, epoch: epoch, step: steps, rate: optimizer.settings.rate)
    }
    team.run(count: positions.count) { sample, _ in
      loss.derive(
        labels: labels.pointer + sample * pixels, gradient: execution.outputGradient(sample), count: count)
    }
    execution.backward()
    optimizer.step(
      parameters: execution.parameters.pointer, gradients: execution.gradients.pointer, team: team)
    steps += 1
    return mean
  }

  /// The batch's loss and labelled pixels: samples in order within a shard, shards along the tree.
  private func reduceLoss(samples: Int) -> (sum: Double, count: Double) {
    let pixels = execution.plan.outputShape.pixels
    team.run(count: samples) { sample, _ in
      let partial = loss.partial(
        logits: execution.output(sample), labels: labels.pointer + sample * pixels,
        gradient: execution.outputGradient(sample))
      partials.pointer[2 * sample] = partial.sum
      partials.pointer[2 * sample + 1] = partial.count
    }
    let size = execution.samplesPerShard
    let shards = (samples + size - 1) / size
    for shard in 0..<shards {
      var sum = 0.0
      var count = 0.0
      for sample in shard * size..<min(samples, (shard + 1) * size) {
        sum += partials.pointer[2 * sample]
        count += partials.pointer[2 * sample + 1]
      }
      partials.pointer[2 * shard] = sum
      partials.pointer[2 * shard + 1] = count
    }
    reduction.reduce(partials.pointer, shards: shards, width: 2) { left, right in
      left[0] += right[0]
      left[1] += right[1]
    }
    return (partials.pointer[0], partials.pointer[1])
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
