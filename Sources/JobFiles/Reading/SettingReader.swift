import Settings

/// Reads a YAML tree as the settings that a declaration allows, and collects what is wrong with it.
struct SettingReader {
  private(set) var problems: [JobError.Problem] = []
  /// The line of every setting that is given, by its path.
  private(set) var lines: [String: Int] = [:]

  /// Reads the whole file. Settings that are wrong are missing in the result.
  mutating func read(_ node: YAMLDocument.Node, as settings: [SettingDeclaration]) -> SettingValue {
    guard case .mapping(let entries) = node.content else {
      report(node.line, "", "a job file holds settings, as in ‘name: cement’; docs/job-file.md lists them")
      return .section([:])
    }
    return .section(section(entries, settings, at: "", line: 1))
  }

  mutating func report(_ line: Int, _ path: String, _ message: String) {
    problems.append(JobError.Problem(line: line, path: path, message: message))
  }

  /// The line of a setting, or of the section around it when it is not given.
  func line(of path: String) -> Int {
    if let line = lines[path] { return line }
    guard let dot = path.lastIndex(of: ".") else { return 1 }
    return line(of: String(path[..<dot]))
  }

  // MARK: Sections

  /// - Parameter unknown: a better message for a key that is not among the settings, or nil.
  private mutating func section(
    _ entries: [YAMLDocument.Entry], _ settings: [SettingDeclaration], at path: String, line: Int,
    unknown: ((String) -> String?)? = nil
  ) -> [String: SettingValue] {
    var values: [String: SettingValue] = [:]
    var given = Set<String>()
    for entry in entries {
      let entryPath = join(path, entry.key)
      guard let setting = settings.first(where: { $0.key == entry.key }) else {
        report(entry.line, entryPath, unknown?(entry.key) ?? Self.unknownMessage(entry.key, settings, at: path))
        continue
      }
      given.insert(entry.key)
      lines[entryPath] = entry.line
      values[entry.key] = read(entry.value, as: setting, at: entryPath)
    }
    for setting in settings where !given.contains(setting.key) {
      values[setting.key] = absent(setting, values, at: join(path, setting.key), line: line)
    }
    return values
  }

  private mutating func absent(
    _ setting: SettingDeclaration, _ values: [String: SettingValue], at path: String, line: Int
  ) -> SettingValue? {
    switch setting.presence {
    case .required:
      report(line, path, "missing; give \(setting.meaning)")
      return nil
    case .optional: return nil
    case .standard(let value): return value
    case .derived(_, let value): return value(values)
    case .defaults:
      switch setting.kind {
      case .section(let settings): return .section(section([], settings, at: path, line: line))
      case .variants(let variants): return self.variants([], variants, at: path, line: line)
      default: return nil
      }
    }
  }

  private static func unknownMessage(_ key: String, _ settings: [SettingDeclaration], at path: String) -> String {
    let known = settings.map(\.key)
    if Int(key) != nil { return "unknown setting; in numbers write a point, not a comma: 0.\(key)" }
    if let meant = Spelling.nearest(to: key, among: known) { return "unknown setting; did you mean ‘\(meant)’?" }
    if let elsewhere = SettingDeclaration.paths(of: key).first(where: { $0 != path }) {
      return "unknown setting; did you mean ‘\(elsewhere)’?"
    }
    return "unknown setting; known here: \(known.joined(separator: ", "))"
  }

  private mutating func variants(
    _ entries: [YAMLDocument.Entry], _ variants: SettingDeclaration.Variants, at path: String, line: Int
  ) -> SettingValue? {
    switch variants.selector {
    case .presence(let key):
      let chosen = variants.variants[entries.contains { $0.key == key } ? 0 : 1]
      let others = variants.variants.flatMap(\.settings)
      return .section(
        section(entries, chosen.settings, at: path, line: line) { name in
          guard !chosen.settings.contains(where: { $0.key == name }), others.contains(where: { $0.key == name }) else {
            return nil
          }
          return "unknown setting in a split by \(chosen.name)"
        })
    case .value(let selector):
      let selectorPath = join(path, selector.key)
      let name: SettingValue?
      if let entry = entries.first(where: { $0.key == selector.key }) {
        lines[selectorPath] = entry.line
        name = read(entry.value, as: selector, at: selectorPath)
      } else if case .standard(let value) = selector.presence {
        name = value
      } else {
        report(line, selectorPath, "missing; give \(selector.meaning): \(Self.either(variants.variants.map(\.name)))")
        return nil
      }
      guard let name, let chosen = variants.variants.first(where: { $0.name == name.text }) else { return nil }
      let others = variants.variants.filter { $0.name != chosen.name }
      var values = section(
        entries.filter { $0.key != selector.key }, chosen.settings, at: path, line: line
      ) { key in
        guard Spelling.nearest(to: key, among: chosen.settings.map(\.key)) == nil,
          let other = others.first(where: { $0.settings.contains { $0.key == key } })
        else { return nil }
        return "unknown setting of \(chosen.name); it belongs to \(other.name)"
      }
      values[selector.key] = name
      return .section(values)
    }
  }

