/// A job's choice of loss: one with its settings, or a sum of several with weights.
///
/// Files hold a name (`"cross-entropy"`), a name with settings (`{"name": "cross-entropy", "smoothing": 0.1}`), or a list of these, each
/// with its `weight` in the sum; settings left out have their defaults.
public struct LossSettings: Hashable, Sendable {
  /// The names of the losses in job files.
  public enum Name: String, Codable, Hashable, Sendable, CaseIterable {
    case crossEntropy = "cross-entropy"
    case binaryCrossEntropy = "binary-cross-entropy"
    case dice
    case diceBCE = "dice-bce"
    case focal
    case focalOfMean = "focal-of-mean"
    case tversky
    case focalTversky = "focal-tversky"
    case l1
    case mse
    case huber
    case smoothL1 = "smooth-l1"
    case quantile
    case totalVariation = "total-variation"
  }

  /// One loss with its settings.
  public enum Choice: Hashable, Sendable {
    case crossEntropy(CrossEntropy)
    case binaryCrossEntropy(BinaryCrossEntropy)
    case dice(DiceLoss)
    case diceBCE(DiceBCELoss)
    case focal(FocalLoss)
    case focalOfMean(FocalOfMeanLoss)
    /// With γ other than 1, the focal Tversky loss.
    case tversky(TverskyLoss)
    /// L1, MSE, Huber or smooth L1.
    case regression(RegressionLoss)
    case quantile(QuantileLoss)
    case totalVariation(TotalVariation)
  }

  /// One loss of a sum.
  public struct Term: Hashable, Sendable {
    public var choice: Choice
    public var weight: Double
    /// Classes weigh the more the rarer they are (`weights: balanced`): `balanced(by:)` gives the choice its weights.
    public var isBalanced: Bool

    public init(_ choice: Choice, weight: Double = 1, isBalanced: Bool = false) {
      self.choice = choice
      self.weight = weight
      self.isBalanced = isBalanced
    }
  }

  /// The sum's losses, at least one.
  public var terms: [Term]

  public init(_ terms: [Term]) {
    precondition(!terms.isEmpty, "a sum of at least one loss")
    self.terms = terms
  }

  public init(_ choice: Choice) { self.init([Term(choice)]) }

  /// Cross entropy with its defaults.
  public static let crossEntropy = LossSettings(.crossEntropy(CrossEntropy()))

  /// The loss.
  public var loss: any Loss {
    if terms.count == 1, terms[0].weight == 1 { return terms[0].choice.loss }
    return WeightedSum(terms.map { (loss: $0.choice.loss, weight: $0.weight) })
  }
}

extension LossSettings.Choice {
  /// The loss of this name with its default settings.
  public init(_ name: LossSettings.Name) {
    self =
      switch name {
      case .crossEntropy: .crossEntropy(CrossEntropy())
      case .binaryCrossEntropy: .binaryCrossEntropy(BinaryCrossEntropy())
      case .dice: .dice(DiceLoss())
      case .diceBCE: .diceBCE(DiceBCELoss())
      case .focal: .focal(FocalLoss())
      case .focalOfMean: .focalOfMean(FocalOfMeanLoss())
      case .tversky: .tversky(TverskyLoss())
      case .focalTversky: .tversky(.focal)
      case .l1: .regression(.l1)
      case .mse: .regression(.mse)
      case .huber: .regression(.huber(delta: 1))
      case .smoothL1: .regression(.smoothL1(beta: 1))
      case .quantile: .quantile(QuantileLoss())
      case .totalVariation: .totalVariation(TotalVariation())
      }
  }

  /// What the loss is called.
  public var name: LossSettings.Name {
    switch self {
    case .crossEntropy: .crossEntropy
    case .binaryCrossEntropy: .binaryCrossEntropy
    case .dice: .dice
    case .diceBCE: .diceBCE
    case .focal: .focal
    case .focalOfMean: .focalOfMean
    case .tversky(let loss): loss.name
    case .regression(let loss): loss.name
    case .quantile: .quantile
    case .totalVariation: .totalVariation
    }
  }

  /// The loss.
  public var loss: any Loss { settings }

  var settings: any Loss & Encodable {
    switch self {
    case .crossEntropy(let loss): loss
    case .binaryCrossEntropy(let loss): loss
    case .dice(let loss): loss
    case .diceBCE(let loss): loss
    case .focal(let loss): loss
    case .focalOfMean(let loss): loss
    case .tversky(let loss): loss
    case .regression(let loss): loss
    case .quantile(let loss): loss
    case .totalVariation(let loss): loss
    }
  }
}
