// A job file's names of the settings; those left out have their defaults.

extension TUNet: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case depth, kernel, pooling, activation
    case baseChannels = "base-channels"
    case growthRate = "growth-rate"
    case hiddenRate = "hidden-rate"
    case isNormalized = "normalization"
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
    // A null is a setting of its own: no activation.
    if container.contains(.activation) { activation = try container.decode(Activation?.self, forKey: .activation) }
    isNormalized = try container.decodeIfPresent(Bool.self, forKey: .isNormalized) ?? isNormalized
    tracksRunningStatistics =
      try container.decodeIfPresent(Bool.self, forKey: .tracksRunningStatistics) ?? tracksRunningStatistics
    finalActivation = try container.decodeIfPresent(Activation.self, forKey: .finalActivation)
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(depth, forKey: .depth)
    try container.encode(baseChannels, forKey: .baseChannels)
    try container.encode(growthRate, forKey: .growthRate)
    try container.encode(hiddenRate, forKey: .hiddenRate)
    try container.encode(kernel, forKey: .kernel)
    try container.encode(pooling, forKey: .pooling)
    try container.encode(activation, forKey: .activation)
    try container.encode(isNormalized, forKey: .isNormalized)
    try container.encode(tracksRunningStatistics, forKey: .tracksRunningStatistics)
    try container.encodeIfPresent(finalActivation, forKey: .finalActivation)
  }
}
