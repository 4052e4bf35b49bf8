import Settings

/// Three heads on a network's features for a lower quantile, the median and an upper quantile, which cannot cross
/// (DLSIA's Cerberus).
///
/// The median is m, the lower quantile m − softplus(h₋) and the upper one m + softplus(h₊), where each of m, h₋ and h₊
/// is a fully connected network that is applied to every pixel. The result has all lower, then all median, then all
/// upper channels.
public struct QuantileHeads: SettingsSection {
  /// Channels that the network gives the heads.
  public var features = 8
  /// Channels of each head's hidden layers; nil for one of the mean of its input and output channels.
  public var hiddenChannels: [Int]?
  /// Whether the heads also read the image.
  public var readsImage = false
  /// The range that all three are clamped to, if any.
  public var range: ClosedRange<Double>?
  /// After that, if any; an increasing function keeps the order of the quantiles.
  public var finalActivation: Activation?

  /// With every setting at its default.
  public init() {}

  public static let settings: [Setting<QuantileHeads>] = [
    Setting(
      "features", \QuantileHeads.features, .integer(1...4096), "channels that the heads read from the network"),
    Setting(
      "hidden-channels", \QuantileHeads.hiddenChannels, .list(of: .integer(1...4096), 0...),
      otherwise: "one layer of the mean of input and output channels",
      "channels of each head's hidden layers, first to last"),
    Setting(
      "reads-image", \QuantileHeads.readsImage, .boolean,
      "whether the heads also read the image"),
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
