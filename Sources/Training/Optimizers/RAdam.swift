import Host
import Settings

/// Adam with a rectified variance (Liu et al., arXiv 1908.03265, algorithm 2).
public struct RAdam: OptimizerMethod {
  public static let name = "radam"
  public static let meaning = "Adam with a rectified variance (Liu et al., arXiv 1908.03265)"
  public static let settings: [Setting<Self>] = [.betas(\.betas), .epsilon(\.epsilon), .decoupled(\.decoupled)]

  /// Decay of the running means of gradients and squares.
  public var betas: Betas
  /// Added to the divisor.
  public var epsilon: Double
  /// Whether weight decay acts on the weights, not on the gradient.
  public var decoupled: Bool

  public init() { self.init(decoupled: false) }

  /// RAdam with PyTorch's defaults.
  public init(betas: Betas = Betas(), epsilon: Double = 1e-8, decoupled: Bool = false) {
    self.betas = betas
    self.epsilon = epsilon
    self.decoupled = decoupled
  }

  public var state: OptimizerState { [.gradients, .squares] }

  public func set(_ step: inout OptimizerStep) {
    if decoupled { step.decouple() }
    step.setMoments(betas, epsilon: epsilon)
    let power = Elementary.pow(betas.second, step.time)
    let limit = 2 / (1 - betas.second) - 1
    let length = limit - 2 * step.time * power / (1 - power)
    guard length > 5 else {
      // Too few squares for a divisor: it becomes 1.
      step.root = .infinity
      step.epsilon = 1
      return
    }
    let numerator = (length - 4) * (length - 2) * limit
    step.through *= step.root * (numerator / ((limit - 4) * (limit - 2) * length)).squareRoot()
    step.root = 1
  }
}
