import Settings

/// A setting for each spatial axis, or one value for all: `3`, `[1, 3, 3]`. Axes stand outermost first: (z, y, x).
public enum PerAxis: Hashable, Sendable {
  /// One value for every axis.
  case all(Int)
  /// A value for each axis.
  case each([Int])

  /// The values for `dimensions` axes, or nil when another number of values is given.
  public func values(dimensions: Int) -> [Int]? {
    switch self {
    case .all(let value): Array(repeating: value, count: dimensions)
    case .each(let values): values.count == dimensions ? values : nil
    }
  }

  func map(_ transform: (Int) -> Int) -> PerAxis {
    switch self {
    case .all(let value): .all(transform(value))
    case .each(let values): .each(values.map(transform))
    }
  }
}

extension PerAxis: ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
  public init(integerLiteral value: Int) { self = .all(value) }
  public init(arrayLiteral values: Int...) { self = .each(values) }
}

extension PerAxis: Codable {
  public init(from decoder: Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Int.self) {
      self = .all(value)
    } else {
      self = .each(try container.decode([Int].self))
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .all(let value): try container.encode(value)
    case .each(let values): try container.encode(values)
    }
  }
}

extension PerAxis: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    self = value.list == nil ? .all(try Int(settingValue: value)) : .each(try [Int](settingValue: value))
  }

  public var settingValue: SettingValue {
    switch self {
    case .all(let value): .integer(value)
    case .each(let values): values.settingValue
    }
  }
}

extension SettingDeclaration.Kind {
  /// One number, or one for each axis.
  static func perAxis(_ range: ClosedRange<Int>) -> Self {
    .or([.integer(range), .list(of: .integer(range), count: 1...3)])
  }
}

extension PerAxis: CustomStringConvertible {
  /// As in messages: `3`, `1×3×3`.
  public var description: String {
    switch self {
    case .all(let value): "\(value)"
    case .each(let values): values.map(String.init).joined(separator: "×")
    }
  }
}
