// A job file's names of the settings; those left out have their defaults.

extension SMSNetGenerator: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case nodes, degree, gamma, alpha, dilations, scales, parameters
    case inputProbability = "input-probability"
    case outputProbability = "output-probability"
    case inputOutput = "input-output"
    case dilationMode = "dilation-mode"
    case hiddenChannels = "hidden-channels"

    /// All but those of sizes and bounds.
    static let connections = allCases.filter { $0 != .scales && $0 != .parameters }
  }

  private enum DegreeKey: String, CodingKey { case min, max }

  public init(from decoder: Decoder) throws {
    self.init()
    try decodeConnections(from: decoder)
    let container = try decoder.container(keyedBy: Key.self)
    scales = try container.decodeIfPresent(Scales.self, forKey: .scales) ?? scales
    parameters = try container.decodeIfPresent(ParameterBounds.self, forKey: .parameters) ?? parameters
  }

  public func encode(to encoder: Encoder) throws {
    try encodeConnections(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(scales, forKey: .scales)
    try container.encode(parameters, forKey: .parameters)
  }

  /// Reads what is given of `Key.connections`.
  mutating func decodeConnections(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    nodes = try container.decodeIfPresent(Int.self, forKey: .nodes) ?? nodes
    if container.contains(.degree) {
      let degree = try container.nestedContainer(keyedBy: DegreeKey.self, forKey: .degree)
      minimumDegree = try degree.decodeIfPresent(DegreeLimit.self, forKey: .min) ?? minimumDegree
      maximumDegree = try degree.decodeIfPresent(DegreeLimit.self, forKey: .max)
    }
    gamma = try container.decodeIfPresent(Double.self, forKey: .gamma) ?? gamma
    alpha = try container.decodeIfPresent(Double.self, forKey: .alpha) ?? alpha
    inputProbability = try container.decodeIfPresent(Double.self, forKey: .inputProbability) ?? inputProbability
    outputProbability = try container.decodeIfPresent(Double.self, forKey: .outputProbability) ?? outputProbability
    inputOutput = try container.decodeIfPresent(Bool.self, forKey: .inputOutput) ?? inputOutput
    dilations = try container.decodeIfPresent([Int].self, forKey: .dilations) ?? dilations
    dilationMode = try container.decodeIfPresent(DilationMode.self, forKey: .dilationMode) ?? dilationMode
    hiddenChannels = try container.decodeIfPresent([Int].self, forKey: .hiddenChannels) ?? hiddenChannels
  }

  func encodeConnections(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(nodes, forKey: .nodes)
    var degree = container.nestedContainer(keyedBy: DegreeKey.self, forKey: .degree)
    try degree.encode(minimumDegree, forKey: .min)
    try degree.encodeIfPresent(maximumDegree, forKey: .max)
    try container.encode(gamma, forKey: .gamma)
    try container.encode(alpha, forKey: .alpha)
    try container.encode(inputProbability, forKey: .inputProbability)
    try container.encode(outputProbability, forKey: .outputProbability)
    try container.encode(inputOutput, forKey: .inputOutput)
    try container.encode(dilations, forKey: .dilations)
    try container.encode(dilationMode, forKey: .dilationMode)
    try container.encode(hiddenChannels, forKey: .hiddenChannels)
  }
}

extension SMSNetGenerator.Scales: Codable {
  private enum Key: String, CodingKey {
    case base, output
    case minimum = "min"
    case maximum = "max"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    base = try container.decodeIfPresent(Int.self, forKey: .base) ?? base
    minimum = try container.decodeIfPresent(Int.self, forKey: .minimum) ?? minimum
    maximum = try container.decodeIfPresent(Int.self, forKey: .maximum) ?? maximum
    output = try container.decodeIfPresent(Int.self, forKey: .output) ?? output
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(base, forKey: .base)
    try container.encode(minimum, forKey: .minimum)
    try container.encode(maximum, forKey: .maximum)
    if output != 0 { try container.encode(output, forKey: .output) }
  }
}

extension DegreeLimit: Codable {
  public init(from decoder: Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let count = try? container.decode(Int.self) {
      self = .edges(count)
    } else {
      self = .fraction(try container.decode(Double.self))
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .edges(let count): try container.encode(count)
    case .fraction(let part): try container.encode(part)
    }
  }
}
