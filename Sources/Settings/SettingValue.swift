import Foundation

/// The value of a setting: a tree as a job file holds it, with every default filled in.
public enum SettingValue: Hashable, Sendable {
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case list([SettingValue])
  case section([String: SettingValue])

  /// What settings look like in a job file.
  public init(encoding settings: some Encodable) {
    do {
      self = try JSONDecoder().decode(SettingValue.self, from: JSONEncoder().encode(settings))
    } catch {
      // Only a number that is not finite has no JSON form, and no job file gives one.
      preconditionFailure("settings have a JSON form: \(error)")
    }
  }

  /// The value at a path of keys such as `training.batch`, or nil.
  public subscript(path: String) -> SettingValue? {
    path.split(separator: ".").reduce(Optional(self)) { value, key in
      if case .section(let settings)? = value { settings[String(key)] } else { nil }
    }
  }

  /// The value with another one at a path of keys.
  public func setting(_ path: String, to value: SettingValue) -> SettingValue {
    guard case .section(var settings) = self else { return self }
    let keys = path.split(separator: ".", maxSplits: 1).map(String.init)
    settings[keys[0]] =
      keys.count == 1 ? value : (settings[keys[0]] ?? .section([:])).setting(keys[1], to: value)
    return .section(settings)
  }

  /// The whole number; nil for another kind of value.
  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  /// The number; nil for another kind of value, a whole number too.
  public var number: Double? { if case .number(let value) = self { value } else { nil } }
  /// The truth value; nil for another kind of value.
  public var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  /// The text; nil for another kind of value.
  public var text: String? { if case .text(let value) = self { value } else { nil } }
  /// The values of a list; nil for another kind of value.
  public var list: [SettingValue]? { if case .list(let values) = self { values } else { nil } }

  /// A whole number where the kind asks for a number is that number.
  public func normalized(for kind: SettingDeclaration.Kind) -> SettingValue {
    switch (self, kind) {
    case (.integer(let value), .number): .number(Double(value))
    case (.list(let values), .list(let kind, _)): .list(values.map { $0.normalized(for: kind) })
    default: self
    }
  }

  /// The value without the settings at these paths.
  public func removing(_ paths: [String]) -> SettingValue {
    paths.reduce(self) { $0.removing(path: $1.split(separator: ".").map(String.init)[...]) }
  }

  private func removing(path: ArraySlice<String>) -> SettingValue {
    guard case .section(var settings) = self, let key = path.first else { return self }
    settings[key] = path.count == 1 ? nil : settings[key]?.removing(path: path.dropFirst())
    return .section(settings)
  }
}

extension SettingValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .text(value) }
  public init(arrayLiteral values: SettingValue...) { self = .list(values) }
}

extension SettingValue: Codable {
  public init(from decoder: Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let values = try? container.decode([SettingValue].self) {
      self = .list(values)
    } else {
      self = .section(try container.decode([String: SettingValue].self))
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .boolean(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    case .section(let settings): try container.encode(settings)
    }
  }
}

extension SettingValue: CustomStringConvertible {
  /// As a user writes it in YAML.
  public var description: String {
    switch self {
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): Self.text(of: value)
    case .text(let value): value
    case .list(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
    case .section(let settings):
      "{" + settings.sorted { $0.key < $1.key }.map { "\($0): \($1)" }.joined(separator: ", ") + "}"
    }
  }

  /// One JSON text for one value: keys sorted, no space, numbers as short as they read back exactly.
  public var canonicalText: String {
    switch self {
    case .boolean, .integer, .number: description
    case .text(let value): Self.quoted(value)
    case .list(let values): "[" + values.map(\.canonicalText).joined(separator: ",") + "]"
    case .section(let settings):
      "{"
        + settings.sorted { $0.key < $1.key }.map { "\(Self.quoted($0)):\($1.canonicalText)" }.joined(separator: ",")
        + "}"
    }
  }

  private static func text(of value: Double) -> String {
    Int(exactly: value).map { abs($0) < 1 << 53 ? "\($0)" : "\(value)" } ?? "\(value)"
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
