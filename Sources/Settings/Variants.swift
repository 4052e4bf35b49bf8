/// A section that has a name among others: a loss, an optimizer, a family of networks.
public protocol NamedSection: SettingsSection {
  /// The word that a job file and stored files call it by.
  static var name: String { get }
  /// What it is, in one phrase without a full stop, with its source.
  static var meaning: String { get }
}

/// One entry of a list of `Variants`.
public struct Variant<Base: Sendable>: Sendable {
  /// The word that a job file and stored files call it by.
  public let name: String
  /// What it is, in one phrase without a full stop, with its source.
  public let meaning: String
  let declarations: @Sendable () -> [SettingDeclaration]
  let read: @Sendable (SettingValue) throws(SettingError) -> Base
  /// Nil for a value of another variant.
  let write: @Sendable (Base) -> SettingValue?

  /// The variant of a type.
  ///
  /// - Parameter wrap: the section as what the list holds, `{ $0 }` for a protocol that it conforms to.
  public init<Section: NamedSection>(_: Section.Type, _ wrap: @escaping @Sendable (Section) -> Base) {
    self.init(name: Section.name, meaning: Section.meaning, defaults: Section(), wrap) { $0 as? Section }
  }

  /// A variant with a name, and perhaps defaults, of its own.
  ///
  /// - Parameter unwrap: nil for a value of another variant.
  public init<Section: SettingsSection>(
    name: String, meaning: String, defaults: Section, _ wrap: @escaping @Sendable (Section) -> Base,
    unwrap: @escaping @Sendable (Base) -> Section?
  ) {
    self.name = name
    self.meaning = meaning
    declarations = { Section.declarations(defaults: defaults) }
    read = { (value) throws(SettingError) in
      var section = defaults
      try section.read(value)
      return wrap(section)
    }
    write = { unwrap($0)?.settingValue }
  }
}

/// A list of sections of which a user names one: `{name: adam, rate: 0.01}`, or the name alone, `adam`.
public struct Variants<Base: Sendable>: Sendable {
  /// The key that holds the name.
  public let key: String
  /// What a name names: ‘loss’, ‘network family’.
  public let noun: String
  /// The entries, in the order in which messages list them.
  public var list: [Variant<Base>]

  /// A list whose entries are named by the value of a key.
  public init(key: String = "name", noun: String, _ list: [Variant<Base>]) {
    self.key = key
    self.noun = noun
    self.list = list
  }

  /// The names of all entries.
  public var names: [String] { list.map(\.name) }

  /// The name of a value's variant.
  ///
  /// - Precondition: the value is of a variant in the list.
  public func name(of value: Base) -> String { found(value).name }

  /// The section with its name.
  ///
  /// - Precondition: the value is of a variant in the list.
  public func write(_ value: Base) -> SettingValue {
    let (name, section) = found(value)
    return section.setting(key, to: .text(name))
  }

  private func found(_ value: Base) -> (name: String, section: SettingValue) {
    for variant in list {
      if let section = variant.write(value) { return (variant.name, section) }
    }
    preconditionFailure("\(type(of: value)) is not in the list of a \(noun)")
  }

  /// Reads a name, or a section with its name.
  ///
  /// - Throws: `SettingError` when there is no such name, and what is wrong with the section's settings.
  public func read(_ value: SettingValue) throws(SettingError) -> Base {
    guard let name = value.text ?? value[key]?.text else {
      throw SettingError("a \(noun) is a section with its name, not ‘\(value)’", path: key)
    }
    guard let variant = list.first(where: { $0.name == name }) else {
      throw SettingError("‘\(name)’ is no \(noun); there are \(names.joined(separator: ", "))", path: key)
    }
    return try variant.read(value.text == nil ? value : .section([:]))
  }

  /// The list as readers and documentation see it.
  ///
  /// - Parameter name: the variant that holds when none is named; nil: one must be.
  public func declaration(default name: String?) -> SettingDeclaration.Variants {
    let words = SettingDeclaration.Kind.choice(SettingDeclaration.Choice(noun: noun, words: names))
    let selector = SettingDeclaration(
      key: key, kind: words, presence: name.map { .standard(.text($0)) } ?? .required, meaning: "the \(noun)")
    // First what holds when none is named.
    let ordered = list.filter { $0.name == name } + list.filter { $0.name != name }
    return SettingDeclaration.Variants(
      selector: .value(selector),
      variants: ordered.map {
        SettingDeclaration.Variants.Variant(name: $0.name, meaning: $0.meaning, settings: $0.declarations())
      })
  }
}
