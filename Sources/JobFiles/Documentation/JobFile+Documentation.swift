import Settings

extension JobFile {
  /// A job file with what must be given and little more.
  static let example = """
    tutti: 1
    name: cement
    task: segmentation
    data:
      images: data/cement.h5:/images
      labels: data/cement.h5:/labels
      volume: true
      classes: [paste, void]
      split: {dataset: data/cement.h5:/split}
    network: {family: smsnet, nodes: 12}
    output: results/cement.h5
    """

  /// `docs/job-file.md`, from the declaration that the reader uses.
  public static var documentation: String {
    var pages = [
      """
      # The job file

      <!-- Written by the program from Sources/JobFiles; a test compares. -->

      A job file is YAML. It says what to train, on what, and where the results go. `tutti check JOB` reads and checks it
      without doing any work: unknown keys, wrong types, impossible values and missing files are all reported at once, each
      with its line.

      Paths are relative to the job file. `path:dataset` names a dataset in a file. Words may stand with or without quotes;
      numbers and `true`, `false` stand without. A short one:

      ```yaml
      \(example)
      ```

      The results depend on everything here but `name`, `output`, `ranks-per-member`, `optimizer-state` and `checkpoint`. A key
      without a default must be given.
      """
    ]
    var documented: Set<String> = []
    let settings = Job.declarations()
    pages.append(table(settings, title: "The top level", meaning: nil))
    pages += nested(settings, path: "", &documented)
    return pages.joined(separator: "\n\n") + "\n"
  }

  /// The pages of the sections within settings.
  ///
  /// - Parameter documented: what has a page already: whole pages, and what names name (‘activation’).
  private static func nested(
    _ settings: [SettingDeclaration], path: String, _ documented: inout Set<String>
  ) -> [String] {
    var pages: [String] = []
    for setting in settings {
      let path = path.isEmpty ? setting.key : "\(path).\(setting.key)"
      switch setting.kind {
      case .section(let settings), .list(of: .section(let settings), count: _):
        let page = table(settings, title: path, meaning: setting.meaning)
        guard documented.insert(page).inserted else { continue }
        pages.append(page)
        pages += nested(settings, path: path, &documented)
      default:
        guard let variants = variants(setting.kind) else { continue }
        pages += page(variants, of: setting, path: path, &documented)
      }
    }
    return pages
  }

  /// The named sections among the forms of a value.
  private static func variants(_ kind: SettingDeclaration.Kind) -> SettingDeclaration.Variants? {
    switch kind {
    case .variants(let variants): variants
    case .or(let kinds): kinds.lazy.compactMap(Self.variants).first
    case .list(let kind, _): variants(kind)
    default: nil
    }
  }

  /// The pages of a section with several forms; those without settings are in one table.
  private static func page(
    _ variants: SettingDeclaration.Variants, of setting: SettingDeclaration, path: String,
    _ documented: inout Set<String>
  ) -> [String] {
    var pages = ["## \(path)\n\n\(sentence(setting.meaning))"]
    if case .value(let selector) = variants.selector {
      if case .choice(let choice) = selector.kind, !documented.insert(choice.noun).inserted { return [] }
      pages.append(rows([selector]))
    }
    for variant in variants.variants where !(variant.meaning.isEmpty && variant.settings.isEmpty) {
      let title =
        switch variants.selector {
        case .value(let selector): "\(path), \(selector.key): \(variant.name)"
        case .presence: "\(path) by \(variant.name)"
        }
      pages.append(
        table(variant.settings, title: title, meaning: variant.meaning.isEmpty ? nil : variant.meaning, level: 3))
      pages += nested(variant.settings, path: path, &documented)
    }
    return pages
  }

  private static func table(_ settings: [SettingDeclaration], title: String, meaning: String?, level: Int = 2) -> String
  {
    let head = String(repeating: "#", count: level) + " \(title)\n\n"
    return head + (meaning.map { sentence($0) + "\n\n" } ?? "") + rows(settings)
  }

  private static func rows(_ settings: [SettingDeclaration]) -> String {
    let lines = settings.map { "| `\($0.key)` | \(values($0.kind)) | \(absence($0)) | \($0.meaning) |" }
    return (["| key | value | default | meaning |", "| --- | --- | --- | --- |"] + lines).joined(separator: "\n")
  }

  private static func sentence(_ phrase: String) -> String { phrase.prefix(1).uppercased() + phrase.dropFirst() + "." }

  private static func values(_ kind: SettingDeclaration.Kind) -> String {
    switch kind {
    case .boolean: "`true` or `false`"
    case .wholeNumber(let range): "whole number, \(SettingReader.bounds(range))"
    case .number(let interval): "number, \(interval)"
    case .text: "text"
    case .dataPath: "`path[:dataset]`"
    case .outputPath: "path"
    case .choice(let choice): SettingReader.either(choice.words.map { "`\($0)`" })
    case .or(let kinds):
      kinds.indices.map { index in
        let before = kinds[..<index].map(values).joined(separator: ", or ")
        if case .list(let element, let count) = kinds[index], values(element) == before {
          return "list of \(counted(count)) of these"
        }
        return values(kinds[index])
      }.joined(separator: ", or ")
    case .section, .variants: "section"
    case .map(let from, let to):
      "section with keys of \(SettingReader.bounds(from)), each: whole number, \(SettingReader.bounds(to))"
    case .list(let element, let count): "list of \(counted(count)), each: \(values(element))"
    }
  }

  private static func counted(_ count: ClosedRange<Int>) -> String {
    count.lowerBound == count.upperBound ? "\(count.lowerBound)" : SettingReader.bounds(count)
  }

  private static func absence(_ setting: SettingDeclaration) -> String {
    switch setting.presence {
    case .required: ""
    case .optional(let text): text
    case .standard(let value): "`\(value)`"
    case .derived(let text, _): "`\(text)`"
    case .defaults: "its defaults"
    }
  }
}
