import Settings

/// A fully connected network that is applied to every pixel by itself: 1×1 convolutions.
///
/// Normalization, activation and dropout follow each hidden layer, but not the last one.
public struct FCNet: UniformNetworkFamily {
  /// Channels of the hidden layers, first to last; none for a linear map.
  public var hiddenChannels = [32, 32]
  /// Whether every layer but the first also reads the image.
  public var hasSkips = false
  /// After every normalization; nil for a linear network.
  public var activation: Activation? = .relu
  /// What follows every hidden layer.
  public var normalization = NormalizationKind.batch
  /// Whether batch normalization predicts with running statistics (the default) or those of its own batch.
  public var tracksRunningStatistics = true
  /// Rate of dropout after every hidden layer.
  public var dropout = 0.0
  /// Whether the last layer has a bias.
  public var bias = true
  /// How the weights start.
  public var initialization = Initialization.pytorch
  /// After the last layer, if any.
  public var finalActivation: Activation?

  public static let name = "fcnet"
  public static let meaning = "a fully connected network for every pixel by itself: 1×1 convolutions"
  public static let settings: [Setting<FCNet>] = [
    Setting(
      "hidden-channels", \FCNet.hiddenChannels, .list(of: .integer(1...4096), 0...),
      "channels of the hidden layers, first to last"),
    Setting(
      "skips", \FCNet.hasSkips, .boolean, "whether every layer but the first also reads the image"),
    .activation("activation", \.activation, "what follows each normalization; \(Activation.examples)"),
    .normalization(\.normalization, "what follows each hidden layer"),
    .runningStatistics(\.tracksRunningStatistics),
    .dropout("dropout", \.dropout, "rate of dropout after each hidden layer, while training"),
    Setting("bias", \FCNet.bias, .boolean, "whether the last layer has a bias"),
    .initialization(\.initialization), .finalActivation(\.finalActivation),
  ]

  /// With every setting at its default.
  public init() {}

  /// With these hidden layers.
  public init(hiddenChannels: [Int]) { self.hiddenChannels = hiddenChannels }

  /// The network for images of `inputChannels` channels and 1, 2 or 3 spatial axes.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    var graph = NetworkGraph(dimensions: dimensions)
    graph.initialization = initialization
    let input = graph.add("input", .input(channels: inputChannels))
    try addLayers("", outputChannels, reading: input, beside: hasSkips ? input : nil, to: &graph)
    return graph
  }

  /// Adds the layers, named `NAMElayer0.conv` … `NAMElast.conv`.
  ///
  /// - Parameter skip: what every layer but the first reads beside the layer before.
  /// - Throws: `NetworkSettingError` that names the setting.
  @discardableResult
  func addLayers(
    _ name: String, _ outputChannels: Int, reading input: NetworkGraph.NodeID, beside skip: NetworkGraph.NodeID?,
    to graph: inout NetworkGraph
  ) throws(NetworkSettingError) -> NetworkGraph.NodeID {
    guard hiddenChannels.allSatisfy({ (1...1_000_000).contains($0) }) else {
      throw NetworkSettingError(
        setting: "hidden-channels", problem: "every layer needs at least one channel, not \(hiddenChannels).")
    }
    try NetworkSettingError.check(dropout: dropout)
    var value = input
    for (index, channels) in hiddenChannels.enumerated() {
      let layer = "\(name)layer\(index)"
      value = graph.add("\(layer).conv", .convolution(Convolution(channels: channels, kernel: 1)), value)
      if let operation = normalization.operation(tracksRunningStatistics: tracksRunningStatistics) {
        value = graph.add("\(layer).norm", operation, value)
      }
      if let activation { value = graph.add("\(layer).act", .activation(activation), value) }
      if dropout > 0 { value = graph.add("\(layer).dropout", .dropout(rate: dropout), value) }
      if let skip { value = graph.add("\(layer).stack", .concatenation, value, skip) }
    }
    let last = Convolution(channels: outputChannels, kernel: 1, bias: bias)
    value = graph.add("\(name)last.conv", .convolution(last), value)
    if let finalActivation { value = graph.add("\(name)last.act", .activation(finalActivation), value) }
    return value
  }
}
