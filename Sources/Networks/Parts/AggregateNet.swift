/// A learned combination of trained networks: 1×1 convolutions of the concatenation of their outputs, or of their
/// features (the values before their last convolutions). The networks themselves are frozen.
public struct AggregateNet: Hashable, Sendable {
  /// Number of 1×1 convolutions; all but the last have as many output as input channels.
  public var layers = 1
  /// Between them.
  public var activation: Activation? = .relu
  /// Whether the convolutions have a bias.
  public var bias = true
  /// After the last, if any.
  public var finalActivation: Activation?

  /// With every setting at its default.
  public init() {}

  /// The network over `inputChannels` features alone.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    guard (1...1000).contains(layers) else {
      throw NetworkSettingError(setting: "layers", problem: "there are 1 to 1000 layers, not \(layers).")
    }
    return try network(inputChannels: inputChannels).graph(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
  }

  /// Its convolutions for `inputChannels` channels.
  public func network(inputChannels: Int) -> FCNet {
    var network = FCNet(hiddenChannels: Array(repeating: inputChannels, count: max(0, layers - 1)))
    (network.activation, network.normalization) = (activation, .none)
    (network.bias, network.finalActivation) = (bias, finalActivation)
    return network
  }

  /// The network over the features of `members`, which read the same image. Their nodes are called `member0.NODE`, and
  /// are frozen.
  ///
  /// - Parameter extents: of an image, by which channels are counted.
  /// - Throws: `NetworkSettingError` that names the setting, `NetworkError` when a member does not fit the image.
  public func graph(members: [NetworkGraph], outputChannels: Int, extents: [Int]) throws -> NetworkGraph {
    guard let first = members.first, members.allSatisfy({ $0.dimensions == first.dimensions }) else {
      throw NetworkSettingError(
        setting: "members", problem: "at least one network is needed, all of as many dimensions.")
    }
    var graph = NetworkGraph(dimensions: first.dimensions)
    let input = graph.add(first.nodes[0].name, first.nodes[0].operation)
    var features: [NetworkGraph.NodeID] = []
    var channels = 0
    for (index, member) in members.enumerated() {
      let last = member.features ?? member.output
      channels += try member.shapes(extents: extents)[last].channels
      features.append(graph.add(member, prefix: "member\(index).", reading: input, through: last))
    }
    graph.freeze { _ in true }
    let stack = graph.add("features", .concatenation, inputs: features)
    let head = try self.graph(
      inputChannels: channels, outputChannels: outputChannels, dimensions: first.dimensions)
    graph.add(head, prefix: "", reading: stack)
    return graph
  }
}
