import Settings

/// The mean of d²/2 up to |d| = δ, then of δ·(|d| − δ/2), `torch.nn.HuberLoss`.
public struct HuberLoss: RegressionLoss {
  public static let name = "huber"
  public static let meaning = "quadratic near 0, as `torch.nn.HuberLoss`"
  public static let settings: [Setting<Self>] = [
    Setting("delta", \.delta, .number(.above(0, limit: 1e9)), "where it becomes linear, in scaled units of the target")
  ]

  /// The difference δ from which the loss is linear.
  public var delta: Double

  public init() { self.init(delta: 1) }

  /// A Huber loss that is linear from `delta` on.
  public init(delta: Double) { self.delta = delta }

  @inline(__always)
  public func term(_ difference: Double) -> Double {
    let size = abs(difference)
    return size < delta ? 0.5 * difference * difference : delta * (size - 0.5 * delta)
  }

  @inline(__always)
  public func derivative(_ difference: Float) -> Float {
    abs(difference) < Float(delta) ? difference : Float(delta) * sign(difference)
  }
}
