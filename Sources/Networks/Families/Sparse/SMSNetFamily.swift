import Settings

/// The family of random sparse mixed-scale networks: a topology is drawn for every member.
public struct SMSNetFamily: NetworkFamilySettings {
  /// How topologies are drawn.
  public var generator: SMSNetGenerator
  /// What the edges of a topology consist of, and what follows them.
  public var network: SMSNet

  /// With every setting at its default.
  public init() { self.init(SMSNetGenerator(), SMSNet()) }

  /// With these settings.
  public init(_ generator: SMSNetGenerator, _ network: SMSNet = SMSNet()) {
    self.generator = generator
    self.network = network
  }

  public static let name = "smsnet"
  public static let meaning =
    "a sparse mixed-scale network: a random graph of dilated convolutions, another for each member "
    + "(DLSIA, Roberts et al. 2024, section II-D)"
  public static let settings: [Setting<SMSNetFamily>] =
    (SMSNetGenerator.connections + SMSNetGenerator.bounds).map { $0.within(\SMSNetFamily.generator) }
    + (SMSNet.edges + SMSNet.ends).map { $0.within(\SMSNetFamily.network) }

  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> NetworkGraph {
    try draw(inputChannels, outputChannels, dimensions, seed: seed, member: member).graph
  }

  public func statistics(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> SMSNetTopology.Statistics? {
    try draw(inputChannels, outputChannels, dimensions, seed: seed, member: member).topology.statistics
  }

  private func draw(
    _ inputChannels: Int, _ outputChannels: Int, _ dimensions: Int, seed: UInt64, member: Int
  ) throws -> (topology: SMSNetTopology, graph: NetworkGraph) {
    try generator.member(member, inputChannels: inputChannels, seed: seed) { topology in
      try network.graph(
        topology: topology, inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    }
  }
}
