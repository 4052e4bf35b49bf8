import Settings

/// The tunable U-Net of DLSIA (arXiv 2308.02559, II-A): an encoder and a decoder of `depth` levels with skip
/// connections.
///
/// Level *i* has m_i channels after its first convolution and o_i after its second: m₀ = `baseChannels`, o_i = ⌊m_i ·
/// `hiddenRate`⌋, m_i = ⌊o_{i−1} · `growthRate`⌋. Between levels lies max pooling; going up, a transposed convolution
/// to o_i channels whose extents are those of the skip connection, and the concatenation [skip, upsampled]. So images
/// of any size fit that are at least `pooling`^(`depth` − 1) pixels wide. Every level has two padded convolutions, each
/// followed by normalization and activation; a 1×1 convolution ends the network.
public struct TUNet: UniformNetworkFamily {
  /// Levels of resolution, the deepest included: at least 2.
  public var depth = 4
  /// Channels after the first convolution.
  public var baseChannels = 16
  /// Channels of a level over those of the level above.
  public var growthRate = 2.0
  /// Channels after a level's second convolution over those after its first.
  public var hiddenRate = 1.0
  /// Odd extents of the convolutions' kernels.
  public var kernel: PerAxis = 3
  /// How many pixels become one from level to level.
  public var pooling: PerAxis = 2
  /// What convolutions read beyond the border.
  public var paddingMode = PaddingMode.zeros
  /// After every normalization; nil for a linear network.
  public var activation: Activation? = .relu
  /// What follows every convolution within a level.
  public var normalization = NormalizationKind.batch
  /// Whether batch normalization predicts with running statistics (the default) or those of its own batch.
  public var tracksRunningStatistics = true
  /// Rate of dropout at the end of every level.
  public var dropout = 0.0
  /// How the weights start.
  public var initialization = Initialization.pytorch
  /// After the last convolution, if any.
  public var finalActivation: Activation?

  /// With every setting at its default.
  public init() {}

  public static let name = "tunet"
  public static let meaning = "a tunable U-Net: encoder and decoder with skip connections"
  public static let settings: [Setting<TUNet>] = [
    Setting("depth", \TUNet.depth, .integer(2...16), "levels of resolution, the deepest included"),
    Setting("base-channels", \TUNet.baseChannels, .integer(1...4096), "channels of the first level"),
    Setting(
      "growth-rate", \TUNet.growthRate, .number(.above(0, limit: 1e6)),
      "channels of a level over those of the level above"),
    Setting(
      "hidden-rate", \TUNet.hiddenRate, .number(.above(0, limit: 1e6)),
      "channels of the second convolution of a level over those of the first"),
    .kernel(\.kernel), .pooling(\.pooling), .padding(\.paddingMode),
    .activation("activation", \.activation, "what follows each normalization; \(Activation.examples)"),
    .normalization(\.normalization, "what follows each convolution"),
    .runningStatistics(\.tracksRunningStatistics),
    .dropout("dropout", \.dropout, "rate of dropout at the end of each level, while training"),
    .initialization(\.initialization), .finalActivation(\.finalActivation),
  ]

  /// Channels after the first and the second convolution of every level, top first.
  ///
  /// - Throws: `NetworkSettingError` when the rates leave a level without channels or are beyond reason.
  public func channels() throws(NetworkSettingError) -> [(first: Int, second: Int)] {
    func scaled(_ count: Int, by rate: Double, _ setting: String, level: Int) throws(NetworkSettingError) -> Int {
      let product = Double(count) * rate
      guard product >= 1 else {
        throw NetworkSettingError(
          setting: setting, problem: "a rate of \(rate) leaves level \(level) without channels.")
      }
      guard product < 1e6 else {
        throw NetworkSettingError(
          setting: setting, problem: "a rate of \(rate) gives level \(level) more than a million channels.")
      }
      return Int(product)
    }
    var result: [(first: Int, second: Int)] = []
    var first = baseChannels
    for level in 0..<depth {
      if let above = result.last {
        first = try scaled(above.second, by: growthRate, "growth-rate", level: level)
      }
      result.append((first, try scaled(first, by: hiddenRate, "hidden-rate", level: level)))
    }
    return result
  }

