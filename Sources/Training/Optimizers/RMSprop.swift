import Settings

/// RMSprop (Hinton's lecture 6e); centered as in Graves (arXiv 1308.0850).
public struct RMSprop: OptimizerMethod {
  public static let name = "rmsprop"
  public static let meaning = "RMSprop (Hinton)"
  public static let settings: [Setting<Self>] = [
    Setting("alpha", \.alpha, .part, "what remains of the mean of squared gradients in a step"), .epsilon(\.epsilon),
    Setting("momentum", \.momentum, .part, "part of the last move that goes on"),
    Setting("centered", \.centered, .boolean, "whether gradients are divided by their deviation, not their size"),
  ]
  public static var defaultRate: Double { 1e-2 }

  /// What remains of the mean of squared gradients in a step.
  public var alpha: Double
  /// Added to the divisor.
  public var epsilon: Double
  /// The part of the last move that goes on.
  public var momentum: Double
  /// Whether gradients are divided by their deviation, not by their size.
  public var centered: Bool

  public init() { self.init(alpha: 0.99) }

  /// RMSprop with PyTorch's defaults.
  public init(alpha: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0, centered: Bool = false) {
    self.alpha = alpha
    self.epsilon = epsilon
    self.momentum = momentum
    self.centered = centered
  }

  public var state: OptimizerState {
    var state = OptimizerState.squares
    if centered { state.insert(.center) }
    if momentum > 0 { state.insert(.dividedGradients) }
    return state
  }

  public func set(_ step: inout OptimizerStep) {
    step.keepSecond = alpha
    step.blendSecond = 1 - alpha
    step.epsilon = epsilon
    step.keepFirst = momentum
    step.blendFirst = 1
    step.direct = step.rate
    step.through = step.rate
  }
}
