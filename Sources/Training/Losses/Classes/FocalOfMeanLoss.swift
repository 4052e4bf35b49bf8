import Engine
import Host
import Settings

/// The focal factor on the mean cross entropy B of the whole batch, α·(1 − e^−B)^γ·B: what DLSIA calls its focal loss.
public struct FocalOfMeanLoss: NamedLoss {
  public static let name = "focal-of-mean"
  public static let meaning = "the focal factor on the mean cross entropy, DLSIA's focal loss"
  public static let settings: [Setting<Self>] = [
    Setting("alpha", \.alpha, .number(.above(0, limit: 1e9)), "factor"),
    Setting("gamma", \.gamma, .number(.atLeast(0, limit: 1000)), "exponent"), .input(\.input),
  ]

  /// The factor α.
  public var alpha: Double
  /// The exponent γ.
  public var gamma: Double
  public var input: LossInput

  public init() { self.init(alpha: 0.8) }

  /// A focal loss of the mean cross entropy.
  public init(alpha: Double = 0.8, gamma: Double = 0.5, input: LossInput = .logits) {
    self.alpha = alpha
    self.gamma = gamma
    self.input = input
  }

  private var entropy: ClassEntropy { ClassEntropy(name: Self.name, input: input) }

  public func width(channels: Int) -> Int { entropy.width(channels: channels) }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    try entropy.check(target: target, channels: channels)
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    entropy.writeSums(sample, to: sums)
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double {
    let mean = entropy.value(sums: sums, channels: channels)
    return alpha * Elementary.pow(1 - Elementary.exp(-mean), gamma) * mean
  }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    entropy.derive(sample, sums: sums)
    let mean = entropy.value(sums: sums, channels: sample.output.channels)
    let (rest, focus) = (Elementary.exp(-mean), 1 - Elementary.exp(-mean))
    // At 0 the first part has the limit 0.
    let slope = mean > 0 ? gamma * Elementary.pow(focus, gamma - 1) * rest * mean + Elementary.pow(focus, gamma) : 0
    sample.gradient.scale(by: Float(alpha * slope))
  }
}
