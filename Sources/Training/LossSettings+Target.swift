// What a choice of loss says of the network's output and of the classes that it is compared with.

extension LossSettings {
  /// The word for weights of classes that follow from the data.
  public static let balanced = "balanced"

  /// Whether weights of classes are still to be found.
  public var isBalanced: Bool { terms.contains(where: \.isBalanced) }

  /// The same losses with weights for the classes that are to be balanced: n ÷ (classes · n_c) for a class with n_c of all n
  /// pixels, as scikit-learn's `class_weight="balanced"`; binary cross entropy weighs the positive part n_0 ÷ n_1 times.
  ///
  /// - Parameter counts: pixels (or images) of each class in the training part.
  /// - Throws: `LossError.emptyClass` when a class does not occur.
  public func balanced(by counts: [Int]) throws(LossError) -> LossSettings {
    var result = self
    for index in terms.indices where terms[index].isBalanced {
      if let label = counts.firstIndex(of: 0) {
        throw .emptyClass(loss: terms[index].choice.name.rawValue, label: label)
      }
      let all = Double(counts.reduce(0, +))
      let weights = counts.map { all / (Double(counts.count) * Double($0)) }
      result.terms[index].isBalanced = false
      switch terms[index].choice {
      case .crossEntropy(var loss):
        loss.weights = weights
        result.terms[index].choice = .crossEntropy(loss)
      case .binaryCrossEntropy(var loss):
        precondition(counts.count == 2, "binary cross entropy is of two classes")
        loss.positiveWeight = Double(counts[0]) / Double(counts[1])
        result.terms[index].choice = .binaryCrossEntropy(loss)
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
        preconditionFailure("\(terms[index].choice.name.rawValue) has no weights of classes")
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
