import Settings

/// A fully connected network that is applied to every pixel and reduces the image's channels before another network.
public struct SquashNet: SettingsSection {
  /// Channels that the network behind it reads.
  public var channels: Int
  /// The layers.
  public var head = FCNet(hiddenChannels: [])

  /// One channel.
  public init() { self.init(channels: 1) }

  /// With so many channels and no hidden layers.
  public init(channels: Int) { self.channels = channels }

  /// The stored form has all keys of the head.
  public static let settings: [Setting<SquashNet>] =
    [
      Setting(
        "channels", \SquashNet.channels, .integer(1...4096), isRequired: true,
        "channels that the network reads instead of the image's")
    ] + FCNet.settings.map { $0.within(\SquashNet.head) }

  /// The keys of a job file: channels, and the layers that make them.
  static var declarations: [SettingDeclaration] {
    [
      settings[0].declaration(defaults: SquashNet()),
      SettingDeclaration(
        "hidden-channels", .list(of: .integer(1...4096), 0...), default: [],
        "channels of hidden layers, first to last"),
    ]
  }

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
