import Settings

/// Adam (Kingma and Ba, arXiv 1412.6980); with `amsgrad` that of Reddi et al. (arXiv 1904.09237).
public struct Adam: OptimizerMethod {
  public static let name = "adam"
  public static let meaning = "Adam (Kingma and Ba, arXiv 1412.6980)"
  public static let settings: [Setting<Self>] = [.betas(\.betas), .epsilon(\.epsilon), .amsgrad(\.amsgrad)]

  public var betas: Betas
  public var epsilon: Double
  public var amsgrad: Bool

  public init() { self.init(amsgrad: false) }

  public init(betas: Betas = Betas(), epsilon: Double = 1e-8, amsgrad: Bool = false) {
    self.betas = betas
    self.epsilon = epsilon
    self.amsgrad = amsgrad
  }

  public var state: OptimizerState { amsgrad ? [.gradients, .squares, .largestSquares] : [.gradients, .squares] }

  public func set(_ step: inout OptimizerStep) { step.setMoments(betas, epsilon: epsilon) }
}
