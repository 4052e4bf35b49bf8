import Engine
import Host
import Networks

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
  /// The forward and backward passes, with the weights and their gradients.
  public let execution: Execution
  /// Moves the weights.
  public let optimizer: Optimizer
  private let objective: Objective
  private let team: ThreadTeam
  private let reduction: any ShardReduction
  private let targets: TargetBuffer
  /// The loss's sums: of each sample, then of each shard, then of the batch.
  private let sums: AlignedBuffer<Double>
  /// What the loss needs of free planes, for each thread.
  private let scratch: AlignedBuffer<Float>
  private let scratchCount: Int
  private let seed: UInt64
  private let member: UInt64
  private let batch: Int
  private let accumulation: Int
  /// Whether the optimizer's state here is a part of it.
  let dividesState: Bool
  private let clipping: GradientClipping
  private let sum: GradientSum
  /// The average of the weights, where one was asked for.
  public let average: WeightAverage?
  /// Steps done since the start of the run.
  public internal(set) var steps = 0
  /// Shards of the last batch that were held here.
  public private(set) var shardsHeld = 0
  /// A number that this process tells the others with its next step, beside the loss's sums; 0 says nothing. In a short
  /// batch of which it computes nothing it is not told.
  public var word = 0.0
  /// The sum of all processes' words in the last step, the same on all of them.
  public private(set) var heard = 0.0

  /// - Parameters:
  ///   - plan: for training.
  ///   - loss: of the network's output; for classes the output holds logits `[class, …]`.
  ///   - classifier: added to it, the loss of the scores that the network taps as `classes`, which are compared with
  ///     the label of each image; its target has one.
  ///   - target: what the output is compared with.
  ///   - batch: samples of a full batch; `shards` divides it into ranges of ⌈batch ÷ shards⌉.
  ///   - recipe: of it the optimizer, clipping, accumulation and averaging.
  ///   - trainable: ranges of the parameters that are trained, ascending; the others are frozen. Nil: those of the
  ///     nodes that the graph does not freeze.
  ///   - seed: what random numbers of the run are keyed by, with `member`.
  /// - Throws: `LossError` when the loss has no meaning for the target or the output.
  public init(
    _ plan: Plan, loss: any Loss = CrossEntropy(), classifier: (any Loss)? = nil, target: TargetKind = .labels,
    batch: Int, shards: Int, recipe: TrainingRecipe, trainable: [Range<Int>]? = nil, team: ThreadTeam, seed: UInt64,
    member: UInt64,
    reduction: any ShardReduction = LocalShards()
  ) throws(LossError) {
    objective = try Objective(loss, classifier: classifier, target: target, plan: plan)
    let samplesPerShard = (batch + shards - 1) / shards
    execution = Execution(
      plan, samplesPerShard: samplesPerShard,
      shards: reduction.largestShare(of: (batch + samplesPerShard - 1) / samplesPerShard), team: team,
      reduction: reduction)
    let layout = plan.layout
    let trainable = trainable ?? layout.trainableRanges
    let moved = reduction.gradientExchange?.moved(of: layout.parameterCount)
    dividesState = moved != nil
    optimizer = Optimizer(recipe.optimizer, count: layout.parameterCount, trainable: trainable, held: moved)
    clipping = GradientClipping(
      recipe.clipping, ranges: Self.ranges(layout.parameters.map(\.range), within: trainable))
    sum = GradientSum(count: recipe.accumulation > 1 ? layout.parameterCount : 0)
    average = recipe.averaging.map {
      WeightAverage($0, parameters: layout.parameterCount, statistics: layout.statisticCount)
    }
    self.batch = batch
    accumulation = recipe.accumulation
    self.team = team
    self.reduction = reduction
    self.seed = seed
    self.member = member
    targets = TargetBuffer(target, pixels: plan.outputShape.pixels, samples: execution.capacity)
    sums = AlignedBuffer(count: (objective.width + 1) * max(1, execution.capacity))
    scratchCount = objective.scratchCount(execution)
    scratch = AlignedBuffer(count: team.size * scratchCount)
  }

  /// What lies in some ranges of other ranges.
  private static func ranges(_ ranges: [Range<Int>], within others: [Range<Int>]?) -> [Range<Int>] {
    guard let others else { return ranges }
    return ranges.flatMap { range in others.map { $0.clamped(to: range) } }.filter { !$0.isEmpty }
  }

  /// One step on samples that the caller names by epoch and position: those of the whole batch, of which this process
  /// computes the shards that `reduction` says are held here.
  ///
  /// More samples than a batch are taken batch by batch, and their gradients joined (`TrainingRecipe.accumulation`).
  /// - Returns: the samples' loss before the step.
  /// - Throws: `TrainingError` when loss or gradients are not finite; the parameters are then as they were.
  public func step(_ source: some BatchSource, epoch: Int, positions: Range<Int>) throws(TrainingError) -> Double {
    var value: Double
    var gradients = execution.gradients.pointer
    if positions.count <= batch {
      value = try pass(source, epoch: epoch, positions: positions, firstSample: 0).loss
    } else {
      precondition(positions.count <= batch * accumulation, "a step of more batches than are accumulated")
      sum.begin()
      var first = positions.lowerBound
      while first < positions.upperBound {
        let last = min(positions.upperBound, first + batch)
        let part = try pass(
          source, epoch: epoch, positions: first..<last, firstSample: first - positions.lowerBound)
        sum.add(gradients, loss: part.loss, weight: part.weight, team: team)
        first = last
      }
      value = sum.loss
      gradients = sum.gradients.pointer
    }
    if let norm = clipping.clip(gradients, team: team), !norm.isFinite {
      throw .gradientNotFinite(epoch: epoch, step: steps, rate: optimizer.rate)
    }
    optimizer.step(parameters: execution.parameters.pointer, gradients: gradients, team: team)
    if dividesState { reduction.gradientExchange?.share(execution.parameters.pointer, team: team) }
    average?.update(
      parameters: execution.parameters.pointer, statistics: execution.statistics.pointer, team: team)
    steps += 1
    return value
  }

  /// Forward and backward with one batch.
  ///
  /// - Parameter firstSample: its first sample's place among those of the step.
  /// - Returns: the batch's loss, and what it counts for among the batches of a step.
  private func pass(
    _ source: some BatchSource, epoch: Int, positions: Range<Int>, firstSample: Int
  ) throws(TrainingError) -> (loss: Double, weight: Double) {
    let start = team.timeline.start()
    let size = execution.samplesPerShard
    let held = reduction.begin(shards: (positions.count + size - 1) / size)
    shardsHeld = held.count
    let first = min(positions.count, held.lowerBound * size)
    let samples = min(positions.count, held.upperBound * size) - first
    team.run(count: samples) { sample, _ in
      source.load(
        epoch: epoch, position: positions.lowerBound + first + sample, image: execution.input(sample),
        target: targets[sample])
    }
    team.timeline.end(.load, start)
    execution.forward(
      samples: samples,
      randomKey: DropoutKey(seed: seed, member: member, step: UInt64(steps), firstSample: firstSample + first))
    reduceLoss(samples: samples)
    let value = objective.value(sums: sums.pointer)
    guard value.isFinite else {
      throw .notFinite(loss: value, epoch: epoch, step: steps, rate: optimizer.rate)
    }
    let weight = objective.weight(sums: sums.pointer) ?? Double(positions.count)
    team.run(count: samples) { sample, thread in
      objective.derive(
        execution, sample, targets[sample], sums: sums.pointer, scratch: scratch.pointer + thread * scratchCount)
    }
    execution.backward()
    return (value, weight)
  }

  /// The loss's sums over the batch, at the start of `sums`: samples in order within a shard, shards along the tree.
  private func reduceLoss(samples: Int) {
    // After each sample's sums stands a word to all processes, the first sample's own one.
    let width = objective.width + 1
    team.run(count: samples) { sample, _ in
      objective.writeSums(execution, sample, targets[sample], to: sums.pointer + width * sample) { _, tap in
        tap.map { execution.tapGradient($0, sample) } ?? execution.outputGradient(sample)
      }
      sums.pointer[width * sample + width - 1] = sample == 0 ? word : 0
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
    heard = sums.pointer[width - 1]
  }

  /// One pass over the source's samples, in steps of one batch or as many as are accumulated; the last may be short.
  ///
  /// - Parameter afterStep: called after every step, on the calling thread, with the step's loss.
  /// - Returns: the mean of the steps' losses, weighted by their samples.
  public func epoch(
    _ source: some BatchSource, epoch: Int, batch: Int, afterStep: (Double) throws -> Void = { _ in }
  ) throws -> Double {
    var total = 0.0
    var first = 0
    while first < source.samplesPerEpoch {
      let last = min(source.samplesPerEpoch, first + batch * accumulation)
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
  /// Found when gradients are limited by their norm.
  case gradientNotFinite(epoch: Int, step: Int, rate: Double)

  public var description: String {
    switch self {
    case .notFinite(let loss, let epoch, let step, let rate):
      """
      loss became \(loss.isNaN ? "NaN" : "infinite") in epoch \(epoch + 1) (step \(step + 1), rate \(rate)). \
      Lower training.optimizer.rate.
      """
    case .gradientNotFinite(let epoch, let step, let rate):
      """
      a derivative is not finite in epoch \(epoch + 1) (step \(step + 1), rate \(rate)). \
      Lower training.optimizer.rate.
      """
    }
  }
}
