import Host

/// The training of one network from its first to its last epoch: the schedule of the rate, validation, early stopping,
/// and which weights are kept.
///
/// All that the rest of a training depends on is `progress` and `buffers`: a training that is restored from them goes
/// on with the same bits.
public final class TrainingLoop {
  /// Takes the steps.
  public let trainer: Trainer
  /// How weights follow from gradients.
  public let recipe: TrainingRecipe
  /// The most epochs there are.
  public let epochs: Int
  private let samplesPerBatch: Int
  private let stepsPerEpoch: Int
  private let validator: Validator?
  /// The best weights and running statistics so far.
  private let best: (parameters: AlignedBuffer<Float>, statistics: AlignedBuffer<Float>)?
  private var watch = Watch()

  /// What is watched over the epochs.
  fileprivate struct Watch: Codable, Hashable, Sendable {
    var plateau = PlateauWatch()
    var history: [EpochRecord] = []
    var best: Double?
    var bestEpoch = 0
    /// Epochs since the last improvement.
    var waited = 0
  }

  /// - Parameters:
  ///   - trainer: made with the recipe's optimizer, clipping, accumulation and averaging.
  ///   - samplesPerEpoch: of the source that it is trained with; `batch` of them at once.
  ///   - validator: nil when nothing validates.
  public init(
    _ trainer: Trainer, recipe: TrainingRecipe, epochs: Int, samplesPerEpoch: Int, batch: Int,
    validator: Validator? = nil
  ) {
    self.trainer = trainer
    self.recipe = recipe
    self.epochs = epochs
    self.validator = validator
    samplesPerBatch = batch
    let samplesPerStep = batch * recipe.accumulation
    stepsPerEpoch = (samplesPerEpoch + samplesPerStep - 1) / samplesPerStep
    let execution = trainer.execution
    best =
      recipe.keep == .best
      ? (AlignedBuffer(count: execution.parameters.count), AlignedBuffer(count: execution.statistics.count)) : nil
  }

  /// Every epoch that is done.
  public var history: [EpochRecord] { watch.history }

  /// Whether all epochs are done, or as many as early stopping wants.
  public var isFinished: Bool {
    history.count >= epochs || recipe.earlyStopping.map { watch.waited >= $0.patience } ?? false
  }

  /// Whether the next epoch is the last by number.
  public var isBeforeLastEpoch: Bool { history.count == epochs - 1 }

  /// Trains one epoch, and looks what the weights are worth.
  ///
  /// - Throws: `TrainingError`, and what `afterStep` throws.
  public func epoch(_ source: some BatchSource, afterStep: (Double) throws -> Void = { _ in }) throws {
    precondition(!isFinished, "a training that is finished has no more epochs")
    let epoch = history.count
    setRate(step: 0)
    var step = 0
    let loss = try trainer.epoch(source, epoch: epoch, batch: samplesPerBatch) { loss in
      step += 1
      if recipe.schedule.unit == .step, step < stepsPerEpoch { setRate(step: step) }
      try afterStep(loss)
    }
    var record = EpochRecord(rate: trainer.optimizer.rate, loss: loss)
    if let validator {
      let figures = validator.evaluate(
        parameters: weights.parameters.pointer, statistics: weights.statistics.pointer)
      guard figures.loss.isFinite else {
        throw TrainingError.notFinite(loss: figures.loss, epoch: epoch, step: trainer.steps, rate: record.rate)
      }
      record.validationLoss = figures.loss
      record.metrics = figures.metrics
    }
    note(record)
  }

  private func setRate(step: Int) {
    let isPerStep = recipe.schedule.unit == .step
    trainer.optimizer.rate = recipe.schedule.rate(
      at: isPerStep ? history.count * stepsPerEpoch + step : history.count,
      of: isPerStep ? epochs * stepsPerEpoch : epochs, base: recipe.optimizer.rate, plateau: watch.plateau)
  }

