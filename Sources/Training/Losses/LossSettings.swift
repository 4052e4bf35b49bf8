import Settings

/// A job's choice of loss: one with its settings, or a sum of several with weights.
///
/// Files hold a name (`"cross-entropy"`), a name with settings (`{"name": "cross-entropy", "smoothing": 0.1}`), or a
/// list of these, each with its `weight` in the sum; settings left out have their defaults.
public struct LossSettings: Hashable, CodableSetting {
  /// One loss of a sum.
  public struct Term: Hashable, Sendable {
    /// The loss with its settings.
    public var loss: any NamedLoss
    /// Its factor in the sum.
    public var weight: Double

    /// A loss and its factor.
    public init(_ loss: any NamedLoss, weight: Double = 1) {
      self.loss = loss
      self.weight = weight
    }

    /// What the loss is called in job files.
    public var name: String { type(of: loss).name }

    public static func == (left: Term, right: Term) -> Bool {
      left.weight == right.weight && AnyHashable(left.loss) == AnyHashable(right.loss)
    }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(AnyHashable(loss))
      hasher.combine(weight)
    }
  }

  /// The sum's losses, at least one.
  public var terms: [Term]

  /// A sum of losses.
  public init(_ terms: [Term]) {
    precondition(!terms.isEmpty, "a sum of at least one loss")
    self.terms = terms
  }

  /// One loss.
  public init(_ loss: any NamedLoss) { self.init([Term(loss)]) }

  /// Cross entropy with its defaults.
  public static let crossEntropy = LossSettings(CrossEntropy())

  /// The loss.
  public var loss: any Loss {
    if terms.count == 1, terms[0].weight == 1 { return terms[0].loss }
    return WeightedSum(terms.map { (loss: $0.loss, weight: $0.weight) })
  }
}

// MARK: - Output and classes

extension LossSettings {
  /// The word for weights of classes that follow from the data.
  public static let balanced = "balanced"

  /// Whether weights of classes are still to be found.
  public var isBalanced: Bool { terms.contains(where: \.loss.isBalanced) }

  /// The same losses with weights for the classes that are to be balanced.
  ///
  /// - Parameters:
  ///   - counts: pixels (or images) of each class in the training part.
  ///   - channels: of the network's output.
  /// - Throws: `LossError.emptyClass` when a class does not occur, `LossError.nothingToBalance` when the loss is of one
  ///   class.
  public func balanced(by counts: [Int], channels: Int) throws(LossError) -> LossSettings {
    var result = self
    for (index, term) in terms.enumerated() where term.loss.isBalanced {
      if let label = counts.firstIndex(of: 0) { throw .emptyClass(loss: term.name, label: label) }
      result.terms[index].loss = try term.loss.balanced(by: counts, channels: channels)
    }
    return result
  }

  /// The quantiles that the output's channels predict, all channels of the first before those of the next; nil when
  /// they predict a value.
  public var quantiles: [Double]? {
    for term in terms { if let quantiles = term.loss.predictedQuantiles { return quantiles } }
    return nil
  }

  /// What the network is to end in: probabilities when any of the losses says so.
  public var input: LossInput { terms.contains { $0.loss.input == .probabilities } ? .probabilities : .logits }
}

// MARK: - Files

extension LossSettings {
  /// What may stand in a file: a name, a section with a name and settings, or a list of those.
  public static var kind: SettingDeclaration.Kind {
    let losses = Losses.terms
    let one: [SettingDeclaration.Kind] = [
      .choice(.init(noun: losses.noun, words: losses.names)), .variants(losses.declaration(default: nil)),
    ]
    return .or(one + [.list(of: .or(one), count: 1...mostTerms)])
  }

  private static let mostTerms = 1000

  public init(settingValue value: SettingValue) throws(SettingError) {
    let losses = Losses.terms
    var terms: [Term] = []
    for term in value.list ?? [value] { terms.append(try losses.read(term)) }
    guard !terms.isEmpty else { throw SettingError("a sum of losses holds at least one loss") }
    self.init(terms)
  }

  public var settingValue: SettingValue {
    let losses = Losses.terms
    return terms.count == 1 ? losses.write(terms[0]) : .list(terms.map(losses.write))
  }
}
