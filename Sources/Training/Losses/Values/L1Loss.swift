import Settings

/// The mean of |d|, `torch.nn.L1Loss`.
public struct L1Loss: RegressionLoss {
  public static let name = "l1"
  public static let meaning = "|difference|, as `torch.nn.L1Loss`"
  public static let settings: [Setting<Self>] = []

  public init() {}

  @inline(__always)
  public func term(_ difference: Double) -> Double { abs(difference) }

  @inline(__always)
  public func derivative(_ difference: Float) -> Float { sign(difference) }
}
