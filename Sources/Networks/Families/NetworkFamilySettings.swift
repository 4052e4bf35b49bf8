import Settings

/// The settings of one family of networks, and how a network is built from them.
///
/// To add a family, declare a type of its own settings and add it to `Families.all`.
public protocol NetworkFamilySettings: NamedSection {
  /// The network of one member: a pure function of the settings and these arguments.
  ///
  /// - Parameters:
  ///   - inputChannels: channels of an image.
  ///   - outputChannels: channels of the result; for classes, one score for each.
  ///   - dimensions: spatial axes of an image, 1 to 3.
  ///   - seed: the job's seed, for families that draw a network at random.
  ///   - member: the number of the member, for the same.
  /// - Throws: `NetworkSettingError` that names an impossible setting.
  func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> NetworkGraph

  /// What the topology that is drawn for a member came to; nil in families that draw none.
  ///
  /// - Throws: as `graph(…)` for the same arguments.
  func statistics(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> SMSNetTopology.Statistics?
}

extension NetworkFamilySettings {
  public func statistics(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> SMSNetTopology.Statistics? { nil }
}

/// A family whose members all have the same network.
public protocol UniformNetworkFamily: NetworkFamilySettings {
  /// The network for images of `inputChannels` channels and 1, 2 or 3 spatial axes.
  ///
  /// - Throws: `NetworkSettingError` that names an impossible setting.
  func graph(inputChannels: Int, outputChannels: Int, dimensions: Int) throws(NetworkSettingError) -> NetworkGraph
}

extension UniformNetworkFamily {
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> NetworkGraph {
    try graph(inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
  }
}
