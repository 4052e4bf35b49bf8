import Settings

/// The normalization that a family's layers have.
public enum NormalizationKind: Hashable, Sendable {
  /// No normalization.
  case none
  /// Batch normalization: every channel over the batch.
  case batch
  /// Every channel of every sample by itself.
  case instance
  /// Every sample by itself, in so many groups of its channels.
  case group(groups: Int)

  /// The names that job files and stored files use.
  public static let names = ["batch", "instance", "group", "none"]

  /// The operation, or nil for none.
  ///
  /// - Parameter tracksRunningStatistics: for batch normalization, whether predictions use running statistics.
  func operation(tracksRunningStatistics: Bool) -> Operation? {
    switch self {
    case .none: nil
    case .batch: .batchNormalization(BatchNormalization(tracksRunningStatistics: tracksRunningStatistics))
    case .instance: .groupNormalization(.instance())
    case .group(let groups): .groupNormalization(GroupNormalization(groups: groups))
    }
  }
}

/// It is written as its name, groups with their number: `{name: group, groups: 4}`.
extension NormalizationKind: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    let name = value.text ?? value["name"]?.text ?? value.description
    switch (name, value["groups"]?.integer) {
    case ("none", nil): self = .none
    case ("batch", nil): self = .batch
    case ("instance", nil): self = .instance
    case ("group", let groups?): self = .group(groups: groups)
    default:
      throw SettingError(
        "‘\(name)’ is no normalization; there are \(Self.names.joined(separator: ", ")) (group with its number of "
          + "groups)")
    }
  }

  public var settingValue: SettingValue {
    switch self {
    case .none: "none"
    case .batch: "batch"
    case .instance: "instance"
    case .group(let groups): .section(["name": "group", "groups": .integer(groups)])
    }
  }

  /// What may stand for a normalization in a job file.
  static let kind: SettingDeclaration.Kind = {
    typealias Variants = SettingDeclaration.Variants
    func choice(_ words: [String]) -> SettingDeclaration.Kind {
      .choice(SettingDeclaration.Choice(noun: "normalization", words: words))
    }
    let groups = SettingDeclaration("groups", .integer(1...1_000_000), "groups of channels of a sample")
    let variants = names.map { Variants.Variant(name: $0, meaning: "", settings: $0 == "group" ? [groups] : []) }
    let selector = SettingDeclaration("name", choice(names), "the normalization")
    return .or([
      choice(names.filter { $0 != "group" }), .variants(Variants(selector: .value(selector), variants: variants)),
    ])
  }()
}

extension Setting {
  /// The key `normalization`.
  static func normalization(
    _ path: WritableKeyPath<Section, NormalizationKind> & Sendable, _ meaning: String
  ) -> Setting {
    Setting(
      "normalization", path, NormalizationKind.kind,
      "\(meaning); `{name: group, groups: 4}` normalizes each sample in groups of channels")
  }
}
