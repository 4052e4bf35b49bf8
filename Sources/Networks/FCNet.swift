/// A fully connected network for every pixel by itself: 1×1 convolutions.
///
/// Each hidden layer has normalization, activation and dropout; a last layer without them gives the output.
public struct FCNet: Hashable, Sendable {
  /// Channels of the hidden layers, first to last; none for a linear map.
  public var hiddenChannels = [32, 32]
  /// Whether every layer but the first reads the image beside the layer before.
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

  public init() {}

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

extension FCNet: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case activation, normalization, dropout, bias, initialization
    case hiddenChannels = "hidden-channels"
    case hasSkips = "skips"
    case tracksRunningStatistics = "running-statistics"
    case finalActivation = "final-activation"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    hiddenChannels = try container.decodeIfPresent([Int].self, forKey: .hiddenChannels) ?? hiddenChannels
    hasSkips = try container.decodeIfPresent(Bool.self, forKey: .hasSkips) ?? hasSkips
    activation = try container.activation(forKey: .activation, default: activation)
    normalization = try container.decodeIfPresent(NormalizationKind.self, forKey: .normalization) ?? normalization
    tracksRunningStatistics =
      try container.decodeIfPresent(Bool.self, forKey: .tracksRunningStatistics) ?? tracksRunningStatistics
    dropout = try container.decodeIfPresent(Double.self, forKey: .dropout) ?? dropout
    bias = try container.decodeIfPresent(Bool.self, forKey: .bias) ?? bias
    initialization = try container.decodeIfPresent(Initialization.self, forKey: .initialization) ?? initialization
    finalActivation = try container.activation(forKey: .finalActivation, default: nil)
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(hiddenChannels, forKey: .hiddenChannels)
    try container.encode(hasSkips, forKey: .hasSkips)
    try container.encode(activation: activation, forKey: .activation)
    try container.encode(normalization, forKey: .normalization)
    try container.encode(tracksRunningStatistics, forKey: .tracksRunningStatistics)
    try container.encode(dropout, forKey: .dropout)
    try container.encode(bias, forKey: .bias)
    try container.encode(initialization, forKey: .initialization)
    try container.encode(activation: finalActivation, forKey: .finalActivation)
  }
}
