import Settings

/// The tunable U-Net with full-scale skip connections (UNet 3+, Huang et al., arXiv 2004.08790, in DLSIA's tunable
/// form).
///
/// Encoder and bottom are those of `TUNet`. Every decoder level reads all levels: those above it by max pooling, its
/// own skip connection, and those below it (the bottom, and the decoder levels formed before) by upsampling. Each of
/// these `depth` branches ends in a convolution to the carry-over channels c with normalization and activation. Their
/// concatenation of `depth` · c channels, top level first, goes through `fusion`.
public struct TUNet3Plus: UniformNetworkFamily {
  /// How a decoder level combines the concatenation of its branches.
  public enum Fusion: String, SettingConvertible, CaseIterable {
    /// The concatenation is the level's value; two convolutions to the carry-over channels follow the top level
    /// (DLSIA).
    case none
    /// A convolution to as many channels, with normalization and activation, at every level (the paper).
    case paper
  }

  /// How a coarse level is upsampled.
  public enum Upscaling: String, SettingConvertible, CaseIterable {
    /// Every pixel takes the value of the nearest coarse one.
    case nearest
    /// A transposed convolution of as many channels, its kernel and stride the factor between the levels.
    case transposedConvolution = "transposed-convolution"
  }

  /// Depth, channels, kernel, pooling, activation and normalization of the levels.
  public var levels = TUNet()
  /// Channels of every branch; nil for the base channels.
  public var carryoverChannels: Int?
  /// How a decoder level combines the concatenation of its branches.
  public var fusion = Fusion.none
  /// How coarse levels are upsampled.
  public var upscaling = Upscaling.nearest

  /// With every setting at its default.
  public init() {}

  public static let name = "tunet3plus"
  public static let meaning = "a tunable U-Net whose decoder levels read all levels (UNet 3+, arXiv 2004.08790)"
  public static let settings: [Setting<TUNet3Plus>] =
    TUNet.settings.map { $0.within(\TUNet3Plus.levels) } + [
      Setting(
        "carryover-channels", \TUNet3Plus.carryoverChannels, .integer(1...4096), otherwise: "`base-channels`",
        "channels of each branch of a decoder level"),
      Setting(
        "fusion", \TUNet3Plus.fusion, noun: "fusion",
        "how a decoder level combines its branches: `none`, by concatenation alone (DLSIA); `paper`, then a convolution "
          + "to as many channels, with normalization and activation"),
      Setting(
        "upsampling", \TUNet3Plus.upscaling, noun: "upsampling", "how coarse levels are upsampled"),
    ]

  /// The network for images of `inputChannels` channels and 1, 2 or 3 spatial axes.
  ///
  /// Level 1 of the decoder reads level 2 through `decode1.from2.conv`; `decode1.stack` is the stack of its branches.
  ///
  /// - Throws: `NetworkSettingError` that names the setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws(NetworkSettingError) -> NetworkGraph {
    let carryover = carryoverChannels ?? levels.baseChannels
    guard (1...1_000_000).contains(carryover) else {
      throw NetworkSettingError(
        setting: "carryover-channels", problem: "every branch needs at least one channel, not \(carryover).")
    }
    let (start, encoded) = try levels.encoder(
      inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    var graph = start
    let depth = encoded.count
    // The values that a level's branches read: of the encoder above it and at it, of the bottom and the decoder below
    // it.
    var sources = encoded.map { (value: $0.value, channels: $0.channels) }
    var value = sources[depth - 1].value
    for level in (0..<depth - 1).reversed() {
      let branches = (0..<depth).map { from in
        addBranch(
          "decode\(level).from\(from)", levels: level - from, carryover, reading: sources[from],
          size: encoded[level].value, to: &graph)
      }
      value = graph.add("decode\(level).stack", .concatenation, inputs: branches)
      let channels = depth * carryover
      if fusion == .paper {
        value = levels.addConvolution("decode\(level).fuse", channels, reading: value, to: &graph)
      }
      sources[level] = (value, channels)
    }
    if fusion == .none { value = levels.addLevel("decode0", carryover, carryover, reading: value, to: &graph) }
    levels.addEnd(outputChannels: outputChannels, reading: value, to: &graph)
    return graph
  }

  /// A branch from the level that lies `levels` above (or, if negative, below) its target.
  private func addBranch(
    _ name: String, levels distance: Int, _ channels: Int, reading source: (value: NetworkGraph.NodeID, channels: Int),
    size: NetworkGraph.NodeID, to graph: inout NetworkGraph
  ) -> NetworkGraph.NodeID {
    var value = source.value
    let factor = levels.pooling.map { Array(repeating: $0, count: abs(distance)).saturatingProduct }
    if distance > 0 {
      value = graph.add("\(name).pool", .maxPooling(MaxPooling(kernel: factor)), value)
    } else if distance < 0 {
      switch upscaling {
      case .nearest:
        value = graph.add("\(name).up", .upsampling(Upsampling(mode: .nearest, factor: factor)), value, size)
      case .transposedConvolution:
        let up = TransposedConvolution(channels: source.channels, kernel: factor, stride: factor)
        value = graph.add("\(name).up", .transposedConvolution(up), value, size)
      }
    }
    return levels.addConvolution(name, channels, reading: value, to: &graph)
  }
}
