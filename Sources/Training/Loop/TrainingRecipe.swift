import Settings

/// How the weights of a network follow from its gradients, epoch by epoch: all of training but data, loss and batches.
///
/// Files hold the keys of a job's section `training`.
public struct TrainingRecipe: SettingsSection {
  public static let settings: [Setting<Self>] = [
    Setting(
      "optimizer", \.optimizer, oneOf: Optimizers.variants, "how weights follow gradients; defaults are PyTorch's"),
    Setting(
      "schedule", \.schedule, oneOf: Schedules.variants, "how the learning rate changes; defaults are PyTorch's"),
    Setting("clip", \.clipping, "limits of gradients before a step"),
    Setting(
      "accumulate", \.accumulation, .integer(1...65_536),
      "batches whose gradients make up one step, for batches that do not fit in memory"),
    Setting(
      "average", \.averaging, otherwise: "the weights after the last step",
      "a moving average of the weights, to predict with"),
    Setting(
      "early-stopping", \.earlyStopping, otherwise: "all epochs are trained",
      "stops when the validation loss (or training loss, where nothing validates) falls no more"),
    Setting(
      "keep", \.keep, noun: "epoch",
      "which epoch's weights are kept: the `last`, or the `best` by the loss that early stopping looks at"),
  ]

  /// What moves the weights.
  public var optimizer: OptimizerSettings
  /// How the learning rate changes.
  public var schedule: RateSchedule
  /// How gradients are limited.
  public var clipping: ClippingSettings
  /// Batches whose gradients make up one step.
  public var accumulation: Int
  /// Nil: the weights are those after the last step.
  public var averaging: AveragingSettings?
  /// Nil: all epochs are done.
  public var earlyStopping: EarlyStopping?
  /// Which epoch's weights are kept.
  public var keep: Keep

  /// Which epoch's weights are kept.
  public enum Keep: String, SettingConvertible, Hashable, CaseIterable {
    /// Those of the last epoch.
    case last
    /// Those of the epoch with the least validation loss, or training loss where nothing validates.
    case best
  }

  public init() { self.init(keep: .last) }

  /// A recipe; what is left out is not done.
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
