/// How the weights of a network follow from its gradients, epoch by epoch: all of training but data, loss and batches.
///
/// Files hold the keys of a job's section `training`.
public struct TrainingRecipe: Hashable, Sendable {
  public var optimizer: OptimizerSettings
  public var schedule: RateSchedule
  public var clipping: ClippingSettings
  /// Batches whose gradients make up one step.
  public var accumulation: Int
  /// Nil: the weights are those after the last step.
  public var averaging: AveragingSettings?
  /// Nil: all epochs are done.
  public var earlyStopping: EarlyStopping?
  /// Which epoch's weights are kept.
  public var keep: Keep

  public enum Keep: String, Codable, Hashable, Sendable, CaseIterable {
    /// Those of the last epoch.
    case last
    /// Those of the epoch with the least validation loss, or training loss where nothing validates.
    case best
  }

  public init(
    optimizer: OptimizerSettings = .adam(), schedule: RateSchedule = .constant,
    clipping: ClippingSettings = ClippingSettings(), accumulation: Int = 1, averaging: AveragingSettings? = nil,
    earlyStopping: EarlyStopping? = nil, keep: Keep = .last
  ) {
    self.optimizer = optimizer
    self.schedule = schedule
    self.clipping = clipping
    self.accumulation = accumulation
    self.averaging = averaging
    self.earlyStopping = earlyStopping
    self.keep = keep
  }

  /// Adam at a constant rate.
  public static func adam(rate: Double = 1e-3) -> TrainingRecipe { TrainingRecipe(optimizer: .adam(rate: rate)) }
}

extension TrainingRecipe: Codable {
  private enum CodingKeys: String, CodingKey {
    case optimizer, schedule, keep
    case clipping = "clip"
    case accumulation = "accumulate"
    case averaging = "average"
    case earlyStopping = "early-stopping"
  }
}

/// When training ends before its last epoch.
public struct EarlyStopping: Codable, Hashable, Sendable {
  /// Epochs without an improvement after which training stops.
  public var patience: Int
  /// What the validation loss must fall by to be an improvement.
  public var threshold: Double

  public init(patience: Int = 10, threshold: Double = 0) {
    self.patience = patience
    self.threshold = threshold
  }
}

/// An average of weights over steps, to predict with.
public struct AveragingSettings: Hashable, Sendable {
  /// What remains of the average in a step.
  public var decay: Double
  /// The decay is at most (1 + steps) ÷ (10 + steps), so that the initial weights are soon forgotten.
  public var warmUp: Bool

  public init(decay: Double = 0.999, warmUp: Bool = true) {
    self.decay = decay
    self.warmUp = warmUp
  }
}

extension AveragingSettings: Codable {
  private enum CodingKeys: String, CodingKey {
    case decay
    case warmUp = "warm-up"
  }
}
