// In files an operation is one object: its `kind` and, beside it, its settings by the names that `Operation.swift` gives them.

extension Operation: Codable {
  private enum Kind: String, Codable {
    case input, convolution, concatenation, sum, linear, reshape, softmax, dropout, clamp, activation, upsampling
    case transposedConvolution = "transposed-convolution"
    case batchNormalization = "batch-normalization"
    case groupNormalization = "group-normalization"
    case maxPooling = "max-pooling"
  }

  private enum Key: String, CodingKey {
    case kind, channels, extents, features, bias, logarithm, rate, function, factors, minimum, maximum
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self =
      switch try container.decode(Kind.self, forKey: .kind) {
      case .input: .input(channels: try container.decode(Int.self, forKey: .channels))
      case .convolution: .convolution(try Convolution(from: decoder))
      case .transposedConvolution: .transposedConvolution(try TransposedConvolution(from: decoder))
      case .batchNormalization: .batchNormalization(try BatchNormalization(from: decoder))
      case .groupNormalization: .groupNormalization(try GroupNormalization(from: decoder))
      case .activation: .activation(try container.decode(Activation.self, forKey: .function))
      case .maxPooling: .maxPooling(try MaxPooling(from: decoder))
      case .upsampling: .upsampling(try Upsampling(from: decoder))
      case .concatenation: .concatenation
      case .sum: .sum(factors: try container.decode([Double].self, forKey: .factors))
      case .linear:
        .linear(
          features: try container.decode(Int.self, forKey: .features),
          bias: try container.decode(Bool.self, forKey: .bias))
      case .reshape:
        .reshape(
          channels: try container.decode(Int.self, forKey: .channels),
          extents: try container.decode([Int].self, forKey: .extents))
      case .softmax: .softmax(logarithm: try container.decode(Bool.self, forKey: .logarithm))
      case .dropout: .dropout(rate: try container.decode(Double.self, forKey: .rate))
      case .clamp:
        .clamp(
          minimum: try container.decode(Double.self, forKey: .minimum),
          maximum: try container.decode(Double.self, forKey: .maximum))
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
    case .groupNormalization(let settings):
      try encode(.groupNormalization)
      try settings.encode(to: encoder)
    case .activation(let function):
      try encode(.activation)
      try container.encode(function, forKey: .function)
    case .maxPooling(let settings):
      try encode(.maxPooling)
      try settings.encode(to: encoder)
    case .upsampling(let settings):
      try encode(.upsampling)
      try settings.encode(to: encoder)
    case .concatenation:
      try encode(.concatenation)
    case .sum(let factors):
      try encode(.sum)
      try container.encode(factors, forKey: .factors)
    case .linear(let features, let bias):
      try encode(.linear)
      try container.encode(features, forKey: .features)
      try container.encode(bias, forKey: .bias)
    case .reshape(let channels, let extents):
      try encode(.reshape)
      try container.encode(channels, forKey: .channels)
      try container.encode(extents, forKey: .extents)
    case .softmax(let logarithm):
      try encode(.softmax)
      try container.encode(logarithm, forKey: .logarithm)
    case .dropout(let rate):
      try encode(.dropout)
      try container.encode(rate, forKey: .rate)
    case .clamp(let minimum, let maximum):
      try encode(.clamp)
      try container.encode(minimum, forKey: .minimum)
      try container.encode(maximum, forKey: .maximum)
    }
  }
}
