import Engine
import Host
import Settings

/// The mean cross entropy of every channel by itself between the sigmoid of logits and labels or values, as
/// `torch.nn.BCEWithLogitsLoss`; of probabilities as `torch.nn.BCELoss`, whose logarithms end at −100.
public struct BinaryCrossEntropy: NamedLoss {
  public static let name = "binary-cross-entropy"
  public static let meaning = "cross entropy channel by channel, as `torch.nn.BCEWithLogitsLoss`"
  public static let settings: [Setting<Self>] = [
    Setting(
      "positive-weight",
      declare: { (.or([.balanced, .number(.above(0, limit: 1e9))]), .standard(.number($0.positiveWeight))) },
      "how much the positive part weighs against the negative one; `balanced`: so much that both weigh alike in the training "
        + "part",
      read: { (value, loss) throws(SettingError) in
        loss.isBalanced = value.text == LossSettings.balanced
        if !loss.isBalanced { loss.positiveWeight = try Double(settingValue: value) }
      },
      write: { $0.isBalanced ? .text(LossSettings.balanced) : .number($0.positiveWeight) }),
    .input(\.input),
  ]

  /// How much the positive part weighs against the negative one (PyTorch's `pos_weight`).
  public var positiveWeight: Double
  /// Whether the weight is still to be found from the training part.
  public var isBalanced = false
  public var input: LossInput

  public init() { self.init(positiveWeight: 1) }

  /// Binary cross entropy with a weight of the positive part.
  public init(positiveWeight: Double = 1, input: LossInput = .logits) {
    self.positiveWeight = positiveWeight
    self.input = input
  }

  /// The positive part weighs as many times as there is more of the negative one: n_0 ÷ n_1 times in one channel, in a
  /// channel for each class one less than there are classes.
  public func balanced(by counts: [Int], channels: Int) throws(LossError) -> Self {
    BinaryCrossEntropy(
      positiveWeight: channels == 1 ? Double(counts[0]) / Double(counts[1]) : Double(channels - 1), input: input)
  }

  public func width(channels: Int) -> Int { 2 }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    try target.checkClasses(Self.name, channels: channels)
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    sample.sumClassTerms(to: sums) { x, t in
      switch input {
      case .logits:
        let tail = Elementary.log1p(Elementary.exp(-abs(x))) + max(-x, 0)
        return Double((1 - t) * x + (1 + (Float(positiveWeight) - 1) * t) * tail)
      case .probabilities:
        let (known, other) = (max(Elementary.log(x), -100), max(Elementary.log1p(-x), -100))
        return Double(-(Float(positiveWeight) * t * known + (1 - t) * other))
      }
    }
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double { WeightedMean.value(sums) }

  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { sums[1] }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    let positive = Float(positiveWeight)
    sample.deriveClassTerms(sums) { x, t in
      switch input {
      case .logits: (positive * t + 1 - t) * sigmoid(x) - positive * t
      // The divisor as PyTorch's, which keeps the quotient finite.
      case .probabilities: ((1 - t) * x - positive * t * (1 - x)) / max(x * (1 - x), 1e-12)
      }
    }
  }
}
