import Engine
import Host
import Imaging
import MessagePassing
import Networks
import Training

/// Trains members of one ensemble, one after another, on this rank's threads.
public struct MemberTrainer {
  /// What happens beside a member's training, on the calling thread.
  public struct Hooks {
    /// Called after every step, with its loss.
    public var afterStep: (Double) throws -> Void
    /// Called when the last epoch begins.
    public var beforeLastEpoch: () throws -> Void
    /// Called after every epoch, with the number of epochs done and the last one's mean loss.
    public var afterEpoch: (Int, Double) throws -> Void
    /// Called when a training begins or is gone on with, after every step with its loss, and after every epoch.
    public var watch: (TrainingLoop, _ loss: Double?) throws -> Void
    /// Asked before every step, on the rank that leads: whether to save and stop after it.
    public var stops: () -> Bool
    /// Called after a training with the part of it that was done in this run.
    public var afterTraining: (Double) -> Void

    /// Hooks that do nothing, but for those that are given.
    public init(
      afterStep: @escaping (Double) throws -> Void = { _ in }, beforeLastEpoch: @escaping () throws -> Void = {},
      afterEpoch: @escaping (Int, Double) throws -> Void = { _, _ in },
      watch: @escaping (TrainingLoop, Double?) throws -> Void = { _, _ in },
      stops: @escaping () -> Bool = { false }, afterTraining: @escaping (Double) -> Void = { _ in }
    ) {
      self.afterStep = afterStep
      self.beforeLastEpoch = beforeLastEpoch
      self.afterEpoch = afterEpoch
      self.watch = watch
      self.stops = stops
      self.afterTraining = afterTraining
    }
  }

  /// What decides the members, besides the data.
  public let settings: EnsembleSettings
  /// What members are trained with.
  public let data: TrainingSet
  /// The validation set, by which training stops early and the best weights are kept; nil: there is none.
  public let validation: TrainingSet?
  /// What the intensities of the data were scaled by.
  public let scaling: IntensityScaling
  /// What target images were scaled by; nil for classes.
  public let targetScaling: IntensityScaling?
  /// The names of the classes; empty when targets are images.
  public let classes: [String]
  /// The job's, to be stored in its members.
  public let fingerprint: UInt64
  /// Where a training that was cut short goes on from; nil: no checkpoints.
  public var checkpoints: MemberCheckpoint?
  /// Is told what does not stop a training but should be known.
  public var warn: (String) -> Void = { _ in }
  /// The part of the learning rate at which a member whose loss was no number is trained once more; nil: it is not.
  public var retryFactor: Double?
  /// Whether each rank of a crew keeps a part of the optimizer's state; never changes a member.
  public var dividesOptimizerState = false
  /// Of members that are trained anew the number of trainings before, which draws other initial weights.
  public var attempts: [Int: Int] = [:]
  let team: ThreadTeam

  /// A trainer of the members of one ensemble.
  ///
  /// - Parameters:
  ///   - data: the same on all ranks; its patches are the settings' ones.
  ///   - validation: patches of the same extents that members are not trained with.
  ///   - scaling: what the intensities of `data` were scaled by.
  ///   - targetScaling: what its target images were scaled by.
  ///   - classes: their names; empty when targets are images.
  ///   - fingerprint: the job's, to be stored in its members.
  public init(
    _ settings: EnsembleSettings, data: TrainingSet, validation: TrainingSet? = nil, scaling: IntensityScaling,
    targetScaling: IntensityScaling? = nil, classes: [String], fingerprint: UInt64, team: ThreadTeam
  ) {
    let patch = data.units.patch
    precondition(
      settings.patch == [patch.z, patch.y, patch.x].suffix(settings.patch.count)
        && settings.patch.reduce(1, *) == patch.count, "the data's patches are not the settings'")
    precondition(settings.inputChannels == data.channels, "the data's channels are not the settings'")
    precondition(classes.count == settings.classes, "each class has a name")
    self.settings = settings
    self.data = data
    self.validation = validation
    self.scaling = scaling.stored
    self.targetScaling = targetScaling
    self.classes = classes
    self.fingerprint = fingerprint
    self.team = team
  }

