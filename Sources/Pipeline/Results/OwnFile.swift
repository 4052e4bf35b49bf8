import Ensembles
import HDF5
import JobFiles
import Training

/// What one of the files that this program writes says of itself: a member, a checkpoint, a calibration, results, objects.
public struct OwnFile: Sendable {
  /// Where it is.
  public let path: String
  /// What it is, in words.
  public let kind: String
  /// Names and texts.
  public private(set) var facts: [(name: String, text: String)] = []
  /// Whether it has an array of images to look at besides.
  public private(set) var hasImages = false

  /// What a file says; nil when it is none of this program's.
  ///
  /// - Throws: `ChecksumError` of a damaged file, `HDF5Error`, `MemberFileError`, `RunError`.
  public init?(_ path: String) throws {
    if ChecksummedFile.isOne(path) {
      try ChecksummedFile.verify(path)
    } else {
      guard RunPaths.exists(path), Recalibration.isOfResults(path) else { return nil }
    }
    guard let file = try? File(opening: path) else { return nil }
    var format: String?
    if (try? file.hasAttribute("format")) == true { format = try? file.attribute("format", as: String.self) }
    let names = (try? file.names()) ?? []
    try file.close()
    self.path = path
    switch format {
    case MemberFile.format:
      let isAggregate = path.hasSuffix("/" + RunPaths.aggregateName)
      kind = isAggregate ? "a network that combines the members of an ensemble" : "a member of an ensemble"
      add(try MemberFile.read(path))
    case MemberCheckpoint.format:
      kind = "a checkpoint of a member's training"
      if let summary = try MemberCheckpoint.summary(path) { add(summary) }
    case CalibrationFile.format:
      kind = "the calibration of an ensemble"
      add(try CalibrationFile.read(path))
    case ResultsFile.format:
      (kind, hasImages) = (try Self.kind(ofResults: path), true)
      facts = try ResultsSummary.facts(of: path)
      facts.append(("tables", "‘tutti show \(path)’ prints them"))
    case InstanceTable.format:
      (kind, hasImages) = ("the objects of a prediction", true)
      try addObjects()
    case nil where Set(names) == ["member", "fingerprint", "reason"]:
      kind = "which members of an ensemble learnt"
      add(try MemberVerdicts(path))
    default: return nil
    }
  }

  private static func kind(ofResults path: String) throws -> String {
    try File.with(path) { try $0.exists("entry/members") } ? "the results of a job" : "a prediction of new images"
  }

  private mutating func add(_ member: TrainedMember) {
    let settings = member.settings
    let channels = "\(settings.inputChannels) to \(settings.outputChannels) channels"
    let classes = member.classes.isEmpty ? "" : ": " + member.classes.joined(separator: ", ")
    facts = [
      ("member", "\(member.index) of \(settings.members), seed \(settings.seed)"),
      ("network", "\(settings.family.name), \(member.parameters.count) parameters, \(channels)"),
      ("task", settings.task.rawValue + classes),
      ("training", "patches of \(settings.patch), batches of \(settings.batch)"),
    ]
    addEpochs(member.history, of: settings.epochs)
    if member.attempt > 0 { facts.append(("attempt", "\(member.attempt + 1), from other initial weights")) }
    if let failure = member.earlierFailure {
      facts.append(("before", "\(failure); then the rate was multiplied by \(TextTable.number(member.rateFactor))"))
    }
    if let processor = member.processor { facts.append(("processor", processor)) }
  }

  private mutating func add(_ summary: MemberCheckpoint.Summary) {
    facts = [("member", "\(summary.member)"), ("steps", "\(summary.steps)")]
    addEpochs(summary.history, of: nil)
    if summary.isWithinEpoch { facts.append(("at", "within epoch \(summary.history.count + 1)")) }
    if let processor = summary.processor { facts.append(("processor", processor)) }
  }

  private mutating func addEpochs(_ history: [EpochRecord], of all: Int?) {
    facts.append(("epochs", "\(history.count)" + (all.map { " of \($0)" } ?? "")))
    guard let last = history.last else { return }
    func text(_ record: EpochRecord) -> String {
      var figures = ["loss \(TextTable.number(record.loss))"]
      if let loss = record.validationLoss { figures.append("validation loss \(TextTable.number(loss))") }
      for (name, value) in record.metrics.sorted(by: { $0.key < $1.key }) {
        figures.append("\(name.replacing("_", with: " ")) \(TextTable.number(value))")
      }
      return figures.joined(separator: ", ")
    }
    facts.append(("last epoch", text(last)))
    let best = history.indices.filter { history[$0].validationLoss != nil }.min {
      (history[$0].validationLoss ?? 0) < (history[$1].validationLoss ?? 0)
    }
    if let best, best < history.count - 1 { facts.append(("best epoch", "\(best + 1): " + text(history[best]))) }
  }

  private mutating func add(_ calibration: Calibration) {
    let unit = calibration.unit ?? .pixel
    let units = unit == .pixel ? "" : " of \(calibration.units) units"
    facts = [("method", calibration.method.name), ("unit", "\(unit.rawValue); \(calibration.scores) scores\(units)")]
    let width = calibration.values.count / max(1, calibration.levels.count)
    for (index, level) in calibration.levels.enumerated() {
      let values = calibration.values[index * width..<(index + 1) * width].map { value in
        if case .score(let score) = value { TextTable.number(Double(score)) } else { "infeasible" }
      }
      facts.append(("level \(level)", values.joined(separator: ", ")))
    }
    for line in calibration.combination.remarks(calibration.method) { facts.append(("members", line)) }
  }

  private mutating func add(_ verdicts: MemberVerdicts) {
    for (member, reason) in zip(verdicts.members, verdicts.reasons) {
      facts.append(("member \(member)", reason.map { "did not learn: \($0)" } ?? "learnt"))
    }
  }

  private mutating func addObjects() throws {
    let (count, rule) = try File.with(path) { file in
      let entry = try file.group("entry")
      let table = try entry.group("objects")
      let count =
        try table.exists("number") ? table.dataset("number").shape[0] : Int(table.attribute("count", as: Int64.self))
      return (count, try InstanceFigures.rule(of: entry))
    }
    facts.append(("objects", "\(count)"))
    if let rule { facts.append(("rule", rule)) }
  }
}

extension OwnFile: CustomStringConvertible {
  /// The path, and a line for what the file is and for each fact.
  public var description: String {
    facts.reduce("\(path)\n  \(TextTable.pad("is", 12))\(kind)") { text, fact in
      text + "\n  " + TextTable.pad(fact.name, 12) + fact.text
    }
  }
}

extension OwnFile: Encodable {
  /// One object: the path, what the file is, and its facts by name.
  public func encode(to encoder: any Encoder) throws {
    let texts = facts.reduce(into: [String: JSONValue]()) { texts, fact in
      // What is told in several lines is one text.
      if case .text(let before)? = texts[fact.name] {
        texts[fact.name] = .text(before + "\n" + fact.text)
      } else {
        texts[fact.name] = .text(fact.text)
      }
    }
    try JSONValue.object(["location": .text(path), "kind": .text(kind), "facts": .object(texts)]).encode(to: encoder)
  }
}
