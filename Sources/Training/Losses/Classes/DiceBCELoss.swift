import Engine
import Settings

/// α times the cross entropy (of labels of several channels, else binary) and 1 − α times the Dice loss.
public struct DiceBCELoss: NamedLoss {
  public static let name = "dice-bce"
  public static let meaning = "a mean of cross entropy and Dice loss"
  public static let settings: [Setting<Self>] = [
    .smooth(\.smooth), Setting("alpha", \.alpha, .number(.from(0...1)), "the part of the cross entropy"),
    .input(\.input),
  ]

  /// Added to both sides of the Dice coefficient's quotient.
  public var smooth: Double
  /// The part of the cross entropy.
  public var alpha: Double
  public var input: LossInput

  public init() { self.init(smooth: 1) }

  /// A mean of cross entropy and Dice loss.
  public init(smooth: Double = 1, alpha: Double = 0.5, input: LossInput = .logits) {
    self.smooth = smooth
    self.alpha = alpha
    self.input = input
  }

  private var entropy: ClassEntropy { ClassEntropy(name: Self.name, input: input) }
  private var dice: DiceLoss { DiceLoss(smooth: smooth, input: input) }

  public func width(channels: Int) -> Int { entropy.width(channels: channels) + dice.width(channels: channels) }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    try entropy.check(target: target, channels: channels)
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    entropy.writeSums(sample, to: sums)
    dice.writeSums(sample, to: sums + entropy.width(channels: sample.output.channels))
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double {
    alpha * entropy.value(sums: sums, channels: channels)
      + (1 - alpha) * dice.value(sums: sums + entropy.width(channels: channels), channels: channels)
  }

  public var scratchPlanes: Int { 1 }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    sample.derive(entropy, weight: alpha, sums: sums, isFirst: true)
    sample.derive(
      dice, weight: 1 - alpha, sums: sums + entropy.width(channels: sample.output.channels), isFirst: false)
  }
}
