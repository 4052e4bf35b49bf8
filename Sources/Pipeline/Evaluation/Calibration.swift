import Ensembles
import HDF5
import Host
import Imaging
import JobFiles
import Uncertainty

/// The thresholds of an ensemble's prediction sets or intervals, and what they are thresholds of.
struct Calibration: Hashable, Sendable {
  enum Thresholds: Hashable, Sendable {
    case sets(SplitConformal)
    case intervals(ConformalIntervals)
  }

  var thresholds: Thresholds
  /// What a threshold is, for the file.
  var meaning: String
  /// Of the classes of images that are told beside; nil when none are.
  var classes: SplitConformal?
  /// What was taken for independent; nil of files of earlier programs.
  var unit: Job.UncertaintySection.Unit?
  /// The units that are known on the calibration images.
  var units: Int64 = 0
  /// Of each level, as how many independent scores the scores count; empty when that is not asked.
  var effective: [Double?] = []
  /// What scores are alike within, for `effective`.
  var alikeWithin = ""
  /// Of what is measured in images; nil: nothing is.
  var measurements: MeasurementCalibration?

  /// Of sets.
  init(_ sets: SplitConformal) {
    meaning = sets.method.thresholdMeaning()
    thresholds = .sets(sets)
  }

  /// Of intervals.
  init(_ intervals: ConformalIntervals, unit: ValueUnit = .standardDeviations) {
    meaning = intervals.method.thresholdMeaning(unit)
    thresholds = .intervals(intervals)
  }

  /// Whether sets may be empty.
  var allowsEmpty: Bool {
    get { if case .sets(let sets) = thresholds { sets.allowsEmpty } else { classes?.allowsEmpty ?? true } }
    set {
      classes?.allowsEmpty = newValue
      guard case .sets(var sets) = thresholds else { return }
      sets.allowsEmpty = newValue
      thresholds = .sets(sets)
    }
  }

  var method: ConformalMethod {
    switch thresholds {
    case .sets(let sets): sets.method
    case .intervals(let intervals): intervals.method
    }
  }

  var levels: [Coverage] {
    switch thresholds {
    case .sets(let sets): sets.levels
    case .intervals(let intervals): intervals.levels
    }
  }

  /// One a level, or `[level, class]`.
  var values: [ConformalThreshold] {
    switch thresholds {
    case .sets(let sets): sets.thresholds
    case .intervals(let intervals): intervals.thresholds
    }
  }

  /// The scores that they were found among.
  var scores: Int64 {
    switch thresholds {
    case .sets(let sets): sets.scores
    case .intervals(let intervals): intervals.scores
    }
  }

  /// Of each level, what there were too few scores for; nil where there were enough.
  ///
  /// - Parameter names: of the classes.
  func infeasible(_ names: [String]) -> [String?] {
    let width = values.count / levels.count
    return levels.indices.map { level in
      let missing = (0..<width).filter { values[level * width + $0] == .infeasible }
      if missing.isEmpty { return nil }
      guard width > 1 else {
        let what = unit.map { "\(units) calibration \($0.plural), \(levels[level].fewestUnits) would do" }
        return "\(what ?? "too few calibration pixels"): all \(method.isOfClasses ? "classes" : "numbers")"
      }
      return "too few calibration pixels of \(missing.map { names[$0] }.joined(separator: ", ")): in every set"
    }
  }
}

extension Calibration {
  /// What a table of coverages must say beside its numbers.
  ///
  /// - Parameter names: of the classes.
  func remarks(_ names: [String]) -> [String] {
    guard let unit else { return [] }
    guard unit == .pixel else {
      return ["Calibrated by \(units) \(unit.plural): the level holds in the mean over new \(unit.plural) like them."]
    }
    guard !alikeWithin.isEmpty else { return [] }
    var lines = [
      "Calibrated by pixel. Pixels of one image are alike, not exchangeable: the level holds for all pixels together and",
      "promises nothing for the next image. uncertainty.unit: image, group or patch calibrates by units that are independent.",
    ]
    let counts = zip(levels, effective).compactMap { level, count in
      count.map { "\(Int(min($0, 1e15).rounded())) at level \(level)" }
    }
    if !counts.isEmpty {
      lines.append(
        "The \(scores) calibration scores are worth fewer independent ones, judged by \(alikeWithin): "
          + counts.joined(separator: ", "))
    }
    return lines
  }
}

/// Thresholds in a small HDF5 file: `/coverage`, `/threshold` and `/infeasible` (by level, or by level and class),
/// attributes `method` and `scores`; of classes that are told beside other answers the same in `/classification`.
enum CalibrationFile {
  private static let format = "tutti calibration"

  /// What decides a calibration besides members and data: a key of the job's settings.
  static func key(_ job: Job) -> String { String(job.fingerprint, radix: 16) }

  /// - Parameters:
  ///   - origin: what the members were trained from.
  ///   - content: of the calibration set.
  ///   - work: the tiles of the calibration set.
  static func write(
    _ calibration: Calibration, of job: Job, origin: MemberOrigin, members: [TrainedMember], content: PartContent,
    _ work: TileWork, to path: String
  ) throws {
    try ChecksummedFile.write(path) { file in
      try file.setAttribute("format", format)
      try file.setAttribute("job", origin.fingerprint)
      try file.setAttribute("key", key(job))
      try file.setAttribute("settings", job.canonicalText)
      try file.setAttribute("members", members.map(\.answerHash))
      try file.setAttribute("data", [content.images, content.targets])
      try file.setAttribute("tiling", work.identity)
      try write(calibration, to: file.root)
    }
  }

