import Settings

/// The mean of d²/(2β) up to |d| = β, then of |d| − β/2, `torch.nn.SmoothL1Loss`; L1 for β = 0.
public struct SmoothL1Loss: RegressionLoss {
  public static let name = "smooth-l1"
  public static let meaning = "quadratic near 0, as `torch.nn.SmoothL1Loss`"
  public static let settings: [Setting<Self>] = [
    Setting("beta", \.beta, .number(.above(0, limit: 1e9)), "where it becomes linear, in scaled units of the target")
  ]

  /// The difference β from which the loss is linear.
  public var beta: Double

  public init() { self.init(beta: 1) }

  /// A smooth L1 loss that is linear from `beta` on.
  public init(beta: Double) { self.beta = beta }

  @inline(__always)
  public func term(_ difference: Double) -> Double {
    let size = abs(difference)
    return size < beta ? 0.5 * difference * difference / beta : size - 0.5 * beta
  }

  @inline(__always)
  public func derivative(_ difference: Float) -> Float {
    abs(difference) < Float(beta) ? difference / Float(beta) : sign(difference)
  }
}
