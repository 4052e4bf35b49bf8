// What a choice of loss says of the network's output and of the classes that it is compared with.

extension LossSettings {
  /// The word for weights of classes that follow from the data.
  public static let balanced = "balanced"

  /// Whether weights of classes are still to be found.
  public var isBalanced: Bool { terms.contains(where: \.isBalanced) }

  /// The same losses with weights for the classes that are to be balanced: n ÷ (classes · n_c) for a class with n_c of all n
  /// pixels, as scikit-learn's `class_weight="balanced"`. Binary cross entropy weighs the positive part as many times as there is
  /// more of the negative one: n_0 ÷ n_1 times in one channel, in a channel for each class one less than there are classes.
  ///
  /// - Parameters:
  ///   - counts: pixels (or images) of each class in the training part.
  ///   - channels: of the network's output.
  /// - Throws: `LossError.emptyClass` when a class does not occur, `LossError.nothingToBalance` when the loss is of one class.
  public func balanced(by counts: [Int], channels: Int) throws(LossError) -> LossSettings {
    var result = self
    for index in terms.indices where terms[index].isBalanced {
      let name = terms[index].choice.name.rawValue
      if let label = counts.firstIndex(of: 0) { throw .emptyClass(loss: name, label: label) }
      let all = Double(counts.reduce(0, +))
      let weights = counts.map { all / (Double(counts.count) * Double($0)) }
      result.terms[index].isBalanced = false
      switch terms[index].choice {
      case .crossEntropy(var loss):
        loss.weights = weights
        result.terms[index].choice = .crossEntropy(loss)
      case .binaryCrossEntropy(var loss):
        loss.positiveWeight = channels == 1 ? Double(counts[0]) / Double(counts[1]) : Double(channels - 1)
        result.terms[index].choice = .binaryCrossEntropy(loss)
      case .dice where channels == 1, .tversky where channels == 1: throw .nothingToBalance(loss: name)
      case .dice(var loss):
        loss.weights = weights
        result.terms[index].choice = .dice(loss)
      case .focal(var loss):
        loss.weights = weights
        result.terms[index].choice = .focal(loss)
      case .tversky(var loss):
        loss.weights = weights
        result.terms[index].choice = .tversky(loss)
      case .diceBCE, .focalOfMean, .regression, .quantile, .totalVariation:
        preconditionFailure("\(name) has no weights of classes")
      }
    }
    return result
  }

  /// The quantiles that the output's channels predict, all channels of the first before those of the next; nil when they predict a value.
  public var quantiles: [Double]? {
    for term in terms { if case .quantile(let loss) = term.choice { return loss.quantiles } }
    return nil
  }

  /// What the network is to end in: probabilities when any of the losses says so.
  public var input: LossInput {
    let isOfProbabilities = terms.contains { term in
      switch term.choice {
      case .crossEntropy(let loss): loss.input == .probabilities
      case .binaryCrossEntropy(let loss): loss.input == .probabilities
      case .dice(let loss): loss.input == .probabilities
      case .diceBCE(let loss): loss.input == .probabilities
      case .focal(let loss): loss.input == .probabilities
      case .focalOfMean(let loss): loss.input == .probabilities
      case .tversky(let loss): loss.input == .probabilities
      case .regression, .quantile, .totalVariation: false
      }
    }
    return isOfProbabilities ? .probabilities : .logits
  }
}
