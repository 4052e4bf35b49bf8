// In files an activation is its name (`relu`), or its name with its setting (`{"name": "elu", "alpha": 1}`); a setting left
// out has PyTorch's default.

extension Activation: Codable {
  private enum Name: String, Codable, CaseIterable {
    case relu, prelu, elu, gelu, silu, tanh, sigmoid, softplus, hardswish
    case leakyReLU = "leaky-relu"
  }

  private enum Key: String, CodingKey {
    case name, alpha
    case negativeSlope = "negative-slope"
    case perChannel = "per-channel"
  }

  /// The names that files use.
  public static var names: [String] { Name.allCases.map(\.rawValue) }

  public init(from decoder: Decoder) throws {
    if let text = try? decoder.singleValueContainer().decode(String.self) {
      guard let name = Name(rawValue: text) else {
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: decoder.codingPath,
            debugDescription: "‘\(text)’ is no activation; there are \(Self.names.joined(separator: ", "))."))
      }
      self.init(name, negativeSlope: nil, alpha: nil, perChannel: nil)
    } else {
      let container = try decoder.container(keyedBy: Key.self)
      self.init(
        try container.decode(Name.self, forKey: .name),
        negativeSlope: try container.decodeIfPresent(Double.self, forKey: .negativeSlope),
        alpha: try container.decodeIfPresent(Double.self, forKey: .alpha),
        perChannel: try container.decodeIfPresent(Bool.self, forKey: .perChannel))
    }
  }

  private init(_ name: Name, negativeSlope: Double?, alpha: Double?, perChannel: Bool?) {
    self =
      switch name {
      case .relu: .relu
      case .leakyReLU: .leakyReLU(negativeSlope: negativeSlope ?? 0.01)
      case .prelu: .prelu(perChannel: perChannel ?? false)
      case .elu: .elu(alpha: alpha ?? 1)
      case .gelu: .gelu
      case .silu: .silu
      case .tanh: .tanh
      case .sigmoid: .sigmoid
      case .softplus: .softplus
      case .hardswish: .hardswish
      }
  }

  private var name: Name {
    switch self {
    case .relu: .relu
    case .leakyReLU: .leakyReLU
    case .prelu: .prelu
    case .elu: .elu
    case .gelu: .gelu
    case .silu: .silu
    case .tanh: .tanh
    case .sigmoid: .sigmoid
    case .softplus: .softplus
    case .hardswish: .hardswish
    }
  }

  public func encode(to encoder: Encoder) throws {
    switch self {
    case .leakyReLU(let negativeSlope):
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(name, forKey: .name)
      try container.encode(negativeSlope, forKey: .negativeSlope)
    case .prelu(perChannel: true):
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(name, forKey: .name)
      try container.encode(true, forKey: .perChannel)
    case .elu(let alpha):
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(name, forKey: .name)
      try container.encode(alpha, forKey: .alpha)
    default:
      var container = encoder.singleValueContainer()
      try container.encode(name)
    }
  }
}