  /// The members as candidates of a `MemberQueue`, with the operations that their training takes.
  ///
  /// - Throws: as `EnsembleSettings.member(_:)`.
  public func candidates(_ members: some Sequence<Int>) throws -> [MemberSchedule.Candidate] {
    try members.map { index in
      let bag = data.sample(seed: settings.seed, member: index, bagging: settings.bagging)
      let samples = settings.patchesPerEpoch(of: data.units, drawn: bag.drawn)
      let member = try settings.member(index)
      return MemberSchedule.Candidate(
        member: index, cost: member.cost(samplesPerEpoch: samples, epochs: settings.epochs),
        bytes: Double(member.costs.trainingBytes) * Double(samples) * Double(settings.epochs))
    }
  }

  /// Trains one member from its initial weights, or from its checkpoint.
  ///
  /// The result is a function of the settings, the data and the member's number, bit for bit on one kind of processor;
  /// how many ranks train it together, and when they come, does not change it.
  ///
  /// - Parameter crew: the ranks that train it together, all of which call this; nil: this rank alone.
  /// - Throws: `TrainingError` when the loss is not a number, `EnsembleError.weightsNotFinite`, `NetworkError`,
  ///   `NetworkSettingError`, and what hooks throw.
  public func train(_ index: Int, in crew: Crew? = nil, hooks: Hooks = Hooks()) throws -> TrainedMember {
    team.timeline.member = index
    defer { team.timeline.member = nil }
    let member = try settings.member(index)
    let plan = try settings.trainingPlan(of: member)
    let bag = data.sample(seed: settings.seed, member: index, bagging: settings.bagging)
    let source = DatasetBatchSource(data, bag: bag, settings: settings, member: index)
    let validator = try validator(of: member)
    let leads = crew?.isLeader ?? true
    func makeLoop() throws -> TrainingLoop {
      let trainer = try Trainer(
        plan, loss: settings.loss.loss, classifier: settings.classifier?.loss, target: data.targetKind(settings.task),
        batch: settings.batch,
        shards: settings.shards, recipe: settings.recipe, team: team, seed: settings.seed, member: UInt64(index),
        reduction: crew?.makeReduction(shards: settings.fullShards, dividesState: dividesOptimizerState)
          ?? LocalShards())
      return TrainingLoop(
        trainer, recipe: settings.recipe, epochs: settings.epochs, samplesPerEpoch: source.samplesPerEpoch,
        batch: settings.batch, validator: validator)
    }
    var loop = try makeLoop()
    var divided: [String: [Float]] = [:]
    if crew?.isJoining != true {
      begin(loop.trainer.execution, member: index)
      let restored = Result { leads ? try checkpoints?.restore(loop, member: index, warn: warn) : nil }
      divided = try crew?.agree(restored) ?? restored.get() ?? [:]
    }
    // All ranks begin with the leader's checkpoint, or where those are that they join.
    try crew?.share(loop, whole: divided)
    try hooks.watch(loop, nil)
    let saving = Saving(checkpoints, member: index)
    defer { saving.finish(warn) }
    let begun = loop.share
    var done = 0.0
    while true {
      do {
        try train(index, &loop, in: crew, from: source, with: saving, makeLoop, hooks)
        break
      } catch  where retryFactor != nil && loop.progress.earlierFailure == nil && Self.isNumeric(error) {
        // All ranks have failed alike.
        done = loop.share
        loop = try makeLoop()
        loop.progress.tryAgain(after: "\(error)", rateFactor: retryFactor ?? 1)
        begin(loop.trainer.execution, member: index)
        if leads {
          saving.finish(warn)
          checkpoints?.remove(index)
          warn("member \(index) is trained again at \(retryFactor ?? 1) of the learning rate: \(error)")
        }
      }
    }
    hooks.afterTraining(done + loop.share - begun)
    let progress = loop.progress
    var trained = TrainedMember(
      index: index, graph: member.graph, parameters: Array(loop.result.parameters.buffer),
      statistics: Array(loop.result.statistics.buffer), history: loop.history, bag: bag, settings: settings,
      scaling: scaling, targetScaling: targetScaling, classes: classes, fingerprint: fingerprint,
      earlierFailure: progress.earlierFailure, rateFactor: progress.rateFactor)
    trained.attempt = attempts[index] ?? 0
    return trained
  }

