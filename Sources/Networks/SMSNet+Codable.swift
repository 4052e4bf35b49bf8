// A job file's names of the settings; those left out have their defaults.

extension SMSNet: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case form, kernel, activation, normalization, dropout, initialization
    case paddingMode = "padding"
    case tracksRunningStatistics = "running-statistics"
    case normalizesOutput = "final-normalization"
    case finalActivation = "final-activation"
    case isReservoir = "reservoir"

    /// Those of the edges.
    static let layers: [Key] = [
      .form, .kernel, .activation, .normalization, .paddingMode, .tracksRunningStatistics, .initialization,
    ]
  }

  public init(from decoder: Decoder) throws {
    self.init()
    try decodeLayers(from: decoder)
    let container = try decoder.container(keyedBy: Key.self)
    dropout = try container.decodeIfPresent(Double.self, forKey: .dropout) ?? dropout
    normalizesOutput = try container.decodeIfPresent(Bool.self, forKey: .normalizesOutput) ?? normalizesOutput
    finalActivation = try container.activation(forKey: .finalActivation, default: nil)
    isReservoir = try container.decodeIfPresent(Bool.self, forKey: .isReservoir) ?? isReservoir
  }

  public func encode(to encoder: Encoder) throws {
    try encodeLayers(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(dropout, forKey: .dropout)
    try container.encode(normalizesOutput, forKey: .normalizesOutput)
    try container.encode(activation: finalActivation, forKey: .finalActivation)
    try container.encode(isReservoir, forKey: .isReservoir)
  }

  /// Reads what is given of `Key.layers`.
  mutating func decodeLayers(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    form = try container.decodeIfPresent(Form.self, forKey: .form) ?? form
    kernel = try container.decodeIfPresent(Int.self, forKey: .kernel) ?? kernel
    activation = try container.activation(forKey: .activation, default: activation)
    normalization = try container.decodeIfPresent(NormalizationKind.self, forKey: .normalization) ?? normalization
    paddingMode = try container.decodeIfPresent(PaddingMode.self, forKey: .paddingMode) ?? paddingMode
    tracksRunningStatistics =
      try container.decodeIfPresent(Bool.self, forKey: .tracksRunningStatistics) ?? tracksRunningStatistics
    initialization = try container.decodeIfPresent(Initialization.self, forKey: .initialization) ?? initialization
  }

  func encodeLayers(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(form, forKey: .form)
    try container.encode(kernel, forKey: .kernel)
    try container.encode(activation: activation, forKey: .activation)
    try container.encode(normalization, forKey: .normalization)
    try container.encode(paddingMode, forKey: .paddingMode)
    try container.encode(tracksRunningStatistics, forKey: .tracksRunningStatistics)
    try container.encode(initialization, forKey: .initialization)
  }
}
