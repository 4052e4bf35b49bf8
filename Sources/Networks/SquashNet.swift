/// Fewer channels before a network: a fully connected network for every pixel makes `channels` of the image's.
public struct SquashNet: Hashable, Sendable {
  /// What the network behind reads.
  public var channels: Int
  /// What makes them.
  public var head = FCNet(hiddenChannels: [])

  public init(channels: Int) { self.channels = channels }

  /// `head` and the network behind, whose nodes keep their names; those of the head begin with `squash.`.
  ///
  /// - Parameter network: reads `channels` channels.
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(inputChannels: Int, before network: NetworkGraph) throws(NetworkSettingError) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: network.dimensions)
    graph.initialization = network.initialization
    try NetworkSettingError.check(
      inputChannels: inputChannels, outputChannels: channels, dimensions: network.dimensions)
    let input = graph.add("input", .input(channels: inputChannels))
    let squashed = try head.addLayers(
      "squash.", channels, reading: input, beside: head.hasSkips ? input : nil, to: &graph)
    graph.add(network, prefix: "", reading: squashed)
    return graph
  }
}

// A job file's names of the settings: `channels`, and beside it those of the head.
extension SquashNet: Codable {
  private enum Key: String, CodingKey { case channels }

  public init(from decoder: Decoder) throws {
    channels = try decoder.container(keyedBy: Key.self).decode(Int.self, forKey: .channels)
    // Without hidden layers unless they are given.
    head = try FCNet(from: decoder)
    let hidden = try decoder.container(keyedBy: FCNet.Key.self).decodeIfPresent([Int].self, forKey: .hiddenChannels)
    head.hiddenChannels = hidden ?? []
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(channels, forKey: .channels)
    try head.encode(to: encoder)
  }
}
