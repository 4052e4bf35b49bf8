// A job file's names of the settings; those left out have their defaults.

extension TUNet: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case depth, kernel, pooling, activation, normalization, dropout, initialization
    case baseChannels = "base-channels"
    case growthRate = "growth-rate"
    case hiddenRate = "hidden-rate"
    case paddingMode = "padding"
    case tracksRunningStatistics = "running-statistics"
    case finalActivation = "final-activation"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    depth = try container.decodeIfPresent(Int.self, forKey: .depth) ?? depth
    baseChannels = try container.decodeIfPresent(Int.self, forKey: .baseChannels) ?? baseChannels
    growthRate = try container.decodeIfPresent(Double.self, forKey: .growthRate) ?? growthRate
    hiddenRate = try container.decodeIfPresent(Double.self, forKey: .hiddenRate) ?? hiddenRate
    kernel = try container.decodeIfPresent(PerAxis.self, forKey: .kernel) ?? kernel
    pooling = try container.decodeIfPresent(PerAxis.self, forKey: .pooling) ?? pooling
    paddingMode = try container.decodeIfPresent(PaddingMode.self, forKey: .paddingMode) ?? paddingMode
    activation = try container.activation(forKey: .activation, default: activation)
    normalization = try container.decodeIfPresent(NormalizationKind.self, forKey: .normalization) ?? normalization
    dropout = try container.decodeIfPresent(Double.self, forKey: .dropout) ?? dropout
    initialization = try container.decodeIfPresent(Initialization.self, forKey: .initialization) ?? initialization
    tracksRunningStatistics =
      try container.decodeIfPresent(Bool.self, forKey: .tracksRunningStatistics) ?? tracksRunningStatistics
    finalActivation = try container.activation(forKey: .finalActivation, default: nil)
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(depth, forKey: .depth)
    try container.encode(baseChannels, forKey: .baseChannels)
    try container.encode(growthRate, forKey: .growthRate)
    try container.encode(hiddenRate, forKey: .hiddenRate)
    try container.encode(kernel, forKey: .kernel)
    try container.encode(pooling, forKey: .pooling)
    try container.encode(paddingMode, forKey: .paddingMode)
    try container.encode(activation: activation, forKey: .activation)
    try container.encode(normalization, forKey: .normalization)
    try container.encode(tracksRunningStatistics, forKey: .tracksRunningStatistics)
    try container.encode(dropout, forKey: .dropout)
    try container.encode(initialization, forKey: .initialization)
    try container.encode(activation: finalActivation, forKey: .finalActivation)
  }
}
