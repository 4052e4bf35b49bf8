import Host
import Settings

/// Adam with Nesterov's momentum (Dozat, *Incorporating Nesterov momentum into Adam*, 2016).
public struct NAdam: OptimizerMethod {
  public static let name = "nadam"
  public static let meaning = "Adam with Nesterov's momentum (Dozat, 2016)"
  public static let settings: [Setting<Self>] = [
    .betas(\.betas), .epsilon(\.epsilon),
    Setting(
      "momentum-decay", \.momentumDecay, .number(.atLeast(0, limit: 1e6)),
      "how fast the momentum rises to the first beta"),
    .decoupled(\.decoupled),
  ]
  public static var defaultRate: Double { 2e-3 }

  /// Decay of the running means of gradients and squares.
  public var betas: Betas
  /// Added to the divisor.
  public var epsilon: Double
  /// How fast the momentum rises to the first beta.
  public var momentumDecay: Double
  /// Whether weight decay acts on the weights, not on the gradient.
  public var decoupled: Bool

  public init() { self.init(decoupled: false) }

  /// NAdam with PyTorch's defaults.
  public init(
    betas: Betas = Betas(), epsilon: Double = 1e-8, momentumDecay: Double = 0.004, decoupled: Bool = false
  ) {
    self.betas = betas
    self.epsilon = epsilon
    self.momentumDecay = momentumDecay
    self.decoupled = decoupled
  }

  public var state: OptimizerState { [.gradients, .squares] }

  public func set(_ step: inout OptimizerStep) {
    if decoupled { step.decouple() }
    step.setMoments(betas, epsilon: epsilon)
    let now = betas.first * (1 - 0.5 * Elementary.pow(0.96, step.time * momentumDecay))
    let next = betas.first * (1 - 0.5 * Elementary.pow(0.96, (step.time + 1) * momentumDecay))
    step.momentumProduct *= now
    step.direct = step.rate * (1 - now) / (1 - step.momentumProduct)
    step.through = step.rate * next / (1 - step.momentumProduct * next)
  }
}
