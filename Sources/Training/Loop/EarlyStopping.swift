import Settings

/// When training ends before its last epoch.
public struct EarlyStopping: SettingsSection {
  public static let settings: [Setting<Self>] = [
    Setting(
      "patience", \.patience, .integer(1...1_000_000_000),
      "epochs without an improvement after which training stops"),
    Setting(
      "threshold", \.threshold, .number(.atLeast(0, limit: 1e12)), "what the loss must fall by to be an improvement"),
  ]

  /// Epochs without an improvement after which training stops.
  public var patience: Int
  /// What the validation loss must fall by to be an improvement.
  public var threshold: Double

  public init() { self.init(patience: 10) }

  /// Stops after `patience` epochs without an improvement by `threshold`.
  public init(patience: Int = 10, threshold: Double = 0) {
    self.patience = patience
    self.threshold = threshold
  }
}
