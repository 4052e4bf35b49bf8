import Settings

/// The mean of d², `torch.nn.MSELoss`.
public struct MeanSquaredError: RegressionLoss {
  public static let name = "mse"
  public static let meaning = "difference², as `torch.nn.MSELoss`"
  public static let settings: [Setting<Self>] = []

  public init() {}

  @inline(__always)
  public func term(_ difference: Double) -> Double { difference * difference }

  @inline(__always)
  public func derivative(_ difference: Float) -> Float { 2 * difference }
}
