import Settings

/// An autoencoder that is applied to every pixel by itself (DLSIA's Grey2Color).
///
/// A fully connected encoder maps the channels of a pixel to `latentChannels` numbers in 0 … 1, which are tapped as
/// `latent` and can be shown as colours; a fully connected decoder maps them back.
public struct Grey2Color: UniformNetworkFamily {
  /// Channels of the encoder's hidden layers, first to last.
  public var encoder = [256, 128]
  /// Channels of the decoder's hidden layers, first to last.
  public var decoder = [128, 256]
  /// Numbers that a pixel is encoded as.
  public var latentChannels = 3
  /// After every normalization.
  public var activation: Activation? = .relu
  /// What follows every hidden layer.
  public var normalization = NormalizationKind.batch
  /// Whether batch normalization predicts with running statistics (the default) or those of its own batch.
  public var tracksRunningStatistics = true
  /// How the weights start.
  public var initialization = Initialization.pytorch
  /// After the last layer, if any.
  public var finalActivation: Activation?

  /// With every setting at its default.
  public init() {}

  public static let name = "grey2color"
  public static let meaning =
    "an autoencoder of every pixel's channels by itself, whose code of few numbers in 0 … 1 can be shown as colours "
    + "(DLSIA's Grey2Color)"
  public static let settings: [Setting<Grey2Color>] = [
    Setting(
      "encoder", \Grey2Color.encoder, .list(of: .integer(1...4096), 0...),
      "channels of the encoder's hidden layers, first to last"),
    Setting(
      "decoder", \Grey2Color.decoder, .list(of: .integer(1...4096), 0...),
      "channels of the decoder's hidden layers, first to last"),
    Setting(
      "latent-channels", \Grey2Color.latentChannels, .integer(1...4096), "numbers that a pixel is encoded as"),
    .activation("activation", \.activation, "what follows each normalization; \(Activation.examples)"),
    .normalization(\.normalization, "what follows each hidden layer"),
    .runningStatistics(\.tracksRunningStatistics), .initialization(\.initialization),
    .finalActivation(\.finalActivation),
  ]

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
