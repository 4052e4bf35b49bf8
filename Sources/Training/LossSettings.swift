/// A job's choice of loss: one with its settings, or a sum of several with weights.
///
/// Files hold a name (`"cross-entropy"`), a name with settings (`{"name": "cross-entropy", "smoothing": 0.1}`), or a list of these, each
/// with its `weight` in the sum; settings left out have their defaults.
public struct LossSettings: Hashable, Sendable {
  /// The names of the losses in job files.
  public enum Name: String, Codable, Hashable, Sendable, CaseIterable {
    case crossEntropy = "cross-entropy"
  }

  /// One loss with its settings.
  public enum Choice: Hashable, Sendable {
    case crossEntropy(CrossEntropy)
  }

  /// One loss of a sum.
  public struct Term: Hashable, Sendable {
    public var choice: Choice
    public var weight: Double

    public init(_ choice: Choice, weight: Double = 1) {
      self.choice = choice
      self.weight = weight
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
  /// What the loss is called.
  public var name: LossSettings.Name {
    switch self {
    case .crossEntropy: .crossEntropy
    }
  }

  /// The loss.
  public var loss: any Loss { settings }

  private var settings: any Loss & Codable {
    switch self {
    case .crossEntropy(let loss): loss
    }
  }
}

extension LossSettings.Choice: Codable {
  private enum Key: String, CodingKey { case name }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let text = try container.decode(String.self, forKey: .name)
    switch LossSettings.Name(rawValue: text) {
    case .crossEntropy?: self = .crossEntropy(try CrossEntropy(from: decoder))
    case nil:
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: container, debugDescription: LossSettings.Choice.unknown(text))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try settings.encode(to: encoder)
  }

  /// The loss of this name with its default settings.
  public init(_ name: LossSettings.Name) {
    switch name {
    case .crossEntropy: self = .crossEntropy(CrossEntropy())
    }
  }

  static func unknown(_ text: String) -> String {
    "‘\(text)’ is no loss; there are " + LossSettings.Name.allCases.map(\.rawValue).joined(separator: ", ") + "."
  }
}

extension LossSettings.Term: Codable {
  private enum Key: String, CodingKey { case weight }

  public init(from decoder: any Decoder) throws {
    if let text = try? decoder.singleValueContainer().decode(String.self) {
      guard let name = LossSettings.Name(rawValue: text) else {
        throw DecodingError.dataCorrupted(
          .init(codingPath: decoder.codingPath, debugDescription: LossSettings.Choice.unknown(text)))
      }
      self.init(LossSettings.Choice(name))
      return
    }
    let container = try decoder.container(keyedBy: Key.self)
    self.init(
      try LossSettings.Choice(from: decoder), weight: try container.decodeIfPresent(Double.self, forKey: .weight) ?? 1)
  }

  public func encode(to encoder: any Encoder) throws {
    try choice.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(weight, forKey: .weight)
  }
}

extension LossSettings: Codable {
  public init(from decoder: any Decoder) throws {
    if var list = try? decoder.unkeyedContainer() {
      var terms: [Term] = []
      while !list.isAtEnd { terms.append(try list.decode(Term.self)) }
      guard !terms.isEmpty else {
        throw DecodingError.dataCorrupted(
          .init(codingPath: decoder.codingPath, debugDescription: "a sum of losses holds at least one loss."))
      }
      self.init(terms)
    } else {
      self.init([try Term(from: decoder)])
    }
  }

  public func encode(to encoder: any Encoder) throws {
    if terms.count == 1 { return try terms[0].encode(to: encoder) }
    var list = encoder.unkeyedContainer()
    for term in terms { try list.encode(term) }
  }
}

// A job file's names of each loss's settings; those left out have their defaults.

extension CrossEntropy: Codable {
  enum Key: String, CodingKey, CaseIterable { case weights, smoothing }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init()
    weights = try container.decodeIfPresent([Double].self, forKey: .weights) ?? weights
    smoothing = try container.decodeIfPresent(Double.self, forKey: .smoothing) ?? smoothing
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encodeIfPresent(weights, forKey: .weights)
    try container.encode(smoothing, forKey: .smoothing)
  }
}
