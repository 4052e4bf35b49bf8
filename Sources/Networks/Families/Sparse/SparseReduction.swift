import Settings

/// A random sparse network (`SMSNet`) from an image to planes that are `factor`^`levels` times smaller along each axis,
/// or back: the common part of DLSIA's sparse autoencoder and sparse labeler (arXiv 2308.02559).
///
/// The size of each node is a uniform choice of the powers of `factor` between the image's and the planes' sizes.
public struct SparseReduction: Hashable, Sendable {
  /// How the network is drawn; its scales and bounds of parameters are ignored.
  public var generator = SMSNetGenerator()
  /// What its edges consist of; the settings of what follows the last convolution are ignored.
  public var network = SMSNet()
  /// Steps of size between the image and the planes.
  public var levels = 2
  /// Pixels that become one from step to step.
  public var factor = 2
  /// The number of planes.
  public var latentChannels = 1

  /// With every setting at its default.
  public init() {}

  /// The keys of the generator, the network and the sizes between the image and the planes.
  static let settings: [Setting<SparseReduction>] =
    SMSNetGenerator.connections.map { $0.within(\SparseReduction.generator) }
    + SMSNet.edges.map { $0.within(\SparseReduction.network) } + [
      Setting("levels", \SparseReduction.levels, .integer(1...8), "steps of size between the image and the planes"),
      Setting(
        "factor", \SparseReduction.factor, .integer(2...16),
        "factor between the extents of one step and the next"),
      Setting("latent-channels", \SparseReduction.latentChannels, .integer(1...4096), "the number of planes"),
    ]

  /// The key `dropout` of linear layers.
  static func linearDropout<Section>(_ path: WritableKeyPath<Section, Double> & Sendable) -> Setting<Section> {
    .dropout("dropout", path, "rate of dropout between linear layers, while training")
  }

  /// Which way a network goes.
  enum Direction {
    case encoder, decoder
  }

  /// The network of a member, one way or the other.
  ///
  /// - Parameter draw: other numbers draw other networks.
  /// - Throws: `NetworkSettingError` that names the setting.
  func graph(
    _ direction: Direction, inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, draw: Int
  ) throws -> NetworkGraph {
    guard (1...8).contains(levels) else {
      throw NetworkSettingError(setting: "levels", problem: "there are 1 to 8 steps of size, not \(levels).")
    }
    guard (2...16).contains(factor),
      SMSNetTopology.Scales.factor(base: factor, power: levels) != nil
    else {
      throw NetworkSettingError(
        setting: "factor",
        problem: "2 to 16 pixels become one from step to step, 256 at most in all, not \(factor) in \(levels) steps.")
    }
    guard (1...1_000_000).contains(latentChannels) else {
      throw NetworkSettingError(
        setting: "latent-channels", problem: "there is at least one plane, not \(latentChannels).")
    }
    var (generator, network) = (generator, network)
    let power = direction == .encoder ? -levels : levels
    generator.scales.base = factor
    (generator.scales.minimum, generator.scales.maximum) = (min(power, 0), max(power, 0))
    (network.normalizesOutput, network.finalActivation, network.isReservoir) = (false, nil, false)
    let topology = try generator.topology(inputChannels: inputChannels, seed: seed, member: draw, outputPower: power)
    return try network.graph(
      topology: topology, inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
  }

  /// Throws unless these are lengths of vectors.
  static func check(_ lengths: [Int], _ setting: String) throws(NetworkSettingError) {
    guard lengths.allSatisfy({ (1...1_000_000).contains($0) }) else {
      throw NetworkSettingError(setting: setting, problem: "every length is at least 1, not \(lengths).")
    }
  }
}

extension NetworkGraph {
  /// A linear layer on the values of a sample; unless it is the last, batch normalization, ReLU and dropout follow.
  mutating func addLinear(
    _ name: String, _ features: Int, isLast: Bool, dropout rate: Double, reading input: NodeID
  ) -> NodeID {
    var value = add(name, .linear(features: features, bias: true), input)
    guard !isLast else { return value }
    value = add("\(name).norm", .batchNormalization(BatchNormalization()), value)
    value = add("\(name).act", .activation(.relu), value)
    return rate > 0 ? add("\(name).dropout", .dropout(rate: rate), value) : value
  }
}
