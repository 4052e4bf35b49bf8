/// What an epoch of training came to.
public struct EpochRecord: Codable, Hashable, Sendable {
  /// The learning rate of its last step.
  public var rate: Double
  /// The mean of its steps' losses, weighted by their samples.
  public var loss: Double
  /// The loss on the validation part with the weights after the epoch; nil when nothing validates.
  public var validationLoss: Double?
  /// Figures of the validation part by name.
  public var metrics: [String: Double]

  /// The figures of an epoch.
  public init(rate: Double, loss: Double, validationLoss: Double? = nil, metrics: [String: Double] = [:]) {
    self.rate = rate
    self.loss = loss
    self.validationLoss = validationLoss
    self.metrics = metrics
  }

  /// What early stopping and plateaus watch.
  public var watched: Double { validationLoss ?? loss }
}
