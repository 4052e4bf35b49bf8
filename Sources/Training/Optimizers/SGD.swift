import Settings

/// Gradient descent; the momentum may be Nesterov's (Sutskever et al., ICML 2013).
public struct SGD: OptimizerMethod {
  public static let name = "sgd"
  public static let meaning = "stochastic gradient descent"
  public static let settings: [Setting<Self>] = [
    Setting("momentum", \.momentum, .part, "part of the last move that goes on"),
    Setting("dampening", \.dampening, .part, "part of the gradient that the momentum leaves out"),
    Setting(
      "nesterov", \.nesterov, .boolean, "whether the momentum is Nesterov's, which needs one above 0 and no dampening"),
  ]

  /// The part of the last move that goes on.
  public var momentum: Double
  /// The part of the gradient that the momentum leaves out.
  public var dampening: Double
  /// Whether the momentum is Nesterov's.
  public var nesterov: Bool

  public init() { self.init(momentum: 0) }

  /// Gradient descent, without momentum by default.
  public init(momentum: Double = 0, dampening: Double = 0, nesterov: Bool = false) {
    self.momentum = momentum
    self.dampening = dampening
    self.nesterov = nesterov
  }

  public var state: OptimizerState { momentum == 0 ? [] : .gradients }

  public var contradiction: SettingError? {
    nesterov && (momentum == 0 || dampening > 0)
      ? SettingError("Nesterov's momentum needs a momentum above 0 and no dampening", path: "nesterov") : nil
  }

  public func set(_ step: inout OptimizerStep) {
    guard momentum != 0 else {
      step.direct = step.rate
      return
    }
    // The first step begins the running sum with the whole gradient.
    step.keepFirst = step.time == 1 ? 0 : momentum
    step.blendFirst = step.time == 1 ? 1 : 1 - dampening
    step.direct = nesterov ? step.rate : 0
    step.through = nesterov ? step.rate * momentum : step.rate
  }
}