  /// The network for images of `inputChannels` channels and 1, 2 or 3 spatial axes.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    let (start, encoded) = try encoder(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    var graph = start
    let channels = try channels()
    var value = encoded[depth - 1].value
    for level in (0..<depth - 1).reversed() {
      let up = TransposedConvolution(channels: channels[level].second, kernel: pooling, stride: pooling)
      value = graph.add("up\(level)", .transposedConvolution(up), value, encoded[level].value)
      value = graph.add("decode\(level).stack", .concatenation, encoded[level].value, value)
      value = addLevel("decode\(level)", channels[level].second, channels[level].first, reading: value, to: &graph)
    }
    addEnd(outputChannels: outputChannels, reading: value, to: &graph)
    return graph
  }

  // MARK: Parts

  /// The beginning of a network: input, encoder and bottom.
  ///
  /// - Returns: the graph, and the value of every level and its channels, top first, the bottom last.
  /// - Throws: `NetworkSettingError` that names the setting.
  func encoder(
    inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> (graph: NetworkGraph, levels: [(value: NetworkGraph.NodeID, channels: Int)]) {
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    try check(dimensions: dimensions)
    var graph = NetworkGraph(dimensions: dimensions)
    graph.initialization = initialization
    var value = graph.add("input", .input(channels: inputChannels))
    var levels: [(value: NetworkGraph.NodeID, channels: Int)] = []
    for (level, channels) in try channels().enumerated() {
      if level > 0 { value = graph.add("pool\(level - 1)", .maxPooling(MaxPooling(kernel: pooling)), value) }
      let name = level == depth - 1 ? "bottom" : "encode\(level)"
      value = addLevel(name, channels.first, channels.second, reading: value, to: &graph)
      levels.append((value, channels.second))
    }
    return (graph, levels)
  }

  /// Two convolutions, each with normalization and activation.
  func addLevel(
    _ name: String, _ first: Int, _ second: Int, reading input: NetworkGraph.NodeID, to graph: inout NetworkGraph
  ) -> NetworkGraph.NodeID {
    let value = addConvolution(name, number: "0", first, reading: input, to: &graph)
    let level = addConvolution(name, number: "1", second, reading: value, to: &graph)
    return dropout > 0 ? graph.add("\(name).dropout", .dropout(rate: dropout), level) : level
  }

  /// A convolution with normalization and activation: the nodes `NAME.conv`, `NAME.norm`, `NAME.act`, numbered if
  /// wanted.
  func addConvolution(
    _ name: String, number: String = "", _ channels: Int, reading input: NetworkGraph.NodeID,
    to graph: inout NetworkGraph
  ) -> NetworkGraph.NodeID {
    let convolution = Convolution(
      channels: channels, kernel: kernel, padding: kernel.map { $0 / 2 }, paddingMode: paddingMode)
    var value = graph.add("\(name).conv\(number)", .convolution(convolution), input)
    if let operation = normalization.operation(tracksRunningStatistics: tracksRunningStatistics) {
      value = graph.add("\(name).norm\(number)", operation, value)
    }
    if let activation { value = graph.add("\(name).act\(number)", .activation(activation), value) }
    return value
  }

  /// The 1×1 convolution to the output channels, and the final activation.
  func addEnd(outputChannels: Int, reading input: NetworkGraph.NodeID, to graph: inout NetworkGraph) {
    let last = graph.add("last.conv", .convolution(Convolution(channels: outputChannels, kernel: 1)), input)
    if let finalActivation { graph.add("last.act", .activation(finalActivation), last) }
  }

  private func check(dimensions: Int) throws(NetworkSettingError) {
    func fail(_ setting: String, _ problem: String) -> NetworkSettingError {
      NetworkSettingError(setting: setting, problem: problem)
    }
    func axes(_ value: PerAxis, _ setting: String) throws(NetworkSettingError) -> [Int] {
      guard let values = value.values(dimensions: dimensions) else {
        throw fail(setting, "\(value) does not have \(dimensions) values, one for each spatial axis; give one number.")
      }
      return values
    }
    guard (2...16).contains(depth) else { throw fail("depth", "a U-Net has 2 to 16 levels, not \(depth).") }
    guard (1...1_000_000).contains(baseChannels) else {
      throw fail("base-channels", "the first level needs at least one channel, not \(baseChannels).")
    }
    guard try axes(kernel, "kernel").allSatisfy({ $0 > 0 && $0 % 2 == 1 }) else {
      throw fail("kernel", "kernels are odd, so that images keep their size: 1, 3, 5, …, not \(kernel).")
    }
    try NetworkSettingError.check(dropout: dropout)
    let factors = try axes(pooling, "pooling")
    guard factors.allSatisfy({ $0 >= 1 }), factors.contains(where: { $0 > 1 }) else {
      throw fail("pooling", "the factor between levels is at least 2 (1 on an axis to leave alone), not \(pooling).")
    }
  }
}
