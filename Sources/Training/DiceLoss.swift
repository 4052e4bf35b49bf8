import Engine

/// One minus the Dice coefficient of each class over the whole batch, averaged over the classes: 1 − (2·Σ p·t + s) ÷ (Σ p + Σ t + s)
/// (Milletari et al., arXiv 1606.04797, without squares), which is a Tversky index with α = β = 1/2.
public struct DiceLoss: Loss, Hashable {
  public var smooth: Double
  /// A weight for each channel; none weighs all alike.
  public var weights: [Double]?
  public var input: LossInput

  public init(smooth: Double = 1, weights: [Double]? = nil, input: LossInput = .logits) {
    self.smooth = smooth
    self.weights = weights
    self.input = input
  }

  private var tversky: TverskyLoss {
    var loss = TverskyLoss(alpha: 0.5, beta: 0.5, smooth: smooth / 2, weights: weights, input: input)
    loss.name = .dice
    return loss
  }

  public func width(channels: Int) -> Int { tversky.width(channels: channels) }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    try tversky.check(target: target, channels: channels)
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    tversky.writeSums(sample, to: sums)
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double {
    tversky.value(sums: sums, channels: channels)
  }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) { tversky.derive(sample, sums: sums) }
}

/// α times the cross entropy (of labels of several channels, else binary) and 1 − α times the Dice loss.
public struct DiceBCELoss: Loss, Hashable {
  public var smooth: Double
  public var alpha: Double
  public var input: LossInput

  public init(smooth: Double = 1, alpha: Double = 0.5, input: LossInput = .logits) {
    self.smooth = smooth
    self.alpha = alpha
    self.input = input
  }

  private var entropy: ClassEntropy { ClassEntropy(name: .diceBCE, input: input) }
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
