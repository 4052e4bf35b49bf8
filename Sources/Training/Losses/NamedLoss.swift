import Settings

/// A loss that a job file can name: its mathematics (`Loss`) and its settings (`NamedSection`) in one type.
///
/// To add one, write a file with such a type and a line in `Losses.all`.
public protocol NamedLoss: Loss, NamedSection {
  /// What the network's output holds for this loss.
  var input: LossInput { get }

  /// The quantiles that the output's channels predict, all channels of the first before those of the next; nil when
  /// they predict a value.
  var predictedQuantiles: [Double]? { get }

  /// Whether weights of classes are still to be found from the training part (the word `balanced`).
  var isBalanced: Bool { get }

  /// The same loss with the weights that `isBalanced` asks for.
  ///
  /// - Parameters:
  ///   - counts: pixels (or images) of each class in the training part, none of them 0.
  ///   - channels: of the network's output.
  /// - Throws: `LossError.nothingToBalance` when the loss is of one class.
  func balanced(by counts: [Int], channels: Int) throws(LossError) -> Self
}

extension NamedLoss {
  public var input: LossInput { .logits }
  public var predictedQuantiles: [Double]? { nil }
  public var isBalanced: Bool { false }
  public func balanced(by counts: [Int], channels: Int) throws(LossError) -> Self { self }
}

/// A loss with a weight for each class, which may follow from how often the class occurs.
public protocol ClassWeightedLoss: NamedLoss {
  /// A weight for each class or channel; nil weighs all alike.
  var weights: [Double]? { get set }
  var isBalanced: Bool { get set }
}

extension ClassWeightedLoss {
  public func balanced(by counts: [Int], channels: Int) throws(LossError) -> Self { balanced(by: counts) }

  /// The same loss with the weight n ÷ (classes · n_c) for a class with n_c of all n pixels, as scikit-learn's
  /// `class_weight="balanced"`.
  func balanced(by counts: [Int]) -> Self {
    let all = Double(counts.reduce(0, +))
    var result = self
    result.weights = counts.map { all / (Double(counts.count) * Double($0)) }
    result.isBalanced = false
    return result
  }
}

extension SettingDeclaration.Kind {
  /// The word for weights that follow from the data.
  static let balanced = SettingDeclaration.Kind.choice(.init(noun: "word", words: [LossSettings.balanced]))

  /// A weight for each class or channel.
  static let weights = SettingDeclaration.Kind.list(of: .number(.atLeast(0, limit: 1e9)), 1...)
}

extension Setting where Section: NamedLoss {
  /// The key `input`.
  static func input(_ path: WritableKeyPath<Section, LossInput> & Sendable) -> Setting {
    Setting(
      "input", path, noun: "input", "what the network ends in: logits, or probabilities by a final activation")
  }
}

extension Setting where Section: ClassWeightedLoss {
  /// The key `weights` of a loss that can be balanced.
  static func classWeights() -> Setting {
    Setting(
      "weights", declare: { _ in (.or([.balanced, .weights]), .optional("all alike")) },
      "a weight for each class, or `balanced`: the inverse of how often the class occurs in the training part, 1 on average "
        + "over its pixels",
      read: { (value, loss) throws(SettingError) in
        loss.isBalanced = value.text == LossSettings.balanced
        if !loss.isBalanced { loss.weights = try [Double](settingValue: value) }
      },
      write: { $0.isBalanced ? .text(LossSettings.balanced) : $0.weights?.settingValue })
  }
}
