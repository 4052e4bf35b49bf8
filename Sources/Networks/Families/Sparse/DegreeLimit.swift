import Settings

/// A limit of a node's degree: a number of edges (a whole number in job files), or a fraction of the hidden nodes.
public enum DegreeLimit: Hashable, SettingConvertible {
  /// A number of edges.
  case edges(Int)
  /// Between 0 and 1, both excluded; rounded to the nearest number of edges, at least 1.
  case fraction(Double)

  public init(settingValue value: SettingValue) throws(SettingError) {
    self = if let count = value.integer { .edges(count) } else { .fraction(try Double(settingValue: value)) }
  }

  public var settingValue: SettingValue {
    switch self {
    case .edges(let count): .integer(count)
    case .fraction(let part): .number(part)
    }
  }

  static let kind = SettingDeclaration.Kind.or([.integer(1...1_000_000), .number(.above(0, below: 1))])

  /// The limit in a network of `nodes` hidden nodes.
  public func edges(nodes: Int) -> Int {
    switch self {
    case .edges(let count): count
    case .fraction(let part): max(1, Int((part * Double(nodes)).rounded()))
    }
  }
}
