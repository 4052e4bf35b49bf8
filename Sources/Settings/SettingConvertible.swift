/// A type whose values stand in settings as one value: a number, a word, a list, a section.
public protocol SettingConvertible: Sendable {
  /// Reads a value in the form that `settingValue` has.
  ///
  /// - Throws: `SettingError` for a value of another form.
  init(settingValue: SettingValue) throws(SettingError)

  /// The value as a job file and stored files hold it.
  var settingValue: SettingValue { get }
}

/// Settings that stored files hold in the form of `settingValue`.
public protocol CodableSetting: SettingConvertible, Codable {}

extension CodableSetting {
  public init(from decoder: any Decoder) throws {
    let value = try SettingValue(from: decoder)
    do {
      try self.init(settingValue: value)
    } catch {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "\(error)"))
    }
  }

  public func encode(to encoder: any Encoder) throws { try settingValue.encode(to: encoder) }
}

/// A stored setting that is not what it should be. (What stands in a job file is checked before, with its line.)
public struct SettingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Keys from the section that was read to the setting, with dots between; empty for the value itself.
  public var path: String
  /// What is wrong.
  public var problem: String

  /// A problem with the value, or with the setting at a path below it.
  public init(_ problem: String, path: String = "") {
    self.path = path
    self.problem = problem
  }

  public var description: String { path.isEmpty ? problem : "\(path): \(problem)" }

  /// The same seen from the section around it.
  func within(_ key: String) -> SettingError {
    SettingError(problem, path: path.isEmpty ? key : "\(key).\(path)")
  }

  /// A value that has not the form which it should have.
  ///
  /// - Parameter expected: what belongs there, with its article: ‘a number’.
  public static func mismatch(_ value: SettingValue, _ expected: String) -> SettingError {
    SettingError("‘\(value)’ stands where \(expected) belongs")
  }
}

extension Bool: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    guard let boolean = value.boolean else { throw .mismatch(value, "true or false") }
    self = boolean
  }

  public var settingValue: SettingValue { .boolean(self) }
}

extension Int: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    guard let integer = value.integer else { throw .mismatch(value, "a whole number") }
    self = integer
  }

  public var settingValue: SettingValue { .integer(self) }
}

extension Double: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    // JSON writes a whole number without its point.
    guard let number = value.number ?? value.integer.map(Double.init) else { throw .mismatch(value, "a number") }
    self = number
  }

  public var settingValue: SettingValue { .number(self) }
}

extension String: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    guard let text = value.text else { throw .mismatch(value, "a text") }
    self = text
  }

  public var settingValue: SettingValue { .text(self) }
}

extension Array: SettingConvertible where Element: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    guard let list = value.list else { throw .mismatch(value, "a list") }
    self = []
    for element in list { append(try Element(settingValue: element)) }
  }

  public var settingValue: SettingValue { .list(map(\.settingValue)) }
}

/// An enumeration of words is written as its word: conform it to `SettingConvertible`, and nothing more is needed.
extension SettingConvertible where Self: RawRepresentable, RawValue == String {
  public init(settingValue value: SettingValue) throws(SettingError) {
    guard let text = value.text, let word = Self(rawValue: text) else {
      throw .mismatch(value, "a word of \(Self.self)")
    }
    self = word
  }

  public var settingValue: SettingValue { .text(rawValue) }
}