  /// Whether a failure comes of the settings and the data alone, so that it comes again.
  public static func isNumeric(_ error: any Error) -> Bool {
    if case .weightsNotFinite = error as? EnsembleError { return true }
    return error is TrainingError
  }

  /// Trains a member from where its loop stands to its end.
  ///
  /// - Parameter makeLoop: makes another loop when ranks join.
  private func train(
    _ index: Int, _ loop: inout TrainingLoop, in crew: Crew?, from source: DatasetBatchSource, with saving: Saving,
    _ makeLoop: () throws -> TrainingLoop, _ hooks: Hooks
  ) throws {
    let leads = crew?.isLeader ?? true
    var isNew = true
    var divided: [String: [Float]] = [:]
    let wasFinished = loop.isFinished
    while !loop.isFinished {
      if let crew, !isNew {
        divided = [:]
        let isAnother = try crew.takeIn(member: index) {
          if dividesOptimizerState { divided = try crew.optimizerState(of: loop) }
        }
        if isAnother {
          let before = loop
          loop = try makeLoop()
          crew.copy(before, to: loop)
          try crew.share(loop, whole: divided)
        }
      }
      divided = [:]
      isNew = false
      if loop.isBeforeLastEpoch { try hooks.beforeLastEpoch() }
      source.prepare(epoch: loop.history.count)
      // The leader's wish goes with the loss's sums, so that all ranks learn of it in the same step.
      try loop.epoch(source) {
        guard leads else { return }
        loop.trainer.word = (hooks.stops() ? Wish.stop : saving.isDue(loop) ? .save : .none).rawValue
      } afterStep: { loss in
        if let crew {
          crew.shards += loop.trainer.shardsHeld
          try crew.check()
        }
        let wish = Wish(heard: loop.trainer.heard)
        if wish != .none || saving.isDue(afterStep: loop.trainer.steps) {
          try save(loop, with: saving, in: crew)
        }
        try hooks.afterStep(loss)
        try hooks.watch(loop, loss)
        guard wish != .stop else { throw Interruption() }
      }
      // Before the last epoch's end is told, which says that the member is trained.
      if loop.isFinished { try checkFinite(loop.result) }
      if let last = loop.history.last { try hooks.afterEpoch(loop.history.count, last.loss) }
      try hooks.watch(loop, nil)
      if checkpoints?.interval == .zero, !loop.isFinished { try save(loop, with: saving, in: crew) }
    }
    if !wasFinished, checkpoints?.keepsLast == true { try save(loop, with: saving, in: crew) }
  }

  /// What the rank that leads wants of all ranks after a step; the number goes with the loss's sums.
  private enum Wish: Double {
    case none = 0
    case save, stop

    init(heard: Double) { self = Wish(rawValue: heard) ?? .none }
  }

  /// When the state of a member is saved, and the thread that does.
  private final class Saving {
    let checkpoints: MemberCheckpoint?
    let member: Int
    private let writer = CheckpointWriter()
    private var last = ContinuousClock.now
    /// How often saving had been asked for then.
    private var asked = StopSignal.savesAsked

    init(_ checkpoints: MemberCheckpoint?, member: Int) { (self.checkpoints, self.member) = (checkpoints, member) }

    /// Whether this rank's clock or user says so. A file that is still being written is not waited for.
    func isDue(_ loop: TrainingLoop) -> Bool {
      guard let checkpoints, !writer.isBusy else { return false }
      return StopSignal.savesAsked != asked
        || checkpoints.interval > .zero && ContinuousClock.now - last >= checkpoints.interval
    }

