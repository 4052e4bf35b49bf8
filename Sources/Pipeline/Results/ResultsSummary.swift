import Foundation
import HDF5

/// What a results file says of the run that made it, and of what the run came to, without any data.
public struct ResultsSummary: Sendable {
  /// Where it is.
  public let path: String
  /// What the job is called.
  public private(set) var title = ""
  /// By what, where and when it was made: names and texts.
  public private(set) var facts: [(name: String, text: String)] = []
  /// The tables that the run ended with; nil: it was not evaluated, or by an earlier program.
  public private(set) var table: String?
  /// The figures of the evaluation, the measurements, the calibration and the comparison with its images.
  public private(set) var figures: JSONValue = .object([:])

  /// The groups whose figures are told.
  private static let groups = ["evaluation", "calibration", "measurements", "shift", "provenance"]

  /// Reads a results file.
  ///
  /// - Throws: `RunError.noResults`, `.notResults`, `HDF5Error`, `ChecksumError`.
  public init(_ path: String) throws {
    guard RunPaths.exists(path) else { throw RunError.noResults(path) }
    self.path = path
    try ChecksummedFile.verify(path)
    let file = try File(opening: path)
    defer { try? file.close() }
    _ = try ResultsFile.job(of: file)
    let entry = try file.group("entry")
    title = try entry.readStrings("title").first ?? ""
    facts = try Self.facts(of: entry)
    if try entry.exists("evaluation/table") { table = try entry.group("evaluation").readStrings("table").first }
    var values: [String: JSONValue] = [:]
    for name in Self.groups where try entry.exists(name) { values[name] = try JSONValue(entry.group(name)) }
    figures = .object(values)
  }

  /// The dataset of `/entry/prediction` that viewers show: `mean`, or `labels` where the mean is not written.
  ///
  /// - Throws: `HDF5Error`.
  public static func shown(in path: String) throws -> String {
    try File.with(path) { try ResultsFile.signal(of: $0.group("entry/prediction")) }
  }

  /// By what, where and when results were made, without verifying them.
  ///
  /// - Throws: `HDF5Error`.
  static func facts(of path: String) throws -> [(name: String, text: String)] {
    try File.with(path) { file in
      let entry = try file.group("entry")
      var facts = try facts(of: entry)
      facts.insert(("title", try entry.readStrings("title").first ?? ""), at: 0)
      return facts
    }
  }

  private static func facts(of entry: Group) throws -> [(name: String, text: String)] {
    var facts: [(name: String, text: String)] = []
    if try entry.exists("prediction") {
      let prediction = try entry.group("prediction")
      let shown = try ResultsFile.signal(of: prediction)
      var text = "\(shown) \(try prediction.dataset(shown).shape)"
      if let section = try ResultsForm.section(of: prediction) {
        text += "; " + ResultsForm(section, isOfClasses: false, members: 0).description
      }
      facts.append(("prediction", text))
    }
    if try entry.exists("provenance") {
      let group = try entry.group("provenance")
      func add(_ name: String, _ key: String) throws {
        guard try group.exists(key) else { return }
        let dataset = try group.dataset(key)
        let text =
          dataset.elementType.isNumeric
          ? "\(try group.read(key, as: Int.self).first ?? 0)" : try group.readStrings(key).first ?? ""
        facts.append((name, text))
      }
      try add("job file", "job_path")
      try add("program", "version")
      try add("numerics", "numerics")
      try add("seed", "seed")
      try add("made", "date")
      try add("on", "host")
      try add("processor", "processor")
      try add("ranks", "ranks")
      try add("threads", "threads")
    }
    return facts
  }
}

extension ResultsSummary: Encodable {
  /// One object: the path, the title and the figures.
  public func encode(to encoder: any Encoder) throws {
    var object: [String: JSONValue] = ["results": .text(path), "title": .text(title)]
    if case .object(let values) = figures { object.merge(values) { own, _ in own } }
    try JSONValue.object(object).encode(to: encoder)
  }
}

extension ResultsSummary: CustomStringConvertible {
  public var description: String {
    let width = (facts.map(\.name.count).max() ?? 0) + 2
    let lines = facts.map { "  " + $0.name.padding(toLength: width, withPad: " ", startingAt: 0) + $0.text }
    let rest =
      table ?? "No table is stored; ‘tutti evaluate JOB’ compares the results with labels or targets and stores it."
    return ([title] + lines + ["", rest]).joined(separator: "\n")
  }
}

/// A value of JSON.
public enum JSONValue: Sendable, Encodable {
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])
  /// A number that is none.
  case null

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let value):
      if let whole = Int(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
    case .text(let text): try container.encode(text)
    case .list(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    case .null: try container.encodeNil()
    }
  }

  /// The numbers and texts of a group and the groups in it; arrays of many numbers are left out.
  init(_ group: Group) throws {
    var values: [String: JSONValue] = [:]
    for name in try group.names() {
      switch try group.kind(of: name) {
      case .group: values[name] = try JSONValue(group.group(name))
      case .dataset:
        let dataset = try group.dataset(name)
        let shape = try dataset.shape
        guard shape.reduce(1, *) <= Self.mostNumbers else { continue }
        if dataset.elementType.isNumeric {
          let numbers = try group.read(name, as: Double.self).map { $0.isFinite ? JSONValue.number($0) : .null }
          values[name] = Self.nested(numbers[...], shape)
        } else if let texts = try? group.readStrings(name) {
          values[name] = shape.isEmpty ? .text(texts.first ?? "") : .list(texts.map { .text($0) })
        }
      default: break
      }
    }
    self = .object(values)
  }

  private static let mostNumbers = 4096

  private static func nested(_ numbers: ArraySlice<JSONValue>, _ shape: [Int]) -> JSONValue {
    guard let first = shape.first else { return numbers.first ?? .null }
    guard shape.count > 1, first > 0 else { return .list(Array(numbers)) }
    let count = numbers.count / first
    return .list(
      (0..<first).map { index in
        let start = numbers.startIndex + index * count
        return nested(numbers[start..<start + count], Array(shape.dropFirst()))
      })
  }
}