  private func note(_ record: EpochRecord) {
    watch.history.append(record)
    let isWarm = recipe.schedule.unit == .step || history.count > recipe.schedule.warmUp
    if isWarm { recipe.schedule.shape.note(record.watched, base: recipe.optimizer.rate, in: &watch.plateau) }
    let threshold = recipe.earlyStopping?.threshold ?? 0
    if watch.best.map({ record.watched < $0 - threshold }) ?? true {
      watch.best = record.watched
      watch.bestEpoch = history.count - 1
      watch.waited = 0
      if let best {
        best.parameters.pointer.update(from: weights.parameters.pointer, count: best.parameters.count)
        best.statistics.pointer.update(from: weights.statistics.pointer, count: best.statistics.count)
      }
    } else {
      watch.waited += 1
    }
  }

  /// The weights as they are now: the average, where there is one.
  private var weights: (parameters: AlignedBuffer<Float>, statistics: AlignedBuffer<Float>) {
    if let average = trainer.average { return (average.parameters, average.statistics) }
    return (trainer.execution.parameters, trainer.execution.statistics)
  }

  /// The weights and running statistics to predict with: the best so far or the last, the average where there is one.
  public var result: (parameters: AlignedBuffer<Float>, statistics: AlignedBuffer<Float>) { best ?? weights }

  /// The epoch that `result` is from, counted from 0.
  public var resultEpoch: Int { best == nil ? history.count - 1 : watch.bestEpoch }
}

// MARK: - Going on elsewhere

extension TrainingLoop {
  /// What the rest of a training depends on, besides `buffers`.
  public struct Progress: Codable, Hashable, Sendable {
    /// Steps done.
    public fileprivate(set) var steps: Int
    /// The optimizer's progress.
    public fileprivate(set) var optimizer: Optimizer.Progress
    /// Steps that the average of the weights has seen.
    public fileprivate(set) var averagedSteps: Int
    fileprivate var watch: Watch

    /// Every epoch that is done.
    public var history: [EpochRecord] { watch.history }
  }

  /// Between two epochs.
  public var progress: Progress {
    get {
      Progress(
        steps: trainer.steps, optimizer: trainer.optimizer.progress, averagedSteps: trainer.average?.steps ?? 0,
        watch: watch)
    }
    set {
      trainer.steps = newValue.steps
      trainer.optimizer.progress = newValue.optimizer
      trainer.average?.steps = newValue.averagedSteps
      watch = newValue.watch
    }
  }

  /// An array that belongs to `progress`.
  public struct Buffer {
    /// What checkpoints call it.
    public let name: String
    /// The elements that are held here.
    public let values: AlignedBuffer<Float>
    /// Elements of the whole array, and those of them that `values` are.
    public let count: Int
    /// Which of the elements `values` are.
    public let held: Range<Int>
    /// Whether it is the optimizer's, which may be divided over ranks.
    public let isOptimizerState: Bool
    /// Whether this rank and others hold a part each.
    public let isDivided: Bool
  }

  /// The arrays that belong to `progress`; the same ones on all ranks that train together.
  public var buffers: [Buffer] {
    let execution = trainer.execution
    func whole(_ name: String, _ values: AlignedBuffer<Float>) -> Buffer {
      Buffer(
        name: name, values: values, count: values.count, held: 0..<values.count, isOptimizerState: false,
        isDivided: false)
    }
    var result = [whole("parameters", execution.parameters), whole("statistics", execution.statistics)]
    for (index, values) in trainer.optimizer.state.enumerated() {
      result.append(
        Buffer(
          name: "optimizer_\(index)", values: values, count: execution.parameters.count,
          held: trainer.optimizer.held, isOptimizerState: true, isDivided: trainer.dividesState))
    }
    if let average = trainer.average {
      result += [whole("average_parameters", average.parameters), whole("average_statistics", average.statistics)]
    }
    if let best { result += [whole("best_parameters", best.parameters), whole("best_statistics", best.statistics)] }
    return result
  }

  /// Bytes of all that a training keeps besides the execution and its weights and gradients.
  ///
  /// - Parameter parts: into which the optimizer's state is divided.
  public static func bytes(_ recipe: TrainingRecipe, parameters: Int, statistics: Int, parts: Int = 1) -> Int {
    let copies = (recipe.averaging == nil ? 0 : 1) + (recipe.keep == .best ? 1 : 0)
    return Optimizer.bytes(recipe.optimizer, count: (parameters + parts - 1) / parts) + copies * 4
      * (parameters + statistics)
      + (recipe.accumulation > 1 ? 4 * parameters : 0)
  }
}
