/// An autoencoder of every pixel's channels (DLSIA's Grey2Color): a fully connected encoder to `latentChannels` numbers in
/// 0 … 1, tapped as `latent`, which can be shown as colours, and a decoder back.
public struct Grey2Color: Hashable, Sendable {
  /// Channels of the hidden layers, first to last.
  public var encoder = [256, 128]
  public var decoder = [128, 256]
  public var latentChannels = 3
  /// Of the hidden layers.
  public var activation: Activation? = .relu
  public var normalization = NormalizationKind.batch
  /// Whether batch normalization predicts with running statistics (the default) or those of its own batch.
  public var tracksRunningStatistics = true
  /// How the weights start.
  public var initialization = Initialization.pytorch
  /// After the last layer, if any.
  public var finalActivation: Activation?

  public init() {}

  /// The network for images of `inputChannels` channels and 1, 2 or 3 spatial axes, which gives back as many.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    guard latentChannels > 0 else {
      throw NetworkSettingError(
        setting: "latent-channels", problem: "a pixel's code has at least one number, not \(latentChannels).")
    }
    var graph = NetworkGraph(dimensions: dimensions)
    graph.initialization = initialization
    let input = graph.add("input", .input(channels: inputChannels))
    var half = FCNet(hiddenChannels: encoder)
    (half.activation, half.normalization) = (activation, normalization)
    half.tracksRunningStatistics = tracksRunningStatistics
    let latent = try half.addLayers("encode.", latentChannels, reading: input, beside: nil, to: &graph)
    let code = graph.add("code", .activation(.sigmoid), latent)
    graph.tap(NetworkGraph.latent, code)
    half.hiddenChannels = decoder
    half.finalActivation = finalActivation
    try half.addLayers("", outputChannels, reading: code, beside: nil, to: &graph)
    return graph
  }
}

// A job file's names of the settings; those left out have their defaults.
extension Grey2Color: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case encoder, decoder, activation, normalization, initialization
    case latentChannels = "latent-channels"
    case tracksRunningStatistics = "running-statistics"
    case finalActivation = "final-activation"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    encoder = try container.decodeIfPresent([Int].self, forKey: .encoder) ?? encoder
    self.decoder = try container.decodeIfPresent([Int].self, forKey: .decoder) ?? self.decoder
    latentChannels = try container.decodeIfPresent(Int.self, forKey: .latentChannels) ?? latentChannels
    activation = try container.activation(forKey: .activation, default: activation)
    normalization = try container.decodeIfPresent(NormalizationKind.self, forKey: .normalization) ?? normalization
    tracksRunningStatistics =
      try container.decodeIfPresent(Bool.self, forKey: .tracksRunningStatistics) ?? tracksRunningStatistics
    initialization = try container.decodeIfPresent(Initialization.self, forKey: .initialization) ?? initialization
    finalActivation = try container.activation(forKey: .finalActivation, default: nil)
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(self.encoder, forKey: .encoder)
    try container.encode(decoder, forKey: .decoder)
    try container.encode(latentChannels, forKey: .latentChannels)
    try container.encode(activation: activation, forKey: .activation)
    try container.encode(normalization, forKey: .normalization)
    try container.encode(tracksRunningStatistics, forKey: .tracksRunningStatistics)
    try container.encode(initialization, forKey: .initialization)
    try container.encode(activation: finalActivation, forKey: .finalActivation)
  }
}
