import Settings

/// What a job says of the channels of its images: how many there are, or which of them networks see.
public enum ChannelChoice: Hashable, Sendable {
  /// All of them, which are so many.
  case count(Int)
  /// These, each by its name or number, in this order.
  case some([String])

  /// How many there are, where that is said.
  public var count: Int? { if case .count(let count) = self { count } else { nil } }

  /// Those that are taken; nil: all.
  public var taken: [String]? { if case .some(let channels) = self { channels } else { nil } }
}

extension ChannelChoice: SettingConvertible {
  static let kind = SettingDeclaration.Kind.or([.integer(1...65_536), .list(of: .text, 1...)])

  public init(settingValue value: SettingValue) throws(SettingError) {
    if let count = value.integer {
      self = .count(count)
      return
    }
    let channels = value.list?.compactMap { $0.text ?? $0.integer.map(String.init) } ?? []
    guard !channels.isEmpty, channels.count == value.list?.count else {
      throw .mismatch(value, "a number of channels, or a list of channels,")
    }
    self = .some(channels)
  }

  public var settingValue: SettingValue {
    switch self {
    case .count(let count): .integer(count)
    case .some(let channels): .list(channels.map { .text($0) })
    }
  }
}
