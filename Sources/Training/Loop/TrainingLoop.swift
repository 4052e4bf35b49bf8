import Foundation
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
    /// Samples of the epoch at hand that are done, and the sum of their losses.
    var position = 0
    var total = 0.0
    /// What the recipe's learning rate is multiplied by.
    var rateFactor = 1.0
    /// Why the training before this one failed; nil: this is the first.
    var failure: String?
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

  /// Trains one epoch from where it stands, and looks what the weights are worth.
  ///
  /// - Parameters:
  ///   - beforeStep: called before every step, to give the trainer a word.
  ///   - afterStep: called after every step with its loss. `progress` and `buffers` are then whole: when it throws, the
  ///     next call goes on with the next step.
  /// - Throws: `TrainingError`, and what `afterStep` throws.
  public func epoch(
    _ source: some BatchSource, beforeStep: () -> Void = {}, afterStep: (Double) throws -> Void = { _ in }
  ) throws {
    precondition(!isFinished, "a training that is finished has no more epochs")
    let epoch = history.count
    let samplesPerStep = samplesPerBatch * recipe.accumulation
    setRate(step: min(watch.position / samplesPerStep, stepsPerEpoch - 1))
    while watch.position < source.samplesPerEpoch {
      let first = watch.position
      let last = min(source.samplesPerEpoch, first + samplesPerStep)
      beforeStep()
      let loss = try trainer.step(source, epoch: epoch, positions: first..<last)
      watch.total += loss * Double(last - first)
      watch.position = last
      if recipe.schedule.unit == .step, last < source.samplesPerEpoch { setRate(step: last / samplesPerStep) }
      try afterStep(loss)
    }
    var record = EpochRecord(rate: trainer.optimizer.rate, loss: watch.total / Double(source.samplesPerEpoch))
    if let validator {
      let figures = validator.evaluate(
        parameters: weights.parameters.pointer, statistics: weights.statistics.pointer)
      guard figures.loss.isFinite else {
        throw TrainingError.notFinite(loss: figures.loss, epoch: epoch, step: trainer.steps, rate: record.rate)
      }
      record.validationLoss = figures.loss
      record.metrics = figures.metrics
    }
    (watch.position, watch.total) = (0, 0)
    note(record)
  }

  /// The part of all epochs that is done.
  public var share: Double {
    let step = Double(watch.position / (samplesPerBatch * recipe.accumulation)) / Double(max(1, stepsPerEpoch))
    return (Double(history.count) + min(1, step)) / Double(epochs)
  }

  private var baseRate: Double { recipe.optimizer.rate * watch.rateFactor }

  private func setRate(step: Int) {
    let isPerStep = recipe.schedule.unit == .step
    trainer.optimizer.rate = recipe.schedule.rate(
      at: isPerStep ? history.count * stepsPerEpoch + step : history.count,
      of: isPerStep ? epochs * stepsPerEpoch : epochs, base: baseRate, plateau: watch.plateau)
  }

  private func note(_ record: EpochRecord) {
    watch.history.append(record)
    let isWarm = recipe.schedule.unit == .step || history.count > recipe.schedule.warmUp
    if isWarm { recipe.schedule.shape.note(record.watched, base: baseRate, in: &watch.plateau) }
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

    /// Epochs that are done or begun.
    public var epochsBegun: Int { watch.history.count + (watch.position > 0 ? 1 : 0) }

    /// What the recipe's learning rate is multiplied by.
    public var rateFactor: Double { watch.rateFactor }

    /// Why the training before this one failed; nil when this is the first.
    public var earlierFailure: String? { watch.failure }

    /// Makes this a second training at a part of the learning rate. To be called before the first step.
    ///
    /// - Parameter failure: why the first one failed.
    public mutating func tryAgain(after failure: String, rateFactor: Double) {
      (watch.failure, watch.rateFactor) = (failure, rateFactor)
    }
  }

  /// Between two steps.
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

extension TrainingLoop.Watch {
  /// Texts of earlier programs, which saved between epochs only, say nothing of an epoch at hand.
  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    plateau = try values.decode(PlateauWatch.self, forKey: .plateau)
    history = try values.decode([EpochRecord].self, forKey: .history)
    best = try values.decodeIfPresent(Double.self, forKey: .best)
    bestEpoch = try values.decode(Int.self, forKey: .bestEpoch)
    waited = try values.decode(Int.self, forKey: .waited)
    position = try values.decodeIfPresent(Int.self, forKey: .position) ?? 0
    total = try values.decodeIfPresent(Double.self, forKey: .total) ?? 0
    rateFactor = try values.decodeIfPresent(Double.self, forKey: .rateFactor) ?? 1
    failure = try values.decodeIfPresent(String.self, forKey: .failure)
  }
}

extension TrainingLoop.Progress {
  /// A JSON text, which numbers that are not finite survive.
  ///
  /// - Throws: `EncodingError`.
  public func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return Array(try encoder.encode(self))
  }

  /// Reads what `encoded` gave.
  ///
  /// - Throws: `DecodingError`.
  public init(decoding bytes: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    self = try decoder.decode(Self.self, from: Data(bytes))
  }
}
