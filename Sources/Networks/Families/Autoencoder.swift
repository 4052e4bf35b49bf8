import Settings

/// The tunable convolutional autoencoder of DLSIA (arXiv 2308.02559): an encoder of `depth` levels to a latent vector,
/// and the mirrored decoder.
///
/// Level *i* has c_i channels: c₀ = `baseChannels`, c_i = ⌊c_{i−1} · `growthRate`⌋. Each encoder level is a block to
/// c_i channels and max pooling. A linear layer maps the last pooled value to `latentDimension` numbers, which are
/// tapped as `latent`; a second one maps them back to the shape of that value. Each decoder level is a transposed
/// convolution to the extents before the pooling and a block to c_{i−1} channels, at the top to those of the result.
/// Images of any size fit that are at least `pooling`^`depth` pixels wide. Because of the linear layers, the number of
/// parameters depends on the image's extents.
public struct Autoencoder: UniformNetworkFamily {
  /// What a level consists of.
  public enum Block: String, SettingConvertible, CaseIterable {
    /// Parallel branches of `blockDepth` convolutions, one branch for each dilation 1 to `maximumDilation`; a 1×1
    /// convolution of all branches (DLSIA's MSAE). Activation and normalization follow each dilated convolution. With
    /// one dilation it is an ordinary convolutional autoencoder.
    case parallel
    /// A mixed-scale dense network of `blockDepth` layers, with as many planes a layer as there are dilations.
    case dense
  }

  /// Levels, each of which ends in a pooling: at least 1.
  public var depth = 4
  /// Channels of the first level.
  public var baseChannels = 16
  /// Channels of a level over those of the level above.
  public var growthRate = 2.0
  /// Numbers that an image is reduced to.
  public var latentDimension = 32
  /// What a level consists of.
  public var block = Block.parallel
  /// Dilations of a block are 1 to this (DLSIA's mixed-scale autoencoder has 5).
  public var maximumDilation = 1
  /// Convolutions of a block one after another.
  public var blockDepth = 1
  /// How many pixels become one from level to level.
  public var pooling: PerAxis = 2
  /// What convolutions read beyond the border.
  public var paddingMode = PaddingMode.zeros
  /// After every convolution with a dilation, if any.
  public var activation: Activation? = .relu
  /// After every activation.
  public var normalization = NormalizationKind.batch
  /// Whether batch normalization predicts with running statistics (the default) or those of its own batch.
  public var tracksRunningStatistics = true
  /// How the weights start.
  public var initialization = Initialization.pytorch
  /// After the last block, if any.
  public var finalActivation: Activation?

  /// With every setting at its default.
  public init() {}

  public static let name = "autoencoder"
  public static let meaning =
    "a tunable convolutional autoencoder: levels of convolutions and pooling, a linear layer to a vector of few "
    + "numbers, and the same way back; with `max-dilation` above 1 the mixed-scale autoencoder (DLSIA's MSAE)"
  public static let settings: [Setting<Autoencoder>] = [
    Setting(
      "depth", \Autoencoder.depth, .integer(1...16), "levels of resolution, each of which ends in a pooling"),
    Setting("base-channels", \Autoencoder.baseChannels, .integer(1...4096), "channels of the first level"),
    Setting(
      "growth-rate", \Autoencoder.growthRate, .number(.above(0, limit: 1e6)),
      "channels of a level over those of the level above"),
    Setting(
      "latent-dimension", \Autoencoder.latentDimension, .integer(1...1_000_000),
      "length of the latent vector"),
    Setting(
      "block", \Autoencoder.block, noun: "block",
      "what a level consists of: `parallel`, a branch of convolutions for each dilation, and a 1×1 convolution of all "
        + "branches; `dense`, a mixed-scale dense network"),
    Setting(
      "max-dilation", \Autoencoder.maximumDilation, .integer(1...1000),
      "dilations of a level are 1 to this; 1: ordinary convolutions"),
    Setting(
      "block-depth", \Autoencoder.blockDepth, .integer(1...1000), "convolutions of a level one after another"),
    .pooling(\.pooling), .padding(\.paddingMode),
    .activation("activation", \.activation, "what follows each convolution; \(Activation.examples)"),
    .normalization(\.normalization, "what follows each activation"),
    .runningStatistics(\.tracksRunningStatistics), .initialization(\.initialization),
    .finalActivation(\.finalActivation),
  ]

