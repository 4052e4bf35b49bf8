/// The normalization that a family's layers have.
public enum NormalizationKind: Hashable, Sendable {
  case none
  case batch
  /// Every channel of every sample by itself.
  case instance
  /// Every sample by itself, in so many groups of its channels.
  case group(groups: Int)

  /// The names that files use.
  public static let names = ["batch", "instance", "group", "none"]

  /// The operation, or nil for none.
  ///
  /// - Parameter tracksRunningStatistics: what batch normalization does in predictions; the others know no batch.
  func operation(tracksRunningStatistics: Bool) -> Operation? {
    switch self {
    case .none: nil
    case .batch: .batchNormalization(BatchNormalization(tracksRunningStatistics: tracksRunningStatistics))
    case .instance: .groupNormalization(.instance())
    case .group(let groups): .groupNormalization(GroupNormalization(groups: groups))
    }
  }
}

// In files it is its name, groups with their number: `{"name": "group", "groups": 4}`.
extension NormalizationKind: Codable {
  private enum Key: String, CodingKey { case name, groups }

  public init(from decoder: Decoder) throws {
    let section = try? decoder.container(keyedBy: Key.self)
    let name = try section?.decode(String.self, forKey: .name) ?? decoder.singleValueContainer().decode(String.self)
    switch (name, try section?.decodeIfPresent(Int.self, forKey: .groups)) {
    case ("none", nil): self = .none
    case ("batch", nil): self = .batch
    case ("instance", nil): self = .instance
    case ("group", let groups?): self = .group(groups: groups)
    default:
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription: "‘\(name)’ is no normalization; there are \(Self.names.joined(separator: ", ")) "
            + "(group with its number of groups)."))
    }
  }

  public func encode(to encoder: Encoder) throws {
    if case .group(let groups) = self {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode("group", forKey: .name)
      try container.encode(groups, forKey: .groups)
      return
    }
    var container = encoder.singleValueContainer()
    switch self {
    case .batch: try container.encode("batch")
    case .instance: try container.encode("instance")
    default: try container.encode("none")
    }
  }
}
