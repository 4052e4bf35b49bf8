extension LossSettings.Choice: Codable {
  private enum Key: String, CodingKey { case name }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let text = try container.decode(String.self, forKey: .name)
    guard let name = LossSettings.Name(rawValue: text) else {
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: container, debugDescription: LossSettings.Choice.unknown(text))
    }
    self =
      switch name {
      case .crossEntropy: .crossEntropy(try CrossEntropy(from: decoder))
      case .binaryCrossEntropy: .binaryCrossEntropy(try BinaryCrossEntropy(from: decoder))
      case .dice: .dice(try DiceLoss(from: decoder))
      case .diceBCE: .diceBCE(try DiceBCELoss(from: decoder))
      case .focal: .focal(try FocalLoss(from: decoder))
      case .focalOfMean: .focalOfMean(try FocalOfMeanLoss(from: decoder))
      case .tversky: .tversky(try TverskyLoss(from: decoder, defaults: TverskyLoss()))
      case .focalTversky: .tversky(try TverskyLoss(from: decoder, defaults: .focal))
      case .l1: .regression(.l1)
      case .mse: .regression(.mse)
      case .huber: .regression(try .huber(from: decoder))
      case .smoothL1: .regression(try .smoothL1(from: decoder))
      case .quantile: .quantile(try QuantileLoss(from: decoder))
      case .totalVariation: .totalVariation(try TotalVariation(from: decoder))
      }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try settings.encode(to: encoder)
  }

  static func unknown(_ text: String) -> String {
    "‘\(text)’ is no loss; there are " + LossSettings.Name.allCases.map(\.rawValue).joined(separator: ", ") + "."
  }
}

extension LossSettings.Term: Codable {
  private enum Key: String, CodingKey {
    case weight, weights
    case positiveWeight = "positive-weight"
  }

  /// Where the weights of classes stand among the settings of this loss.
  private var weightsKey: Key { if case .binaryCrossEntropy = choice { .positiveWeight } else { .weights } }

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
    isBalanced = container.isBalanced(weightsKey)
  }

  public func encode(to encoder: any Encoder) throws {
    try choice.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(weight, forKey: .weight)
    if isBalanced { try container.encode(LossSettings.balanced, forKey: weightsKey) }
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

extension KeyedDecodingContainer {
  fileprivate func set<Value: Decodable>(_ value: inout Value, _ key: Key) throws {
    value = try decodeIfPresent(Value.self, forKey: key) ?? value
  }

  fileprivate func set<Value: Decodable>(_ value: inout Value?, _ key: Key) throws {
    value = try decodeIfPresent(Value.self, forKey: key) ?? value
  }

  /// Sets weights of classes unless they are to be balanced, which the loss's term knows.
  fileprivate func setWeights<Value: Decodable>(_ value: inout Value, _ key: Key) throws {
    if !isBalanced(key) { try set(&value, key) }
  }

  fileprivate func setWeights<Value: Decodable>(_ value: inout Value?, _ key: Key) throws {
    if !isBalanced(key) { try set(&value, key) }
  }

  fileprivate func isBalanced(_ key: Key) -> Bool {
    (try? decode(String.self, forKey: key)) == LossSettings.balanced
  }
}

extension CrossEntropy: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case weights, smoothing, input
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init()
    try container.setWeights(&weights, .weights)
    try container.set(&smoothing, .smoothing)
    try container.set(&input, .input)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encodeIfPresent(weights, forKey: .weights)
    try container.encode(smoothing, forKey: .smoothing)
    try container.encode(input, forKey: .input)
  }
}

extension BinaryCrossEntropy: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case input
    case positiveWeight = "positive-weight"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init()
    try container.setWeights(&positiveWeight, .positiveWeight)
    try container.set(&input, .input)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(positiveWeight, forKey: .positiveWeight)
    try container.encode(input, forKey: .input)
  }
}

extension DiceLoss: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case smooth, weights, input
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init()
    try container.set(&smooth, .smooth)
    try container.setWeights(&weights, .weights)
    try container.set(&input, .input)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(smooth, forKey: .smooth)
    try container.encodeIfPresent(weights, forKey: .weights)
    try container.encode(input, forKey: .input)
  }
}

extension DiceBCELoss: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case smooth, alpha, input
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init()
    try container.set(&smooth, .smooth)
    try container.set(&alpha, .alpha)
    try container.set(&input, .input)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(smooth, forKey: .smooth)
    try container.encode(alpha, forKey: .alpha)
    try container.encode(input, forKey: .input)
  }
}

extension FocalLoss: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case gamma, weights, input
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init()
    try container.set(&gamma, .gamma)
    try container.setWeights(&weights, .weights)
    try container.set(&input, .input)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(gamma, forKey: .gamma)
    try container.encodeIfPresent(weights, forKey: .weights)
    try container.encode(input, forKey: .input)
  }
}

extension FocalOfMeanLoss: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case alpha, gamma, input
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init()
    try container.set(&alpha, .alpha)
    try container.set(&gamma, .gamma)
    try container.set(&input, .input)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(alpha, forKey: .alpha)
    try container.encode(gamma, forKey: .gamma)
    try container.encode(input, forKey: .input)
  }
}

extension TverskyLoss: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case alpha, beta, gamma, smooth, weights, input
  }

  public init(from decoder: any Decoder) throws {
    try self.init(from: decoder, defaults: TverskyLoss())
  }

  init(from decoder: any Decoder, defaults: TverskyLoss) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self = defaults
    try container.set(&alpha, .alpha)
    try container.set(&beta, .beta)
    try container.set(&gamma, .gamma)
    try container.set(&smooth, .smooth)
    try container.setWeights(&weights, .weights)
    try container.set(&input, .input)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(alpha, forKey: .alpha)
    try container.encode(beta, forKey: .beta)
    try container.encode(gamma, forKey: .gamma)
    try container.encode(smooth, forKey: .smooth)
    try container.encodeIfPresent(weights, forKey: .weights)
    try container.encode(input, forKey: .input)
  }
}

extension QuantileLoss: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case quantiles, weights
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init()
    try container.set(&quantiles, .quantiles)
    try container.set(&weights, .weights)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(quantiles, forKey: .quantiles)
    try container.encodeIfPresent(weights, forKey: .weights)
  }
}

extension TotalVariation: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case of, weights
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init()
    try container.set(&of, .of)
    try container.set(&weights, .weights)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(of, forKey: .of)
    try container.encodeIfPresent(weights, forKey: .weights)
  }
}

extension RegressionLoss: Encodable {
  enum Key: String, CodingKey, CaseIterable { case delta, beta }

  static func huber(from decoder: any Decoder) throws -> RegressionLoss {
    .huber(delta: try decoder.container(keyedBy: Key.self).decodeIfPresent(Double.self, forKey: .delta) ?? 1)
  }

  static func smoothL1(from decoder: any Decoder) throws -> RegressionLoss {
    .smoothL1(beta: try decoder.container(keyedBy: Key.self).decodeIfPresent(Double.self, forKey: .beta) ?? 1)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .l1, .mse: break
    case .huber(let delta): try container.encode(delta, forKey: .delta)
    case .smoothL1(let beta): try container.encode(beta, forKey: .beta)
    }
  }
}