  // MARK: Values

  private mutating func read(_ node: YAMLDocument.Node, as setting: SettingDeclaration, at path: String)
    -> SettingValue?
  {
    if case .scalar(let text, quoted: false) = node.content, text.isEmpty || text == "~" || text == "null" {
      switch setting.presence {
      case .required: report(node.line, path, "has no value; give \(setting.meaning)")
      default: report(node.line, path, "has no value; give one, or remove the key for its default")
      }
      return nil
    }
    return read(node, as: setting.kind, at: path)
  }

  private mutating func read(_ node: YAMLDocument.Node, as kind: SettingDeclaration.Kind, at path: String)
    -> SettingValue?
  {
    switch kind {
    case .section(let settings):
      guard case .mapping(let entries) = node.content else {
        return fail(node, path, "\(Self.shown(node)) stands where a section belongs, with \(Self.keys(settings))")
      }
      return .section(section(entries, settings, at: path, line: line(of: path)))
    case .variants(let variants):
      guard case .mapping(let entries) = node.content else {
        let keys =
          switch variants.selector {
          case .value(let selector):
            (selector.isRequired ? [] : variants.variants.first?.settings ?? []).reduce(selector.key) {
              "\($0), \($1.key)"
            }
          case .presence: variants.variants.map { Self.keys($0.settings) }.joined(separator: "; or ")
          }
        return fail(node, path, "\(Self.shown(node)) stands where a section belongs, with \(keys)")
      }
      return self.variants(entries, variants, at: path, line: line(of: path))
    case .list(let element, let count):
      guard case .list(let items) = node.content else {
        let example = if case .scalar(let text, _) = node.content { ": [\(text)]" } else { "" }
        return fail(node, path, "\(Self.shown(node)) is not a list; write one in brackets\(example)")
      }
      guard count.contains(items.count) else {
        let wanted =
          count.lowerBound == count.upperBound
          ? "\(count.lowerBound)"
          : items.count < count.lowerBound && count.upperBound > 100
            ? "at least \(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
        let isOne = wanted == "1" || wanted.hasSuffix(" 1")
        return fail(node, path, "needs \(wanted) \(isOne ? "value" : "values"), not \(items.count)")
      }
      let values = items.compactMap { read($0, as: element, at: path) }
      return values.count == items.count ? .list(values) : nil
    case .map(let keys, let values):
      guard case .mapping(let entries) = node.content, !entries.isEmpty else {
        return fail(node, path, "\(Self.shown(node)) stands where a section belongs, as in {0: 0, 255: 1}")
      }
      var map: [String: SettingValue] = [:]
      for entry in entries {
        guard let key = Int(entry.key), keys.contains(key) else {
          report(entry.line, path, "‘\(entry.key)’ is no key; write whole numbers, \(Self.bounds(keys))")
          continue
        }
        map["\(key)"] = read(entry.value, as: .wholeNumber(values), at: path)
      }
      return map.count == entries.count ? .section(map) : nil
    case .or(let kinds):
      guard let kind = kinds.first(where: { Self.hasForm(node, of: $0) }) ?? kinds.first else { return nil }
      return read(node, as: kind, at: path)
    case .boolean, .wholeNumber, .number, .text, .dataPath, .outputPath, .choice:
      guard case .scalar(let text, let quoted) = node.content else {
        return fail(node, path, "\(Self.shown(node)) stands where one value belongs")
      }
      return scalar(text, quoted: quoted, node, as: kind, at: path)
    }
  }

