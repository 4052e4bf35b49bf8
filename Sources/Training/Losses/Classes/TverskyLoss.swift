import Settings

/// One minus the Tversky index of each class over the whole batch, averaged over the classes (Salehi et al., arXiv
/// 1706.05721); `OverlapIndex` has the formula.
public struct TverskyLoss: OverlapLoss {
  public static let name = "tversky"
  public static let meaning = "1 − the Tversky index (arXiv 1706.05721)"
  public static let settings: [Setting<Self>] = [
    Setting("alpha", \.alpha, .number(.atLeast(0, limit: 1e9)), "how much false positives weigh"),
    Setting("beta", \.beta, .number(.atLeast(0, limit: 1e9)), "how much false negatives weigh"),
    Setting("gamma", \.gamma, .number(.above(0, limit: 1000)), "exponent"),
    .smooth(\.smooth), .classWeights(), .input(\.input),
  ]

  /// How much false positives weigh.
  public var alpha: Double
  /// How much false negatives weigh.
  public var beta: Double
  /// The exponent of 1 − the index.
  public var gamma: Double
  /// Added to both sides of the quotient.
  public var smooth: Double
  public var weights: [Double]?
  public var isBalanced = false
  public var input: LossInput

  public init() { self.init(alpha: 0.75) }

  /// A Tversky loss with weights of errors and of classes.
  public init(
    alpha: Double = 0.75, beta: Double = 0.25, gamma: Double = 1, smooth: Double = 1, weights: [Double]? = nil,
    input: LossInput = .logits
  ) {
    self.alpha = alpha
    self.beta = beta
    self.gamma = gamma
    self.smooth = smooth
    self.weights = weights
    self.input = input
  }

  public var index: OverlapIndex {
    OverlapIndex(alpha: alpha, beta: beta, gamma: gamma, smooth: smooth, weights: weights, input: input)
  }
}

/// A power of one minus the Tversky index, with DLSIA's defaults (Abraham and Khan, arXiv 1810.07842, whose γ is the
/// inverse of this one).
public struct FocalTverskyLoss: OverlapLoss {
  public static let name = "focal-tversky"
  public static let meaning = "a power of 1 − the Tversky index (arXiv 1810.07842)"
  public static let settings: [Setting<Self>] = TverskyLoss.settings.map { $0.within(\.tversky) }

  /// The same loss under its other name.
  public var tversky = TverskyLoss(alpha: 0.5, beta: 0.5, gamma: 0.8)

  public init() {}

  public var weights: [Double]? {
    get { tversky.weights }
    set { tversky.weights = newValue }
  }

  public var isBalanced: Bool {
    get { tversky.isBalanced }
    set { tversky.isBalanced = newValue }
  }

  public var input: LossInput { tversky.input }
  public var index: OverlapIndex { tversky.index }
}
