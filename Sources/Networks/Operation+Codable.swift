// In files an operation is one object: its `kind` and, beside it, its settings by the names that `Operation.swift` gives them.

extension Operation: Codable {
  private enum Kind: String, Codable {
    case input, convolution, concatenation, linear, softmax, dropout, activation
    case transposedConvolution = "transposed-convolution"
    case batchNormalization = "batch-normalization"
    case maxPooling = "max-pooling"
  }

  private enum Key: String, CodingKey {
    case kind, channels, features, bias, logarithm, rate, function
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self =
      switch try container.decode(Kind.self, forKey: .kind) {
      case .input: .input(channels: try container.decode(Int.self, forKey: .channels))
      case .convolution: .convolution(try Convolution(from: decoder))
      case .transposedConvolution: .transposedConvolution(try TransposedConvolution(from: decoder))
      case .batchNormalization: .batchNormalization(try BatchNormalization(from: decoder))
      case .activation: .activation(try container.decode(Activation.self, forKey: .function))
      case .maxPooling: .maxPooling(try MaxPooling(from: decoder))
      case .concatenation: .concatenation
      case .linear:
        .linear(
          features: try container.decode(Int.self, forKey: .features),
          bias: try container.decode(Bool.self, forKey: .bias))
      case .softmax: .softmax(logarithm: try container.decode(Bool.self, forKey: .logarithm))
      case .dropout: .dropout(rate: try container.decode(Double.self, forKey: .rate))
      }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    func encode(_ kind: Kind) throws { try container.encode(kind, forKey: .kind) }
    switch self {
    case .input(let channels):
      try encode(.input)
      try container.encode(channels, forKey: .channels)
    case .convolution(let settings):
      try encode(.convolution)
      try settings.encode(to: encoder)
    case .transposedConvolution(let settings):
      try encode(.transposedConvolution)
      try settings.encode(to: encoder)
    case .batchNormalization(let settings):
      try encode(.batchNormalization)
      try settings.encode(to: encoder)
    case .activation(let function):
      try encode(.activation)
      try container.encode(function, forKey: .function)
    case .maxPooling(let settings):
      try encode(.maxPooling)
      try settings.encode(to: encoder)
    case .concatenation:
      try encode(.concatenation)
    case .linear(let features, let bias):
      try encode(.linear)
      try container.encode(features, forKey: .features)
      try container.encode(bias, forKey: .bias)
    case .softmax(let logarithm):
      try encode(.softmax)
      try container.encode(logarithm, forKey: .logarithm)
    case .dropout(let rate):
      try encode(.dropout)
      try container.encode(rate, forKey: .rate)
    }
  }
}
