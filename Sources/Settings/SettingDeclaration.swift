/// One key of a section as readers and documentation see it: what may stand there, what holds without it, what it
/// means.
///
/// `Setting` declares a key beside the property that holds it; this is what is left of that when the type of the
/// section is forgotten.
public struct SettingDeclaration: Sendable {
  /// The word that a job file and stored files call it by.
  public let key: String
  /// What may stand as the value.
  public let kind: Kind
  /// What holds when the key is not given.
  public let presence: Presence
  /// One phrase, without a full stop.
  public let meaning: String

  /// What holds when the key is not given.
  public enum Presence: Sendable {
    case required
    /// The setting is absent; the text says what happens then.
    case optional(String)
    case standard(SettingValue)
    /// The value follows from the other settings of the section (nil when those are wrong); the text says how.
    case derived(String, @Sendable ([String: SettingValue]) -> SettingValue?)
    /// A section that may be left out, all of whose settings then have their defaults.
    case defaults
  }

  /// What may stand as the value.
  public indirect enum Kind: Sendable {
    case boolean
    case wholeNumber(ClosedRange<Int>)
    case number(Interval)
    case text
    /// A file to read, `path[:dataset]`.
    case dataPath
    /// A file to write.
    case outputPath
    /// One of a few words.
    case choice(Choice)
    case list(of: Kind, count: ClosedRange<Int>)
    /// A section whose keys are whole numbers, and its values too.
    case map(from: ClosedRange<Int>, to: ClosedRange<Int>)
    /// The first of these that has the form of what is given, or else the first.
    case or([Kind])
    case section([SettingDeclaration])
    case variants(Variants)

    /// A whole number of a range.
    public static func integer(_ range: ClosedRange<Int>) -> Kind { .wholeNumber(range) }
    /// A whole number without an upper end.
    public static func integer(_ range: PartialRangeFrom<Int>) -> Kind { .wholeNumber(range.lowerBound...Int.max) }
    /// A list of so many values or more.
    public static func list(of kind: Kind, _ count: PartialRangeFrom<Int>) -> Kind {
      .list(of: kind, count: count.lowerBound...Int.max)
    }
    /// A list of so many values.
    public static func list(of kind: Kind, _ count: Int) -> Kind { .list(of: kind, count: count...count) }

    /// A word of an enumeration.
    ///
    /// - Parameter noun: what a word names: ‘padding mode’.
    public static func words<Word: CaseIterable & RawRepresentable<String>>(_: Word.Type, noun: String) -> Kind {
      .choice(Choice(noun: noun, words: Word.allCases.map(\.rawValue)))
    }
  }

  /// Words that a setting takes.
  public struct Choice: Sendable {
    /// What a word names: ‘loss’, ‘network family’.
    public let noun: String
    /// The words, in the order in which messages list them.
    public let words: [String]

    /// One of these words.
    public init(noun: String, words: [String]) {
      self.noun = noun
      self.words = words
    }
  }

  /// A section with several forms.
  public struct Variants: Sendable {
    /// What says which of the forms is meant.
    public enum Selector: Sendable {
      /// The form is named by the value of this key.
      case value(SettingDeclaration)
      /// The first form is meant when this key is given, else the second.
      case presence(key: String)
    }

    /// One of the forms.
    public struct Variant: Sendable {
      /// What the form is called.
      public let name: String
      /// What it is, in one phrase without a full stop.
      public let meaning: String
      /// Its keys, but for the one that names it.
      public let settings: [SettingDeclaration]

      /// A form with these keys.
      public init(name: String, meaning: String, settings: [SettingDeclaration]) {
        self.name = name
        self.meaning = meaning
        self.settings = settings
      }
    }

    /// What says which of the forms is meant.
    public let selector: Selector
    /// The forms.
    public let variants: [Variant]

    /// A section with these forms.
    public init(selector: Selector, variants: [Variant]) {
      self.selector = selector
      self.variants = variants
    }
  }

  /// A setting that must be given.
  public init(_ key: String, _ kind: Kind, _ meaning: String) {
    self.init(key: key, kind: kind, presence: .required, meaning: meaning)
  }

  /// A setting with a default value.
  public init(_ key: String, _ kind: Kind, default value: SettingValue, _ meaning: String) {
    self.init(key: key, kind: kind, presence: .standard(value.normalized(for: kind)), meaning: meaning)
  }

  /// A key with all that is known of it.
  public init(key: String, kind: Kind, presence: Presence, meaning: String) {
    self.key = key
    self.kind = kind
    self.presence = presence
    self.meaning = meaning
  }

  /// Whether the key must be given.
  public var isRequired: Bool {
    if case .required = presence { true } else { false }
  }
}
