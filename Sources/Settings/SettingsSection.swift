/// A type whose values a user writes as a section of settings. It declares each key once, beside its properties; from
/// the declaration come reading with line numbers, the stored form, defaults, documentation, schema and the check of
/// unknown keys.
///
///     struct Blur: SettingsSection {
///       var radius = 0.0
///       static let settings: [Setting<Self>] = [
///         Setting("radius", \.radius, .number(.atLeast(0)), "standard deviation of the kernel, in pixels")
///       ]
///     }
public protocol SettingsSection: CodableSetting, Hashable {
  /// The section with every setting at its default. (Settings that must be given hold a placeholder.)
  init()

  /// All keys of the section.
  static var settings: [Setting<Self>] { get }
}

extension SettingsSection {
  /// Reads a section; keys that are not given keep their defaults.
  ///
  /// - Throws: as `read(_:)`.
  public init(settingValue value: SettingValue) throws(SettingError) {
    self.init()
    try read(value)
  }

  /// Sets what a section gives; all else stays as it is.
  ///
  /// - Throws: `SettingError` for a value of another form.
  public mutating func read(_ value: SettingValue) throws(SettingError) {
    guard case .section(let values) = value else { throw .mismatch(value, "a section") }
    for setting in Self.settings { try setting.read(values, &self) }
  }

  /// The section with all keys, but for those that are absent.
  public var settingValue: SettingValue {
    var values: [String: SettingValue] = [:]
    for setting in Self.settings { values[setting.key] = setting.write(self) }
    return .section(values)
  }

  /// The keys as readers and documentation see them.
  ///
  /// - Parameter defaults: what a key that is not given has.
  public static func declarations(defaults: Self = Self()) -> [SettingDeclaration] {
    settings.map { $0.declaration(defaults: defaults) }
  }
}
