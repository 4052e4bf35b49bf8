import Engine
import Glibc
import Host
import Training

/// What a training step and a prediction of a member take on this rank's threads, tried with images that are made up.
public struct StepTrial: Hashable, Sendable {
  /// By which seconds are counted.
  public enum Clock: Sendable {
    /// All that pass.
    case wall
    /// Those in which the calling thread runs: what it would take if no other process took the cores. Waits for other threads
    /// of the team are left out.
    case processor

    var now: Double {
      var time = timespec()
      let failed = clock_gettime(self == .wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &time)
      precondition(failed == 0, "both clocks exist on Linux")
      return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
  }

  /// Seconds of a training step over a full batch: the shortest, since a busy machine only makes them longer.
  public let step: Double
  /// Seconds of the prediction of one patch.
  public let prediction: Double

  /// Tries a member.
  ///
  /// - Parameters:
  ///   - target: what a patch is compared with.
  ///   - patience: how long each of both is tried; two steps are made whatever they take.
  ///   - clock: by which both are timed.
  /// - Throws: `NetworkError` when patches do not fit the network, `LossError`, `TrainingError` when a loss is no number.
  public init(
    _ member: MemberSpecification, settings: EnsembleSettings, target: TargetKind, team: ThreadTeam,
    patience: Duration = .milliseconds(500), clock: Clock = .wall
  ) throws {
    step = try Self.stepSeconds(
      member, settings: settings, target: target, team: team, patience: patience, clock: clock)
    let plan = try Plan(member.graph, extents: settings.patch, purpose: .inference)
    let samples = min(settings.batch, 4)
    let execution = Execution(plan, samplesPerShard: 1, shards: samples, team: team)
    begin(execution, member: member.index, settings: settings)
    let source = MadeUpBatch(settings)
    for sample in 0..<samples { source.load(execution.input(sample)) }
    prediction = Self.shortest(patience, clock) { execution.forward(samples: samples) } / Double(samples)
  }

  /// The shortest of several training steps of a member.
  static func stepSeconds(
    _ member: MemberSpecification, settings: EnsembleSettings, target: TargetKind, team: ThreadTeam, patience: Duration,
    clock: Clock = .wall
  ) throws -> Double {
    let plan = try settings.trainingPlan(of: member)
    var loss = settings.loss
    // The weights of classes change no time.
    if loss.isBalanced {
      let classes = settings.task == .binary ? 2 : settings.outputChannels
      loss = try loss.balanced(by: Array(repeating: 1, count: classes), channels: settings.outputChannels)
    }
    let trainer = try Trainer(
      plan, loss: loss.loss, classifier: settings.classifier?.loss, target: target, batch: settings.batch,
      shards: settings.shards, recipe: settings.recipe, team: team, seed: settings.seed, member: UInt64(member.index))
    begin(trainer.execution, member: member.index, settings: settings)
    let source = MadeUpBatch(settings)
    return try shortest(patience, clock) { _ = try trainer.step(source, epoch: 0, positions: 0..<settings.batch) }
  }

  private static func shortest(
    _ patience: Duration, _ clock: Clock, _ body: () throws -> Void
  ) rethrows -> Double {
    let begin = ContinuousClock.now
    var shortest = Double.infinity
    for trial in 0..<20 where trial < 2 || ContinuousClock.now - begin < patience {
      let start = clock.now
      try body()
      // The first brings memory in.
      if trial > 0 { shortest = min(shortest, clock.now - start) }
    }
    return shortest
  }
}

/// Gives a network initial weights.
private func begin(_ execution: Execution, member: Int, settings: EnsembleSettings) {
  let layout = execution.plan.layout
  execution.parameters.buffer.copy(layout.initialParameters(seed: settings.seed, member: member))
  execution.statistics.buffer.copy(layout.initialStatistics())
}

/// A batch of noise, the same in every step.
private final class MadeUpBatch: BatchSource {
  let samplesPerEpoch: Int
  private let pixels: AlignedBuffer<Float>
  private let classes: Int

  init(_ settings: EnsembleSettings) {
    samplesPerEpoch = settings.batch
    classes =
      switch settings.task {
      case .binary: 2
      case .segmentation, .classification: settings.outputChannels
      default: settings.classifier?.classes ?? 1
      }
    pixels = AlignedBuffer(count: settings.inputChannels * settings.patch.reduce(1, *))
    // A spread of 1 around 0, as scaled images have.
    for index in 0..<pixels.count { pixels.pointer[index] = 3.4 * (Float(index &* 40_503 & 0xFFFF) / 65_535 - 0.5) }
  }

  func load(_ image: FeaturePlanes) { image.setPixels(UnsafeBufferPointer(pixels.buffer)) }

  func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {
    load(image)
    let count = target.pixels
    if target.kind.hasLabels {
      for index in 0..<count { target.labels[index] = UInt8((index + position) % classes) }
    }
    for index in 0..<target.kind.channels * count { target.values[index] = pixels.pointer[index % pixels.count] }
    if target.kind.hasWeights { target.weights.update(repeating: 1, count: count) }
    if target.kind.hasImageLabel { target.imageLabel[0] = UInt8(position % classes) }
  }
}
