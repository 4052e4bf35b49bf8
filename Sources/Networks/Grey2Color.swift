/// An autoencoder of every pixel's channels (DLSIA's Grey2Color): a fully connected encoder to `latentChannels` numbers in
/// 0 … 1, the node `code`, which can be shown as colours, and a decoder back.
public struct Grey2Color: Hashable, Sendable {
  /// Channels of the hidden layers, first to last.
  public var encoder = [256, 128]
  public var decoder = [128, 256]
  public var latentChannels = 3
  /// Of the hidden layers.
  public var activation: Activation? = .relu
  public var normalization = NormalizationKind.batch

  public init() {}

  /// The network for images of `channels` channels, which it gives back.
  ///
  /// `graph.ending(at: graph.node(named: "code")!)` is the encoder alone.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(channels: Int, dimensions: Int) throws(NetworkSettingError) -> NetworkGraph {
    try NetworkSettingError.check(inputChannels: channels, outputChannels: latentChannels, dimensions: dimensions)
    var graph = NetworkGraph(dimensions: dimensions)
    let input = graph.add("input", .input(channels: channels))
    var half = FCNet(hiddenChannels: encoder)
    (half.activation, half.normalization) = (activation, normalization)
    let latent = try half.addLayers("encode.", latentChannels, reading: input, beside: nil, to: &graph)
    let code = graph.add("code", .activation(.sigmoid), latent)
    half.hiddenChannels = decoder
    try half.addLayers("", channels, reading: code, beside: nil, to: &graph)
    return graph
  }
}
