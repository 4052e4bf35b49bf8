extension Job {
  /// The family of the networks with its settings.
  public enum Network: Hashable, Sendable {
    case smsnet(SMSNetSettings)
    case tunet(TUNetSettings)
  }

  /// A random sparse mixed-scale network (the paper's section II-D).
  public struct SMSNetSettings: Codable, Hashable, Sendable {
    /// Nodes between input and output.
    public var nodes: Int
    public var hiddenChannels: [Int]
    public var dilations: [Int]
    /// A connection over δ nodes has weight exp(−alpha·δ).
    public var alpha: Double
    /// A node has k connections with weight k^(−gamma).
    public var gamma: Double
    public var degree: Degree
    public var inputProbability: Double
    public var outputProbability: Double
    /// Whether the output reads the input.
    public var inputOutput: Bool
    public var normalization: Normalization

    enum CodingKeys: String, CodingKey {
      case nodes, dilations, alpha, gamma, degree, normalization
      case hiddenChannels = "hidden-channels"
      case inputProbability = "input-probability"
      case outputProbability = "output-probability"
      case inputOutput = "input-output"
    }
  }

  /// Limits of the number of connections from a node to later ones.
  public struct Degree: Codable, Hashable, Sendable {
    public var min: Int
    /// nil: no limit.
    public var max: Int?
  }

  /// A tunable U-Net.
  public struct TUNetSettings: Codable, Hashable, Sendable {
    /// Levels of resolution, the deepest included.
    public var depth: Int
    public var baseChannels: Int
    public var growthRate: Double
    public var hiddenRate: Double
    /// Odd.
    public var kernel: Int
    public var activation: ActivationName
    public var normalization: Normalization

    enum CodingKeys: String, CodingKey {
      case depth, kernel, activation, normalization
      case baseChannels = "base-channels"
      case growthRate = "growth-rate"
      case hiddenRate = "hidden-rate"
    }
  }

  /// The statistics that batch normalization uses when predicting.
  public enum Normalization: String, Codable, Hashable, Sendable {
    case running, batch
  }

  /// An activation with PyTorch's default settings.
  public enum ActivationName: String, Codable, Hashable, Sendable, CaseIterable {
    case relu
    case leakyReLU = "leaky-relu"
    case elu, gelu, silu, tanh, sigmoid, softplus, hardswish
  }
}

extension Job.Network: Codable {
  private enum Family: String, Codable { case smsnet, tunet }
  private enum FamilyKey: String, CodingKey { case family }

  public init(from decoder: Decoder) throws {
    switch try decoder.container(keyedBy: FamilyKey.self).decode(Family.self, forKey: .family) {
    case .smsnet: self = .smsnet(try Job.SMSNetSettings(from: decoder))
    case .tunet: self = .tunet(try Job.TUNetSettings(from: decoder))
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: FamilyKey.self)
    switch self {
    case .smsnet(let settings):
      try container.encode(Family.smsnet, forKey: .family)
      try settings.encode(to: encoder)
    case .tunet(let settings):
      try container.encode(Family.tunet, forKey: .family)
      try settings.encode(to: encoder)
    }
  }
}
