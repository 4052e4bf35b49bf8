// A job file's names of the settings; those left out have their defaults.

extension MSDNet: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case form, layers, width, dilations, kernel, activation, normalization, dropout, initialization
    case maximumDilation = "max-dilation"
    case paddingMode = "padding"
    case inputActivation = "input-activation"
    case tracksRunningStatistics = "running-statistics"
    case finalActivation = "final-activation"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    form = try container.decodeIfPresent(Form.self, forKey: .form) ?? form
    layers = try container.decodeIfPresent(Int.self, forKey: .layers) ?? layers
    width = try container.decodeIfPresent(Int.self, forKey: .width) ?? width
    maximumDilation = try container.decodeIfPresent(Int.self, forKey: .maximumDilation) ?? maximumDilation
    dilations = try container.decodeIfPresent(Dilations.self, forKey: .dilations)
    kernel = try container.decodeIfPresent(PerAxis.self, forKey: .kernel) ?? kernel
    paddingMode = try container.decodeIfPresent(PaddingMode.self, forKey: .paddingMode) ?? paddingMode
    activations = try container.activations(forKey: .activation) ?? activations
    inputActivations = try container.activations(forKey: .inputActivation)
    normalization = try container.decodeIfPresent(NormalizationKind.self, forKey: .normalization) ?? normalization
    tracksRunningStatistics =
      try container.decodeIfPresent(Bool.self, forKey: .tracksRunningStatistics) ?? tracksRunningStatistics
    dropout = try container.decodeIfPresent(DropoutRates.self, forKey: .dropout) ?? dropout
    initialization = try container.decodeIfPresent(Initialization.self, forKey: .initialization) ?? initialization
    finalActivation = try container.activation(forKey: .finalActivation, default: nil)
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(form, forKey: .form)
    try container.encode(layers, forKey: .layers)
    try container.encode(width, forKey: .width)
    try container.encode(maximumDilation, forKey: .maximumDilation)
    try container.encodeIfPresent(dilations, forKey: .dilations)
    try container.encode(kernel, forKey: .kernel)
    try container.encode(paddingMode, forKey: .paddingMode)
    try container.encode(activations: activations, forKey: .activation)
    if let inputActivations { try container.encode(activations: inputActivations, forKey: .inputActivation) }
    try container.encode(normalization, forKey: .normalization)
    try container.encode(tracksRunningStatistics, forKey: .tracksRunningStatistics)
    try container.encode(dropout, forKey: .dropout)
    try container.encode(initialization, forKey: .initialization)
    try container.encode(activation: finalActivation, forKey: .finalActivation)
  }
}

extension MSDNet.DropoutRates: Codable {
  private enum CodingKeys: String, CodingKey { case initial, hidden, final }

  /// Rates left out are 0.
  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    initial = try container.decodeIfPresent(Double.self, forKey: .initial) ?? 0
    hidden = try container.decodeIfPresent(Double.self, forKey: .hidden) ?? 0
    final = try container.decodeIfPresent(Double.self, forKey: .final) ?? 0
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(initial, forKey: .initial)
    try container.encode(hidden, forKey: .hidden)
    try container.encode(final, forKey: .final)
  }
}

extension MSDNet.Dilations: Codable {
  public init(from decoder: Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let list = try? container.decode([Int].self) {
      self = .cycle(list)
    } else {
      self = .matrix(try container.decode([[Int]].self))
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .cycle(let list): try container.encode(list)
    case .matrix(let rows): try container.encode(rows)
    }
  }
}
