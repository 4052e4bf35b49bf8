// The form of a job file is declared once, as values of these types (`Setting+Job.swift`). The reader, its messages and
// docs/job-file.md come from that declaration.

/// One key of a job file: what may stand there, what holds without it, and what it means.
struct Setting: Sendable {
  let key: String
  let kind: Kind
  let presence: Presence
  /// One phrase, without a full stop.
  let meaning: String

  /// What holds when the key is not given.
  enum Presence: Sendable {
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
  indirect enum Kind: Sendable {
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
    /// The first of these that has the form of what is given, or else the first.
    case or([Kind])
    case section([Setting])
    case variants(Variants)

    static func integer(_ range: ClosedRange<Int>) -> Kind { .wholeNumber(range) }
    static func integer(_ range: PartialRangeFrom<Int>) -> Kind { .wholeNumber(range.lowerBound...Int.max) }
    static func list(of kind: Kind, _ count: PartialRangeFrom<Int>) -> Kind {
      .list(of: kind, count: count.lowerBound...Int.max)
    }
    static func list(of kind: Kind, _ count: Int) -> Kind { .list(of: kind, count: count...count) }
  }

  /// Words that a setting takes.
  struct Choice: Sendable {
    /// What a word names: ‘loss’, ‘network family’.
    let noun: String
    let words: [String]
  }

  /// A section with several forms.
  struct Variants: Sendable {
    enum Selector: Sendable {
      /// The form is named by the value of this key.
      case value(Setting)
      /// The first form is meant when this key is given, else the second.
      case presence(key: String)
    }

    struct Variant: Sendable {
      let name: String
      let meaning: String
      let settings: [Setting]
    }

    let selector: Selector
    let variants: [Variant]
  }

  /// A setting that must be given.
  init(_ key: String, _ kind: Kind, _ meaning: String) {
    self.init(key: key, kind: kind, presence: .required, meaning: meaning)
  }

  /// A setting with a default value.
  init(_ key: String, _ kind: Kind, default value: SettingValue, _ meaning: String) {
    self.init(key: key, kind: kind, presence: .standard(value.normalized(for: kind)), meaning: meaning)
  }

  /// A setting that may be absent.
  init(_ key: String, _ kind: Kind, otherwise: String, _ meaning: String) {
    self.init(key: key, kind: kind, presence: .optional(otherwise), meaning: meaning)
  }

  /// A section that may be left out because every setting in it has a default.
  init(_ key: String, defaults settings: [Setting], _ meaning: String) {
    self.init(key: key, kind: .section(settings), presence: .defaults, meaning: meaning)
  }

  /// A section with several forms that may be left out: the form that the selector's default names then holds.
  init(_ key: String, defaults variants: Variants, _ meaning: String) {
    self.init(key: key, kind: .variants(variants), presence: .defaults, meaning: meaning)
  }

  init(key: String, kind: Kind, presence: Presence, meaning: String) {
    self.key = key
    self.kind = kind
    self.presence = presence
    self.meaning = meaning
  }

  /// These settings with the defaults that a type of settings with the same keys has by itself; what it leaves open may be
  /// absent.
  static func settings(_ settings: [Setting], withDefaultsOf values: some Encodable) -> [Setting] {
    self.settings(settings, withDefaults: SettingValue(encoding: values))
  }

  private static func settings(_ settings: [Setting], withDefaults values: SettingValue) -> [Setting] {
    settings.map { setting in
      guard let value = values[setting.key] else { return setting }
      if case .section(let inner) = setting.kind {
        return Setting(setting.key, defaults: self.settings(inner, withDefaults: value), setting.meaning)
      }
      return Setting(setting.key, setting.kind, default: value, setting.meaning)
    }
  }

  /// Whether the key must be given.
  var isRequired: Bool {
    if case .required = presence { true } else { false }
  }
}

/// A range of numbers whose ends may be left out.
struct Interval: Sendable, CustomStringConvertible {
  private enum Bound: Sendable {
    case none
    case included(Double)
    case excluded(Double)
  }
  private var low = Bound.none
  private var high = Bound.none

  static func atLeast(_ low: Double) -> Interval { Interval(low: .included(low)) }
  static func above(_ low: Double) -> Interval { Interval(low: .excluded(low)) }
  static func above(_ low: Double, below high: Double) -> Interval {
    Interval(low: .excluded(low), high: .excluded(high))
  }
  static func above(_ low: Double, atMost high: Double) -> Interval {
    Interval(low: .excluded(low), high: .included(high))
  }
  static func atLeast(_ low: Double, below high: Double) -> Interval {
    Interval(low: .included(low), high: .excluded(high))
  }
  static func from(_ range: ClosedRange<Double>) -> Interval {
    Interval(low: .included(range.lowerBound), high: .included(range.upperBound))
  }

  func contains(_ value: Double) -> Bool {
    let aboveLow =
      switch low {
      case .none: true
      case .included(let bound): value >= bound
      case .excluded(let bound): value > bound
      }
    let belowHigh =
      switch high {
      case .none: true
      case .included(let bound): value <= bound
      case .excluded(let bound): value < bound
      }
    return aboveLow && belowHigh
  }

  var description: String {
    let lowText =
      switch low {
      case .none: ""
      case .included(let bound): "at least \(SettingValue.number(bound))"
      case .excluded(let bound): "above \(SettingValue.number(bound))"
      }
    let highText =
      switch high {
      case .none: ""
      case .included(let bound): "at most \(SettingValue.number(bound))"
      case .excluded(let bound): "below \(SettingValue.number(bound))"
      }
    return [lowText, highText].filter { !$0.isEmpty }.joined(separator: " and ")
  }

  /// The range in JSON Schema.
  var schema: [String: Any] {
    var result: [String: Any] = ["type": "number"]
    switch low {
    case .none: break
    case .included(let bound): result["minimum"] = bound
    case .excluded(let bound): result["exclusiveMinimum"] = bound
    }
    switch high {
    case .none: break
    case .included(let bound): result["maximum"] = bound
    case .excluded(let bound): result["exclusiveMaximum"] = bound
    }
    return result
  }
}
