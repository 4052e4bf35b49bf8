extension NetworkGraph: Codable {
  private enum Key: String, CodingKey { case dimensions, nodes, taps, initialization }

  /// Reads a graph and checks what `add` takes for granted; `shapes(extents:)` checks the rest.
  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let dimensions = try container.decode(Int.self, forKey: .dimensions)
    guard (1...3).contains(dimensions) else {
      throw DecodingError.dataCorruptedError(
        forKey: .dimensions, in: container,
        debugDescription: "a network has 1, 2 or 3 spatial dimensions, not \(dimensions).")
    }
    self.init(dimensions: dimensions)
    for node in try container.decode([Node].self, forKey: .nodes) {
      guard node.inputs.allSatisfy(nodes.indices.contains) else {
        throw DecodingError.dataCorruptedError(
          forKey: .nodes, in: container,
          debugDescription: "network node ‘\(node.name)’ reads \(node.inputs), but only nodes 0 to \(nodes.count - 1) "
            + "stand before it.")
      }
      let id = add(node.name, node.operation, inputs: node.inputs)
      if !node.isTrainable { freeze(id) }
    }
    initialization = try container.decodeIfPresent(Initialization.self, forKey: .initialization) ?? .pytorch
    for (name, node) in try container.decodeIfPresent([String: Int].self, forKey: .taps) ?? [:] {
      guard nodes.indices.contains(node) else {
        throw DecodingError.dataCorruptedError(
          forKey: .taps, in: container,
          debugDescription: "the value ‘\(name)’ of the network is that of node \(node), but there are \(nodes.count).")
      }
      tap(name, node)
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(dimensions, forKey: .dimensions)
    try container.encode(nodes, forKey: .nodes)
    if !taps.isEmpty { try container.encode(taps, forKey: .taps) }
    if initialization != .pytorch { try container.encode(initialization, forKey: .initialization) }
  }
}

extension NetworkGraph.Node: Codable {
  private enum Key: String, CodingKey {
    case name, operation, inputs
    case isTrainable = "trainable"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    name = try container.decode(String.self, forKey: .name)
    operation = try container.decode(Operation.self, forKey: .operation)
    inputs = try container.decode([Int].self, forKey: .inputs)
    isTrainable = try container.decodeIfPresent(Bool.self, forKey: .isTrainable) ?? true
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try container.encode(operation, forKey: .operation)
    try container.encode(inputs, forKey: .inputs)
    if !isTrainable { try container.encode(false, forKey: .isTrainable) }
  }
}
// An operation is stored as one object: its `kind`, and beside it its settings by the names that `Operation.swift` has.

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
