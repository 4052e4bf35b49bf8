import Settings

/// Three heads on a network's result, for a lower quantile, the median and an upper quantile that cannot cross (DLSIA's
/// Cerberus): median m, lower m − softplus(h₋), upper m + softplus(h₊), each of m, h₋, h₊ a fully connected network for
/// every pixel.
///
/// The result stacks all lower, then all median, then all upper channels.
public struct QuantileHeads: SettingsSection {
  /// Channels that the network gives the heads.
  public var features = 8
  /// The hidden layers of each head; nil for one of the mean of the channels that it reads and gives.
  public var hiddenChannels: [Int]?
  /// Whether the heads read the image beside the network's result.
  public var readsImage = false
  /// What all three are moved into, if anything.
  public var range: ClosedRange<Double>?
  /// After that, if any; an increasing function keeps the order of the quantiles.
  public var finalActivation: Activation?

  public init() {}

  public static let settings: [Setting<QuantileHeads>] = [
    Setting(
      "features", \QuantileHeads.features, .integer(1...4096), "channels that the network gives the heads"),
    Setting(
      "hidden-channels", \QuantileHeads.hiddenChannels, .list(of: .integer(1...4096), 0...),
      otherwise: "one layer of the mean of in and out", "channels of each head's hidden layers, first to last"),
    Setting(
      "reads-image", \QuantileHeads.readsImage, .boolean,
      "whether the heads read the image beside the network's features"),
  ]

  /// The network for a `base` that gives `features` channels; the result has `outputChannels` for each quantile.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(base: NetworkGraph, outputChannels: Int) throws(NetworkSettingError) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: base.dimensions)
    graph.initialization = base.initialization
    let input = graph.add(base.nodes[0].name, base.nodes[0].operation)
    var value = graph.add(base, prefix: "base.", reading: input)
    if readsImage { value = graph.add("features", .concatenation, value, input) }
    let hidden = hiddenChannels ?? [max(1, (features + outputChannels) / 2)]
    var head = FCNet(hiddenChannels: hidden)
    let median = try head.addLayers("median.", outputChannels, reading: value, beside: nil, to: &graph)
    head.finalActivation = .softplus
    let below = try head.addLayers("lower.", outputChannels, reading: value, beside: nil, to: &graph)
    let above = try head.addLayers("upper.", outputChannels, reading: value, beside: nil, to: &graph)
    let lower = graph.add("lower", .difference, median, below)
    let upper = graph.add("upper", .sum(factors: [1, 1]), median, above)
    value = graph.add("quantiles", .concatenation, lower, median, upper)
    if let range {
      value = graph.add("range", .clamp(minimum: range.lowerBound, maximum: range.upperBound), value)
    }
    if let finalActivation { graph.add("last.act", .activation(finalActivation), value) }
    return graph
  }
}