  /// Writes the thresholds into a group, as the results file has them too.
  static func write(_ calibration: Calibration, to group: Group) throws {
    let (levels, values) = (calibration.levels, calibration.values)
    try group.setAttribute("method", calibration.method.name)
    try group.setAttribute("scores", calibration.scores)
    if !calibration.allowsEmpty { try group.setAttribute("allow_empty", false) }
    try group.write(levels.map(\.value), to: "coverage")
    let shape = values.count > levels.count ? [levels.count, values.count / levels.count] : [levels.count]
    let thresholds = values.map { threshold -> Float in
      if case .score(let score) = threshold { score } else { .infinity }
    }
    let dataset = try group.write(thresholds, shape: shape, to: "threshold")
    try dataset.setAttribute("long_name", calibration.meaning)
    try group.write(values.map { $0 == .infeasible ? UInt8(1) : 0 }, shape: shape, to: "infeasible")
    try writeUnits(calibration, to: group)
    try calibration.measurements?.write(to: group)
    if let classes = calibration.classes {
      try write(Calibration(classes), to: try group.createGroup("classification"))
    }
  }

  /// Writes what was taken for independent, and what that says of every level.
  private static func writeUnits(_ calibration: Calibration, to group: Group) throws {
    guard let unit = calibration.unit else { return }
    let levels = calibration.levels
    try group.setAttribute("unit", unit.rawValue)
    try group.setAttribute("units", calibration.units)
    let feasibility = try group.write(
      calibration.values.map { $0 == .infeasible ? "infeasible" : "feasible" }, to: "feasibility")
    try feasibility.setAttribute(
      "long_name",
      "infeasible: too few calibration units for the level, so sets hold all classes, intervals all numbers")
    let needed = try group.write(levels.map(\.fewestUnits), to: "units_needed")
    try needed.setAttribute("long_name", "the fewest calibration units with which the level is feasible")
    guard !calibration.effective.isEmpty else { return }
    let effective = try group.write(calibration.effective.map { $0 ?? .nan }, to: "effective_scores")
    try effective.setAttribute(
      "long_name",
      "as how many independent scores the calibration scores count, since those of one of the \(calibration.alikeWithin) "
        + "are alike (Kish's design effect)")
    try effective.setAttribute("alike_within", calibration.alikeWithin)
  }

  private static func readUnits(of group: Group, into calibration: inout Calibration) throws {
    guard try group.hasAttribute("unit") else { return }
    calibration.unit = Job.UncertaintySection.Unit(rawValue: try group.attribute("unit", as: String.self))
    calibration.units = try group.attribute("units", as: Int64.self)
    guard try group.exists("effective_scores") else { return }
    calibration.effective = try group.read("effective_scores", as: Double.self).map { $0.isNaN ? nil : $0 }
    calibration.alikeWithin = try group.dataset("effective_scores").attribute("alike_within", as: String.self)
  }

  /// Whether a file is a calibration.
  static func isOne(_ file: File) throws -> Bool {
    try file.hasAttribute("format") && file.attribute("format", as: String.self) == format
  }

  /// The calibration in a file.
  static func read(_ path: String) throws -> Calibration {
    try ChecksummedFile.read(path) { try read($0.root) }
  }

  static func read(_ group: Group) throws -> Calibration {
    let levels = try group.read("coverage", as: Double.self).map { try Coverage($0) }
    let infeasible = try group.read("infeasible", as: UInt8.self)
    let thresholds = try group.read("threshold", as: Float.self)
    let name = try group.attribute("method", as: String.self)
    guard let method = ConformalMethod(rawValue: name) else {
      throw RunError.notResults(
        "/entry/calibration", problem: "its calibration is by ‘\(name)’, which this tutti does not know")
    }
    let values = zip(thresholds, infeasible).map { $1 != 0 ? ConformalThreshold.infeasible : .score($0) }
    let scores = try group.attribute("scores", as: Int64.self)
    if method.isOfClasses {
      var result = Calibration(SplitConformal(method, levels: levels, thresholds: values, scores: scores))
      if try group.hasAttribute("allow_empty") { result.allowsEmpty = false }
      try readUnits(of: group, into: &result)
      result.measurements = try MeasurementCalibration(in: group, levels: levels)
      return result
    }
    var result = Calibration(ConformalIntervals(method, levels: levels, thresholds: values, scores: scores))
    try readUnits(of: group, into: &result)
    let dataset = try group.dataset("threshold")
    if try dataset.hasAttribute("long_name") { result.meaning = try dataset.attribute("long_name", as: String.self) }
    if try group.exists("classification"),
      case .sets(let sets) = try read(try group.group("classification")).thresholds
    {
      result.classes = sets
    }
    return result
  }
}

extension TargetScaling {
  /// What errors of values are measured in when targets are scaled so.
  var unit: ValueUnit {
    switch self {
    case .standard: .standardDeviations
    case .range:
      ValueUnit(
        plural: "ranges of the training targets, from the least to the largest",
        percent: "1 % of the training targets' range")
    case .none: ValueUnit(plural: "the unit of the targets", percent: "0.01")
    }
  }
}