  private mutating func scalar(
    _ text: String, quoted: Bool, _ node: YAMLDocument.Node, as kind: SettingDeclaration.Kind, at path: String
  ) -> SettingValue? {
    let hint = quoted ? "; remove the quotes" : ""
    switch kind {
    case .boolean:
      switch text {
      case "true" where !quoted: return true
      case "false" where !quoted: return false
      case "yes", "Yes", "YES", "on", "On", "ON", "True", "TRUE", "true":
        return fail(node, path, "‘\(text)’ is not true or false; write true without quotes")
      case "no", "No", "NO", "off", "Off", "OFF", "False", "FALSE", "false":
        return fail(node, path, "‘\(text)’ is not true or false; write false without quotes")
      default: return fail(node, path, "‘\(text)’ is not true or false")
      }
    case .wholeNumber(let range):
      guard !quoted, let value = Int(text) else {
        let digits = text.drop { $0 == "-" || $0 == "+" }
        if !quoted, !digits.isEmpty, digits.allSatisfy({ ("0"..."9").contains($0) }) {
          return fail(node, path, "must be \(Self.bounds(range)), not \(text)")
        }
        let whole = quoted ? nil : Double(text.filter { $0 != "_" }).flatMap { Int(exactly: $0) }
        return fail(
          node, path,
          "‘\(text)’ is not a whole number" + (Int(text) == nil ? whole.map { "; write \($0)" } ?? "" : hint))
      }
      guard range.contains(value) else { return fail(node, path, "must be \(Self.bounds(range)), not \(value)") }
      return .integer(value)
    case .number(let interval):
      // Swift reads hexadecimal numbers, ‘nan’ and ‘infinity’ too; a job has none of them.
      let isDecimal = text.allSatisfy { "0123456789+-.eE".contains($0) }
      guard !quoted, isDecimal, let value = Double(text), value.isFinite else {
        let part =
          text.hasSuffix("%") ? Double(text.dropLast()).map { "; write \(SettingValue.number($0 / 100))" } : nil
        return fail(
          node, path, "‘\(text)’ is not a number" + (part ?? (isDecimal && Double(text) != nil ? hint : "")))
      }
      guard interval.contains(value) else {
        return fail(node, path, "must be \(interval.bounds(against: value)), not \(text)")
      }
      return .number(value)
    case .choice(let choice): return word(text, choice, node, at: path)
    case .dataPath:
      guard DataPath(text) != nil else {
        return fail(node, path, "‘\(text)’ is not path[:dataset], as in data/cement.h5:/images")
      }
      return .text(text)
    case .text, .outputPath:
      if !quoted, ["~", "null"].contains(text) {
        return fail(node, path, "‘\(text)’ is no value; give one, or write it in quotes")
      }
      return text.isEmpty ? fail(node, path, "is empty") : .text(text)
    default: return nil
    }
  }

  private mutating func word(
    _ text: String, _ choice: SettingDeclaration.Choice, _ node: YAMLDocument.Node, at path: String
  ) -> SettingValue? {
    if choice.words.contains(text) { return .text(text) }
    if let hash = text.firstIndex(of: "#"), choice.words.contains(String(text[..<hash])) {
      return fail(node, path, "‘\(text)’ is one word; write a space before a comment's #")
    }
    let known = Self.either(choice.words)
    guard let meant = Spelling.nearest(to: text, among: choice.words) else {
      return fail(node, path, "unknown \(choice.noun) ‘\(text)’; write \(known)")
    }
    return fail(
      node, path,
      "unknown \(choice.noun) ‘\(text)’; did you mean ‘\(meant)’?" + (choice.words.count > 1 ? " Known: \(known)" : ""))
  }

  private mutating func fail(_ node: YAMLDocument.Node, _ path: String, _ message: String) -> SettingValue? {
    report(node.line, path, message)
    return nil
  }

  /// Whether a value looks like one of the kind, be it allowed or not.
  private static func hasForm(_ node: YAMLDocument.Node, of kind: SettingDeclaration.Kind) -> Bool {
    switch (node.content, kind) {
    case (.list(let items), .list(let element, _)): isList(items.first) == isList(element)
    case (.mapping, .section), (.mapping, .variants): true
    case (.scalar(let text, _), .choice(let choice)): choice.words.contains(text)
    case (.scalar(let text, _), .wholeNumber): Int(text) != nil
    case (.scalar(let text, _), .number): Double(text) != nil
    default: false
    }
  }

  private static func isList(_ node: YAMLDocument.Node?) -> Bool {
    if case .list? = node?.content { true } else { false }
  }

  private static func isList(_ kind: SettingDeclaration.Kind) -> Bool {
    if case .list = kind { true } else { false }
  }

  // MARK: Words

  private func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private static func shown(_ node: YAMLDocument.Node) -> String {
    switch node.content {
    case .scalar(let text, _): "‘\(text)’"
    case .list: "a list"
    case .mapping: "a section"
    }
  }

  private static func keys(_ settings: [SettingDeclaration]) -> String { settings.map(\.key).joined(separator: ", ") }

  static func bounds(_ range: ClosedRange<Int>) -> String {
    range.upperBound == Int.max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }

  static func either(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or \(last)"
  }
}

extension SettingDeclaration {
  /// The paths at which a key stands anywhere in a job file, the least deep first, else in the order of the
  /// declaration.
  static func paths(of key: String) -> [String] {
    func find(_ settings: [SettingDeclaration], _ path: String) -> [String] {
      settings.flatMap { setting -> [String] in
        let settingPath = path.isEmpty ? setting.key : "\(path).\(setting.key)"
        let below =
          switch setting.kind {
          case .section(let settings): find(settings, settingPath)
          case .variants(let variants): variants.variants.flatMap { find($0.settings, settingPath) }
          default: [String]()
          }
        return (setting.key == key ? [settingPath] : []) + below
      }
    }
    let all = find(Job.declarations(), "").map { (path: $0, depth: $0.split(separator: ".").count) }
    return Set(all.map(\.depth)).sorted().flatMap { depth in all.filter { $0.depth == depth }.map(\.path) }
  }
}
