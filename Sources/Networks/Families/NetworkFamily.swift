import Settings

/// A job's choice of network: a family with its settings, and what is put around its networks.
///
/// Files hold one object, the family's name and beside it the settings: `{"family": "tunet", "depth": 3}`.
public struct NetworkFamily: Sendable {
  /// The settings of the family.
  public var settings: any NetworkFamilySettings
  /// What makes fewer channels of the image's before the network, if anything.
  public var squash: SquashNet?
  /// What makes three quantiles of the network's result, if anything.
  public var quantileHeads: QuantileHeads?

  /// Networks of a family, and what is put around them.
  public init(
    _ settings: any NetworkFamilySettings, squash: SquashNet? = nil, quantileHeads: QuantileHeads? = nil
  ) {
    self.settings = settings
    self.squash = squash
    self.quantileHeads = quantileHeads
  }

  /// The name of the family in job files.
  public var name: String { type(of: settings).name }

  /// The network of one member: a pure function of the settings, the image, the job's seed and the member.
  ///
  /// - Throws: `NetworkSettingError` that names an impossible setting.
  public func graph(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> NetworkGraph {
    if quantileHeads != nil, outputChannels % 3 != 0 {
      throw NetworkSettingError(
        setting: "quantile-heads",
        problem:
          "the heads give three numbers for each of the target's channels, and \(outputChannels) are asked for; write "
          + "training.loss: {name: quantile} with a lower quantile, the median and an upper one.")
    }
    var graph = try settings.graph(
      inputChannels: squash?.channels ?? inputChannels, outputChannels: quantileHeads?.features ?? outputChannels,
      dimensions: dimensions, seed: seed, member: member)
    if let squash { graph = try squash.graph(inputChannels: inputChannels, before: graph) }
    if let quantileHeads { graph = try quantileHeads.graph(base: graph, outputChannels: outputChannels / 3) }
    return graph
  }

  /// What the topology that is drawn for a member came to; nil in families that draw none.
  ///
  /// - Throws: as `graph(…)` for the same arguments.
  public func statistics(
    inputChannels: Int, outputChannels: Int, dimensions: Int, seed: UInt64, member: Int
  ) throws -> SMSNetTopology.Statistics? {
    try settings.statistics(
      inputChannels: squash?.channels ?? inputChannels, outputChannels: quantileHeads?.features ?? outputChannels,
      dimensions: dimensions, seed: seed, member: member)
  }
}

extension NetworkFamily: Hashable {
  public static func == (a: NetworkFamily, b: NetworkFamily) -> Bool {
    AnyHashable(a.settings) == AnyHashable(b.settings) && a.squash == b.squash && a.quantileHeads == b.quantileHeads
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(AnyHashable(settings))
    hasher.combine(squash)
    hasher.combine(quantileHeads)
  }
}

extension NetworkFamily: CodableSetting {
  /// The keys that every family has beside its own.
  private static let around: [Setting<NetworkFamily>] = [
    Setting(
      "squash", declare: { _ in (.section(SquashNet.declarations), .optional("the network reads the image")) },
      "a fully connected network that is applied to every pixel and reduces the image's channels (SquashNet)",
      read: { (value, family) throws(SettingError) in family.squash = try SquashNet(settingValue: value) },
      write: { $0.squash?.settingValue }),
    Setting(
      "quantile-heads", \NetworkFamily.quantileHeads, otherwise: "no heads",
      "for the loss `quantile` with three quantiles: a head each for the lower one, the median and the upper one, "
        + "which then cannot cross (DLSIA's Cerberus)"),
  ]

  private static var variants: Variants<any NetworkFamilySettings> {
    func variant<Family: NetworkFamilySettings>(_: Family.Type) -> Variant<any NetworkFamilySettings> {
      Variant(Family.self) { $0 }
    }
    return Variants(key: "family", noun: "network family", Families.all.map { variant($0) })
  }

  /// What may stand for a family in a job file: its name, its own keys and those that every family has.
  public static var kind: SettingDeclaration.Kind {
    let families = variants.declaration(default: nil)
    guard case .value(let name) = families.selector else { return .variants(families) }
    let around = Self.around.map { $0.declaration(defaults: NetworkFamily(TUNet())) }
    return .variants(
      SettingDeclaration.Variants(
        selector: .value(SettingDeclaration(name.key, name.kind, "the kind of network")),
        variants: families.variants.map {
          SettingDeclaration.Variants.Variant(name: $0.name, meaning: $0.meaning, settings: $0.settings + around)
        }))
  }

  public init(settingValue value: SettingValue) throws(SettingError) {
    self.init(try Self.variants.read(value))
    guard case .section(let values) = value else { return }
    for setting in Self.around { try setting.read(values, &self) }
  }

  public var settingValue: SettingValue {
    Self.around.reduce(Self.variants.write(settings)) { value, setting in
      setting.write(self).map { value.setting(setting.key, to: $0) } ?? value
    }
  }
}
