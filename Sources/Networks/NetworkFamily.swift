/// A job's choice of network: a family with its settings.
///
/// Files hold one object, the family's name and beside it the settings: `{"family": "tunet", "depth": 3}`.
public enum NetworkFamily: Hashable, Sendable {
  case tunet(TUNet)
  case msdnet(MSDNet)
  /// A topology is drawn for every member.
  case smsnet(SMSNetGenerator, SMSNet)

  /// The names of the families in job files.
  public enum Name: String, Codable, Hashable, Sendable, CaseIterable {
    case tunet, msdnet, smsnet

    /// The names of the family's settings in job files.
    public var settings: [String] {
      switch self {
      case .tunet: TUNet.Key.allCases.map(\.rawValue)
      case .msdnet: MSDNet.Key.allCases.map(\.rawValue)
      case .smsnet: SMSNetGenerator.Key.allCases.map(\.rawValue) + SMSNet.Key.allCases.map(\.rawValue)
      }
    }
  }

  public var name: Name {
    switch self {
    case .tunet: .tunet
    case .msdnet: .msdnet
    case .smsnet: .smsnet
    }
  }

  /// The network of one member: a pure function of the settings, the image, the job's seed and the member.
  ///
  /// - Throws: `NetworkSettingError` that names an impossible setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> NetworkGraph {
    switch self {
    case .tunet(let settings):
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case .msdnet(let settings):
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case .smsnet(let generator, let settings):
      let topology = try generator.topology(inputChannels: inputChannels, seed: seed, member: member)
      return try settings.graph(
        topology: topology, inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    }
  }
}

extension NetworkFamily: Codable {
  private enum Key: String, CodingKey { case family }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let text = try container.decode(String.self, forKey: .family)
    switch Name(rawValue: text) {
    case .tunet?: self = .tunet(try TUNet(from: decoder))
    case .msdnet?: self = .msdnet(try MSDNet(from: decoder))
    case .smsnet?: self = .smsnet(try SMSNetGenerator(from: decoder), try SMSNet(from: decoder))
    case nil:
      throw DecodingError.dataCorruptedError(
        forKey: .family, in: container,
        debugDescription: "‘\(text)’ is no network family; there are "
          + Name.allCases.map(\.rawValue).joined(separator: ", ") + ".")
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name.rawValue, forKey: .family)
    switch self {
    case .tunet(let settings): try settings.encode(to: encoder)
    case .msdnet(let settings): try settings.encode(to: encoder)
    case .smsnet(let generator, let settings):
      try generator.encode(to: encoder)
      try settings.encode(to: encoder)
    }
  }
}