  /// Channels of the levels, top first.
  ///
  /// - Throws: `NetworkSettingError` when the rate leaves a level without channels or is beyond reason.
  public func channels() throws(NetworkSettingError) -> [Int] {
    var result = [baseChannels]
    while result.count < depth {
      let product = Double(result[result.count - 1]) * growthRate
      guard product >= 1, product < 1e6 else {
        throw NetworkSettingError(
          setting: "growth-rate", problem: "a rate of \(growthRate) gives level \(result.count) \(product) channels.")
      }
      result.append(Int(product))
    }
    return result
  }

  /// The network for images of `inputChannels` channels and 1, 2 or 3 spatial axes.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    try check(dimensions: dimensions)
    let channels = try channels()
    var graph = NetworkGraph(dimensions: dimensions)
    graph.initialization = initialization
    var value = graph.add("input", .input(channels: inputChannels))
    var sizes: [NetworkGraph.NodeID] = []
    for level in 0..<depth {
      let width = level == 0 ? inputChannels : channels[level - 1]
      value = try addBlock("encode\(level)", from: width, to: channels[level], reading: value, to: &graph)
      sizes.append(value)
      value = graph.add("pool\(level)", .maxPooling(MaxPooling(kernel: pooling)), value)
    }
    let latent = graph.add("latent", .linear(features: latentDimension, bias: true), value)
    graph.tap(NetworkGraph.latent, latent)
    value = graph.add("expand", .linear(features: 0, bias: true), latent, value)
    for level in (0..<depth).reversed() {
      let up = TransposedConvolution(channels: channels[level], kernel: pooling, stride: pooling)
      value = graph.add("up\(level)", .transposedConvolution(up), value, sizes[level])
      let width = level == 0 ? outputChannels : channels[level - 1]
      value = try addBlock("decode\(level)", from: channels[level], to: width, reading: value, to: &graph)
    }
    if let finalActivation { graph.add("last.act", .activation(finalActivation), value) }
    return graph
  }

  /// A block; its convolutions are `NAME.dilation3.conv0`, and the last one is `NAME.mix`.
  private func addBlock(
    _ name: String, from inputChannels: Int, to channels: Int, reading input: NetworkGraph.NodeID,
    to graph: inout NetworkGraph
  ) throws(NetworkSettingError) -> NetworkGraph.NodeID {
    switch block {
    case .dense:
      let network = try NetworkGraph.mixedScaleDense(
        layers: blockDepth, width: maximumDilation, activation: activation, paddingMode: paddingMode,
        normalization: normalization, tracksRunningStatistics: tracksRunningStatistics, inputChannels: inputChannels,
        outputChannels: channels, dimensions: graph.dimensions)
      return graph.add(network, prefix: "\(name).", reading: input)
    case .parallel:
      let parts = (1...maximumDilation).map { dilation in
        var value = input
        for place in 0..<blockDepth {
          let part = "\(name).dilation\(dilation)"
          let convolution = Convolution.same(channels: channels, dilation: dilation, paddingMode: paddingMode)
          value = graph.add("\(part).conv\(place)", .convolution(convolution), value)
          if let activation { value = graph.add("\(part).act\(place)", .activation(activation), value) }
          if let operation = normalization.operation(tracksRunningStatistics: tracksRunningStatistics) {
            value = graph.add("\(part).norm\(place)", operation, value)
          }
        }
        return value
      }
      let stack = parts.count == 1 ? parts[0] : graph.add("\(name).stack", .concatenation, inputs: parts)
      return graph.add("\(name).mix", .convolution(Convolution(channels: channels, kernel: 1)), stack)
    }
  }

  private func check(dimensions: Int) throws(NetworkSettingError) {
    func check(_ value: Int, _ range: ClosedRange<Int>, _ setting: String, _ what: String) throws(NetworkSettingError) {
      guard range.contains(value) else {
        throw NetworkSettingError(
          setting: setting, problem: "\(what) lies in \(range.lowerBound) … \(range.upperBound), not at \(value).")
      }
    }
    try check(depth, 1...16, "depth", "the number of levels")
    try check(baseChannels, 1...1_000_000, "base-channels", "the number of channels")
    try check(latentDimension, 1...1_000_000, "latent-dimension", "the length of the latent vector")
    try check(maximumDilation, 1...1000, "max-dilation", "the largest dilation")
    try check(blockDepth, 1...1000, "block-depth", "the depth of a block")
    guard let factors = pooling.values(dimensions: dimensions), factors.allSatisfy({ $0 >= 1 }),
      factors.contains(where: { $0 > 1 })
    else {
      throw NetworkSettingError(
        setting: "pooling",
        problem:
          "the factor between levels is one number of at least 2, or \(dimensions) of at least 1, not \(pooling).")
    }
  }
}
