// A job file's names of the settings; those left out have their defaults.

extension Autoencoder: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case depth, block, pooling, activation, normalization, initialization
    case baseChannels = "base-channels"
    case growthRate = "growth-rate"
    case latentDimension = "latent-dimension"
    case maximumDilation = "max-dilation"
    case blockDepth = "block-depth"
    case paddingMode = "padding"
    case tracksRunningStatistics = "running-statistics"
    case finalActivation = "final-activation"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    depth = try container.decodeIfPresent(Int.self, forKey: .depth) ?? depth
    baseChannels = try container.decodeIfPresent(Int.self, forKey: .baseChannels) ?? baseChannels
    growthRate = try container.decodeIfPresent(Double.self, forKey: .growthRate) ?? growthRate
    latentDimension = try container.decodeIfPresent(Int.self, forKey: .latentDimension) ?? latentDimension
    block = try container.decodeIfPresent(Block.self, forKey: .block) ?? block
    maximumDilation = try container.decodeIfPresent(Int.self, forKey: .maximumDilation) ?? maximumDilation
    blockDepth = try container.decodeIfPresent(Int.self, forKey: .blockDepth) ?? blockDepth
    pooling = try container.decodeIfPresent(PerAxis.self, forKey: .pooling) ?? pooling
    paddingMode = try container.decodeIfPresent(PaddingMode.self, forKey: .paddingMode) ?? paddingMode
    activation = try container.activation(forKey: .activation, default: activation)
    normalization = try container.decodeIfPresent(NormalizationKind.self, forKey: .normalization) ?? normalization
    tracksRunningStatistics =
      try container.decodeIfPresent(Bool.self, forKey: .tracksRunningStatistics) ?? tracksRunningStatistics
    initialization = try container.decodeIfPresent(Initialization.self, forKey: .initialization) ?? initialization
    finalActivation = try container.activation(forKey: .finalActivation, default: nil)
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(depth, forKey: .depth)
    try container.encode(baseChannels, forKey: .baseChannels)
    try container.encode(growthRate, forKey: .growthRate)
    try container.encode(latentDimension, forKey: .latentDimension)
    try container.encode(block, forKey: .block)
    try container.encode(maximumDilation, forKey: .maximumDilation)
    try container.encode(blockDepth, forKey: .blockDepth)
    try container.encode(pooling, forKey: .pooling)
    try container.encode(paddingMode, forKey: .paddingMode)
    try container.encode(activation: activation, forKey: .activation)
    try container.encode(normalization, forKey: .normalization)
    try container.encode(tracksRunningStatistics, forKey: .tracksRunningStatistics)
    try container.encode(initialization, forKey: .initialization)
    try container.encode(activation: finalActivation, forKey: .finalActivation)
  }
}
