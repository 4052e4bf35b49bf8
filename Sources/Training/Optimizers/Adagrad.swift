import Settings

/// Adagrad (Duchi, Hazan and Singer, JMLR 12, 2011).
public struct Adagrad: OptimizerMethod {
  public static let name = "adagrad"
  public static let meaning = "Adagrad (Duchi, Hazan and Singer, 2011)"
  public static let settings: [Setting<Self>] = [
    Setting("rate-decay", \.rateDecay, .number(.atLeast(0, limit: 1e6)), "the rate is divided by 1 + this × steps"),
    Setting(
      "initial-accumulator", \.initialAccumulator, .number(.atLeast(0, limit: 1e12)),
      "what the sum of squared gradients begins with"),
    .epsilon(\.epsilon),
  ]
  public static var defaultRate: Double { 1e-2 }

  /// The rate is divided by 1 + this × steps.
  public var rateDecay: Double
  /// What the sum of squared gradients begins with.
  public var initialAccumulator: Double
  /// Added to the divisor.
  public var epsilon: Double

  public init() { self.init(rateDecay: 0) }

  /// Adagrad with PyTorch's defaults.
  public init(rateDecay: Double = 0, initialAccumulator: Double = 0, epsilon: Double = 1e-10) {
    self.rateDecay = rateDecay
    self.initialAccumulator = initialAccumulator
    self.epsilon = epsilon
  }

  public var state: OptimizerState { .squares }
  public var initialSquares: Double { initialAccumulator }

  public func set(_ step: inout OptimizerStep) {
    step.keepSecond = 1
    step.blendSecond = 1
    step.epsilon = epsilon
    step.direct = step.rate / (1 + (step.time - 1) * rateDecay)
  }
}
