import Settings

/// One minus the Dice coefficient of each class over the whole batch, averaged over the classes: 1 − (2·Σ p·t + s) ÷ (Σ
/// p + Σ t + s) (Milletari et al., arXiv 1606.04797, without squares).
public struct DiceLoss: OverlapLoss {
  public static let name = "dice"
  public static let meaning = "1 − the Dice coefficient, of probabilities (arXiv 1606.04797)"
  public static let settings: [Setting<Self>] = [.smooth(\.smooth), .classWeights(), .input(\.input)]

  /// Added to both sides of the quotient.
  public var smooth: Double
  public var weights: [Double]?
  public var isBalanced = false
  public var input: LossInput

  public init() { self.init(smooth: 1) }

  /// A Dice loss with weights of classes.
  public init(smooth: Double = 1, weights: [Double]? = nil, input: LossInput = .logits) {
    self.smooth = smooth
    self.weights = weights
    self.input = input
  }

  public var index: OverlapIndex {
    OverlapIndex(alpha: 0.5, beta: 0.5, smooth: smooth / 2, weights: weights, input: input)
  }
}