    /// Whether the number of steps says so, on all ranks alike.
    func isDue(afterStep steps: Int) -> Bool { checkpoints?.steps.map { steps % $0 == 0 } ?? false }

    func start(_ contents: [UInt8], _ warn: (String) -> Void) {
      (last, asked) = (.now, StopSignal.savesAsked)
      guard let checkpoints else { return }
      tell(
        writer.start(contents, path: checkpoints.path(member), previous: checkpoints.previous(member)), warn)
    }

    func finish(_ warn: (String) -> Void) { tell(writer.finish(), warn) }

    func tell(_ failure: (any Error)?, _ warn: (String) -> Void) {
      guard let failure else { return }
      warn(
        "a checkpoint of member \(member) could not be written, and the one before is kept: \(failure) Training goes on."
      )
    }
  }

  /// Saves the state on the rank that leads; the others give their parts of a state that is divided. A failure to write
  /// is told and is not the member's.
  private func save(_ loop: TrainingLoop, with saving: Saving, in crew: Crew?) throws {
    guard let checkpoints else { return }
    try team.timeline.measure(.write) {
      do {
        if let crew {
          try crew.save(loop) {
            let contents = try checkpoints.contents(loop, member: saving.member, whole: $0)
            saving.start(contents, warn)
          }
        } else {
          saving.start(try checkpoints.contents(loop, member: saving.member), warn)
        }
      } catch let error as MPIError {
        throw error
      } catch {
        saving.tell(error, warn)
      }
    }
  }

  /// Gives a member its initial weights.
  func begin(_ execution: Execution, member index: Int) {
    let layout = execution.plan.layout
    let seed = settings.seed ^ MemberCheckpoint.key(ofAttempt: attempts[index] ?? 0)
    execution.parameters.buffer.copy(layout.initialParameters(seed: seed, member: index))
    execution.statistics.buffer.copy(layout.initialStatistics())
  }

  private func validator(of member: MemberSpecification) throws -> Validator? {
    guard let validation else { return nil }
    let source = DatasetBatchSource(validating: validation, settings: settings, member: member.index)
    source.prepare(epoch: 0)
    return try Validator(
      try Plan(member.graph, extents: settings.patch, purpose: .inference), loss: settings.loss.loss,
      classifier: settings.classifier?.loss, target: validation.targetKind(settings.task), source: source,
      batch: settings.batch,
      threshold: settings.loss.input == .logits ? 0 : 0.5, team: team)
  }

  private func checkFinite(_ weights: (parameters: AlignedBuffer<Float>, statistics: AlignedBuffer<Float>)) throws {
    guard weights.parameters.buffer.allSatisfy(\.isFinite), weights.statistics.buffer.allSatisfy(\.isFinite) else {
      throw EnsembleError.weightsNotFinite(rate: settings.recipe.optimizer.rate)
    }
  }

  /// Trains one member for a queue: asks for the next when the last epoch begins, serves it after every step.
  ///
  /// - Throws: as `train(_:in:hooks:)`.
  public func train(_ index: Int, for queue: MemberQueue, in crew: Crew? = nil) throws -> TrainedMember {
    let epochs = settings.epochs
    let leads = crew?.isLeader ?? true
    let operations = try candidates(CollectionOfOne(index))[0].cost
    let teller = MemberQueue.Teller(queue, member: index, operations: operations)
    return try train(
      index, in: crew,
      hooks: Hooks(
        afterStep: { _ in try queue.serve() }, beforeLastEpoch: { if leads { try queue.ask() } },
        watch: { if leads { try teller.tell($0, of: epochs, loss: $1) } },
        stops: { queue.isStopping }, afterTraining: { queue.shareTrained = $0 }))
  }
}

extension UnsafeMutableBufferPointer {
  /// Fills the buffer from an array of as many elements.
  func copy(_ values: [Element]) {
    precondition(values.count == count, "\(values.count) values for a buffer of \(count)")
    _ = update(from: values)
  }
}
