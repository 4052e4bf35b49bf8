/// A job's choice of network: a family with its settings.
///
/// Files hold one object, the family's name and beside it the settings: `{"family": "tunet", "depth": 3}`.
public indirect enum NetworkFamily: Hashable, Sendable {
  case tunet(TUNet)
  case tunet3plus(TUNet3Plus)
  case msdnet(MSDNet)
  case fcnet(FCNet)
  case autoencoder(Autoencoder)
  /// Topologies are drawn for every member.
  case sparseAutoencoder(SparseAutoencoder)
  /// A topology is drawn for every member.
  case sparseLabeler(SparseLabeler)
  case grey2color(Grey2Color)
  /// A topology is drawn for every member.
  case smsnet(SMSNetGenerator, SMSNet)
  /// Another family behind fewer channels.
  case squashed(SquashNet, NetworkFamily)
  /// Another family before three heads, for quantiles.
  case quantiles(QuantileHeads, NetworkFamily)

  /// The names of the families in job files.
  public enum Name: String, Codable, Hashable, Sendable, CaseIterable {
    case tunet, tunet3plus, msdnet, smsnet, fcnet, autoencoder
    case sparseAutoencoder = "sparse-autoencoder"
    case sparseLabeler = "sparse-labeler"
    case grey2color

    /// The names of the family's settings in job files.
    public var settings: [String] {
      ownSettings + [NetworkFamily.Key.squash.rawValue, NetworkFamily.Key.quantileHeads.rawValue]
    }

    private var ownSettings: [String] {
      switch self {
      case .tunet: TUNet.Key.allCases.map(\.rawValue)
      case .tunet3plus: TUNet.Key.allCases.map(\.rawValue) + TUNet3Plus.Key.allCases.map(\.rawValue)
      case .msdnet: MSDNet.Key.allCases.map(\.rawValue)
      case .fcnet: FCNet.Key.allCases.map(\.rawValue)
      case .smsnet: SMSNetGenerator.Key.allCases.map(\.rawValue) + SMSNet.Key.allCases.map(\.rawValue)
      case .autoencoder: Autoencoder.Key.allCases.map(\.rawValue)
      case .sparseAutoencoder: SparseReduction.settings + SparseAutoencoder.Key.allCases.map(\.rawValue)
      case .sparseLabeler: SparseReduction.settings + SparseLabeler.Key.allCases.map(\.rawValue)
      case .grey2color: Grey2Color.Key.allCases.map(\.rawValue)
      }
    }
  }

  public var name: Name {
    switch self {
    case .tunet: .tunet
    case .tunet3plus: .tunet3plus
    case .msdnet: .msdnet
    case .smsnet: .smsnet
    case .fcnet: .fcnet
    case .autoencoder: .autoencoder
    case .sparseAutoencoder: .sparseAutoencoder
    case .sparseLabeler: .sparseLabeler
    case .grey2color: .grey2color
    case .squashed(_, let family), .quantiles(_, let family): family.name
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
    case .tunet3plus(let settings):
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case .msdnet(let settings):
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case .fcnet(let settings):
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case .autoencoder(let settings):
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case .grey2color(let settings):
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case .sparseAutoencoder(let settings):
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions, seed: seed,
        member: member)
    case .sparseLabeler(let settings):
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions, seed: seed,
        member: member)
    case .squashed(let squash, let family):
      let network = try family.graph(
        inputChannels: squash.channels, outputChannels: outputChannels, dimensions: dimensions, seed: seed,
        member: member)
      return try squash.graph(inputChannels: inputChannels, before: network)
    case .quantiles(let heads, let family):
      guard outputChannels % 3 == 0 else {
        throw NetworkSettingError(
          setting: "quantile-heads",
          problem:
            "the heads give three numbers for each of the target's channels, and \(outputChannels) are asked for; write "
            + "training.loss: {name: quantile} with a lower quantile, the median and an upper one.")
      }
      let network = try family.graph(
        inputChannels: inputChannels, outputChannels: heads.features, dimensions: dimensions, seed: seed,
        member: member)
      return try heads.graph(base: network, outputChannels: outputChannels / 3)
    case .smsnet(let generator, let settings):
      return try generator.member(member, inputChannels: inputChannels, seed: seed) { topology in
        try settings.graph(
          topology: topology, inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
      }.graph
    }
  }

  /// What the topology that is drawn for a member came to; nil in families whose members are alike.
  ///
  /// - Throws: as `graph(…)` for the same arguments.
  public func statistics(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> SMSNetTopology.Statistics? {
    switch self {
    case .smsnet(let generator, let settings):
      return try generator.member(member, inputChannels: inputChannels, seed: seed) { topology in
        try settings.graph(
          topology: topology, inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
      }.topology.statistics
    case .squashed(let squash, let family):
      return try family.statistics(
        inputChannels: squash.channels, outputChannels: outputChannels, dimensions: dimensions, seed: seed,
        member: member)
    case .quantiles(let heads, let family):
      return try family.statistics(
        inputChannels: inputChannels, outputChannels: heads.features, dimensions: dimensions, seed: seed,
        member: member)
    default: return nil
    }
  }
}

extension NetworkFamily: Codable {
  fileprivate enum Key: String, CodingKey {
    case family, squash
    case quantileHeads = "quantile-heads"
  }

  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let text = try container.decode(String.self, forKey: .family)
    switch Name(rawValue: text) {
    case .tunet?: self = .tunet(try TUNet(from: decoder))
    case .tunet3plus?: self = .tunet3plus(try TUNet3Plus(from: decoder))
    case .msdnet?: self = .msdnet(try MSDNet(from: decoder))
    case .fcnet?: self = .fcnet(try FCNet(from: decoder))
    case .autoencoder?: self = .autoencoder(try Autoencoder(from: decoder))
    case .sparseAutoencoder?: self = .sparseAutoencoder(try SparseAutoencoder(from: decoder))
    case .sparseLabeler?: self = .sparseLabeler(try SparseLabeler(from: decoder))
    case .grey2color?: self = .grey2color(try Grey2Color(from: decoder))
    case .smsnet?: self = .smsnet(try SMSNetGenerator(from: decoder), try SMSNet(from: decoder))
    case nil:
      throw DecodingError.dataCorruptedError(
        forKey: .family, in: container,
        debugDescription: "‘\(text)’ is no network family; there are "
          + Name.allCases.map(\.rawValue).joined(separator: ", ") + ".")
    }
    if let squash = try container.decodeIfPresent(SquashNet.self, forKey: .squash) { self = .squashed(squash, self) }
    if let heads = try container.decodeIfPresent(QuantileHeads.self, forKey: .quantileHeads) {
      self = .quantiles(heads, self)
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name.rawValue, forKey: .family)
    switch self {
    case .tunet(let settings): try settings.encode(to: encoder)
    case .tunet3plus(let settings): try settings.encode(to: encoder)
    case .msdnet(let settings): try settings.encode(to: encoder)
    case .fcnet(let settings): try settings.encode(to: encoder)
    case .autoencoder(let settings): try settings.encode(to: encoder)
    case .sparseAutoencoder(let settings): try settings.encode(to: encoder)
    case .sparseLabeler(let settings): try settings.encode(to: encoder)
    case .grey2color(let settings): try settings.encode(to: encoder)
    case .squashed(let squash, let family):
      try container.encode(squash, forKey: .squash)
      try family.encode(to: encoder)
    case .quantiles(let heads, let family):
      try container.encode(heads, forKey: .quantileHeads)
      try family.encode(to: encoder)
    case .smsnet(let generator, let settings):
      try generator.encode(to: encoder)
      try settings.encode(to: encoder)
    }
  }
}
