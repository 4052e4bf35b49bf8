/// One key of a section, declared beside the property that holds its value.
///
/// The default is what the property has in `Section()`; it is written nowhere else.
public struct Setting<Section: Sendable>: Sendable {
  /// The word that a job file and stored files call it by.
  public let key: String
  /// One phrase, without a full stop.
  public let meaning: String
  private let declare: @Sendable (_ defaults: Section) -> (SettingDeclaration.Kind, SettingDeclaration.Presence)
  /// Sets the property from the section's values, by their keys.
  public let read: @Sendable (_ values: [String: SettingValue], _ section: inout Section) throws(SettingError) -> Void
  /// The value to be stored; nil when it is absent.
  public let write: @Sendable (Section) -> SettingValue?

  /// How the key is seen by readers and documentation.
  ///
  /// - Parameter defaults: what holds when the key is not given.
  public func declaration(defaults: Section) -> SettingDeclaration {
    let (kind, presence) = declare(defaults)
    return SettingDeclaration(key: key, kind: kind, presence: presence, meaning: meaning)
  }

  /// A key with all that is known of it, where the forms below do not serve.
  ///
  /// - Parameters:
  ///   - declare: what may stand there, and what holds without it.
  ///   - read: sets the section from the key's value; not called when there is none.
  ///   - write: the value to be stored; nil when it is absent.
  public init(
    _ key: String,
    declare: @escaping @Sendable (_ defaults: Section) -> (SettingDeclaration.Kind, SettingDeclaration.Presence),
    _ meaning: String,
    read: @escaping @Sendable (_ value: SettingValue, _ section: inout Section) throws(SettingError) -> Void,
    write: @escaping @Sendable (Section) -> SettingValue?
  ) {
    self.key = key
    self.meaning = meaning
    self.declare = declare
    self.read = { (values, section) throws(SettingError) in
      guard let value = values[key] else { return }
      do throws(SettingError) {
        try read(value, &section)
      } catch {
        throw error.within(key)
      }
    }
    self.write = write
  }

  /// A key whose default is the property's.
  ///
  /// - Parameters:
  ///   - isRequired: whether the key must be given, because there is no sensible default.
  public init<Value: SettingConvertible>(
    _ key: String, _ path: WritableKeyPath<Section, Value> & Sendable,
    _ kind: @autoclosure @escaping @Sendable () -> SettingDeclaration.Kind, isRequired: Bool = false, _ meaning: String
  ) {
    self.init(
      key,
      declare: { defaults in
        let kind = kind()
        return (
          kind, isRequired ? .required : .standard(defaults[keyPath: path].settingValue.normalized(for: kind))
        )
      }, meaning,
      read: { (value, section) throws(SettingError) in section[keyPath: path] = try Value(settingValue: value) },
      write: { $0[keyPath: path].settingValue })
  }

  /// A key that may be absent; `otherwise` says what holds then.
  public init<Value: SettingConvertible>(
    _ key: String, _ path: WritableKeyPath<Section, Value?> & Sendable,
    _ kind: @autoclosure @escaping @Sendable () -> SettingDeclaration.Kind, otherwise: String, _ meaning: String
  ) {
    self.init(
      key,
      declare: { defaults in
        let kind = kind()
        let value = defaults[keyPath: path]?.settingValue.normalized(for: kind)
        return (kind, value.map { .standard($0) } ?? .optional(otherwise))
      }, meaning,
      read: { (value, section) throws(SettingError) in section[keyPath: path] = try Value(settingValue: value) },
      write: { $0[keyPath: path]?.settingValue })
  }

  /// A key whose property depends on other sections when it is not given: `otherwise` says how, and who reads them all
  /// sets it.
  public init<Value: SettingConvertible>(
    _ key: String, _ path: WritableKeyPath<Section, Value> & Sendable,
    _ kind: @autoclosure @escaping @Sendable () -> SettingDeclaration.Kind, otherwise: String, _ meaning: String
  ) {
    self.init(
      key, declare: { _ in (kind(), .optional(otherwise)) }, meaning,
      read: { (value, section) throws(SettingError) in section[keyPath: path] = try Value(settingValue: value) },
      write: { $0[keyPath: path].settingValue })
  }

  /// A key whose value is a word of an enumeration.
  ///
  /// - Parameter noun: what a word names: ‘padding mode’.
  public init<Value: SettingConvertible & CaseIterable & RawRepresentable>(
    _ key: String, _ path: WritableKeyPath<Section, Value> & Sendable, noun: String, isRequired: Bool = false,
    _ meaning: String
  ) where Value.RawValue == String {
    self.init(key, path, .words(Value.self, noun: noun), isRequired: isRequired, meaning)
  }

  /// A key whose value is a section; left out, the section has its defaults.
  ///
  /// - Parameter isRequired: whether it must be given, since something in it must.
  public init<Value: SettingsSection>(
    _ key: String, _ path: WritableKeyPath<Section, Value> & Sendable, isRequired: Bool = false, _ meaning: String
  ) {
    self.init(
      key,
      declare: {
        (.section(Value.declarations(defaults: $0[keyPath: path])), isRequired ? .required : .defaults)
      }, meaning,
      read: { (value, section) throws(SettingError) in try section[keyPath: path].read(value) },
      write: { $0[keyPath: path].settingValue })
  }

  /// A key whose value is a section that may be absent; `otherwise` says what holds then.
  public init<Value: SettingsSection>(
    _ key: String, _ path: WritableKeyPath<Section, Value?> & Sendable, otherwise: String, _ meaning: String
  ) {
    self.init(
      key, declare: { _ in (.section(Value.declarations()), .optional(otherwise)) }, meaning,
      read: { (value, section) throws(SettingError) in section[keyPath: path] = try Value(settingValue: value) },
      write: { $0[keyPath: path]?.settingValue })
  }

  /// A key whose value is one of several sections, told apart by a name (`Variants`).
  ///
  /// - Parameter isRequired: whether it must be given; otherwise the property's default holds.
  public init<Base: Sendable>(
    _ key: String, _ path: WritableKeyPath<Section, Base> & Sendable,
    oneOf variants: @autoclosure @escaping @Sendable () -> Variants<Base>, isRequired: Bool = false, _ meaning: String
  ) {
    self.init(
      key,
      declare: { defaults in
        let variants = variants()
        guard !isRequired else { return (.variants(variants.declaration(default: nil)), .required) }
        return (.variants(variants.declaration(default: variants.name(of: defaults[keyPath: path]))), .defaults)
      }, meaning,
      read: { (value, section) throws(SettingError) in section[keyPath: path] = try variants().read(value) },
      write: { variants().write($0[keyPath: path]) })
  }

  /// The same key in a section that holds this one as a part but is written flat.
  public func within<Outer>(_ path: WritableKeyPath<Outer, Section> & Sendable) -> Setting<Outer> {
    let (declare, read, write) = (declare, read, write)
    let key = key
    return Setting<Outer>(
      key, declare: { declare($0[keyPath: path]) }, meaning,
      read: { (value, outer) throws(SettingError) in
        do throws(SettingError) {
          try read([key: value], &outer[keyPath: path])
        } catch {
          // `read` named the key already.
          throw SettingError(error.problem, path: error.path.split(separator: ".").dropFirst().joined(separator: "."))
        }
      }, write: { write($0[keyPath: path]) })
  }
}
