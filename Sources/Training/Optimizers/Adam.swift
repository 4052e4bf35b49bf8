import Settings

/// Adam (Kingma and Ba, arXiv 1412.6980); with `amsgrad` that of Reddi et al. (arXiv 1904.09237).
public struct Adam: OptimizerMethod {
  public static let name = "adam"
  public static let meaning = "Adam (Kingma and Ba, arXiv 1412.6980)"
  public static let settings: [Setting<Self>] = [.betas(\.betas), .epsilon(\.epsilon), .amsgrad(\.amsgrad)]

  /// Decay of the running means of gradients and squares.
  public var betas: Betas
  /// Added to the divisor.
  public var epsilon: Double
  /// Whether to divide by the largest mean of squares so far.
  public var amsgrad: Bool

  public init() { self.init(amsgrad: false) }

  /// Adam with PyTorch's defaults.
  public init(betas: Betas = Betas(), epsilon: Double = 1e-8, amsgrad: Bool = false) {
    self.betas = betas
    self.epsilon = epsilon
    self.amsgrad = amsgrad
  }

  public var state: OptimizerState { amsgrad ? [.gradients, .squares, .largestSquares] : [.gradients, .squares] }

  public func set(_ step: inout OptimizerStep) { step.setMoments(betas, epsilon: epsilon) }
}
