/// What an ensemble says of one value, as scores of values use it.
public struct PredictedValue: Sendable {
  /// The mean of the members.
  public var mean: Float
  /// The standard deviation of the members.
  public var spread: Float
  /// The lowest predicted quantile, the mean without.
  public var lower: Float
  /// The highest predicted quantile, the mean without.
  public var upper: Float
  /// The unit that errors are measured in: what targets were divided by for training.
  public var unit: Float

  /// A prediction as given.
  public init(mean: Float, spread: Float, lower: Float, upper: Float, unit: Float) {
    self.mean = mean
    self.spread = spread
    self.lower = lower
    self.upper = upper
    self.unit = unit
  }
}

/// How far a true value lies from a prediction, which two numbers stand for. A prediction interval holds the values
/// whose score is at most a threshold.
public protocol ValueScore: Sendable {
  /// The two numbers.
  func numbers(of prediction: PredictedValue) -> (first: Float, second: Float)

  /// What truths and bounds are divided by, besides what `numbers` divides.
  func divisor(unit: Float) -> Float

  /// The score of a truth.
  func score(_ truth: Float, _ first: Float, _ second: Float) -> Float

  /// The values whose score is at most a threshold; empty (upper below lower) when there are none.
  func interval(_ first: Float, _ second: Float, threshold: Float) -> (lower: Float, upper: Float)
}

/// A score |truth − mean| ÷ width.
protocol WidthScore: ValueScore {}

extension WidthScore {
  public func divisor(unit: Float) -> Float { 1 }

  public func score(_ truth: Float, _ first: Float, _ second: Float) -> Float {
    let distance = abs(truth - first)
    return distance == 0 ? 0 : distance / second
  }

  public func interval(_ first: Float, _ second: Float, threshold: Float) -> (lower: Float, upper: Float) {
    (first - threshold * second, first + threshold * second)
  }
}
