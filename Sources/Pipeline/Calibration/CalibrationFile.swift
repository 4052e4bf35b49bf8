import Ensembles
import HDF5
import Imaging
import JobFiles
import Uncertainty

/// Thresholds in a small HDF5 file: `/coverage`, `/threshold` and `/infeasible` (by level, or by level and class),
/// attributes `method` and `scores`; of classes that are told beside other answers the same in `/classification`.
enum CalibrationFile {
  static let format = "tutti calibration"

  /// What decides a calibration besides members and data: a key of the job's settings.
  static func key(_ job: Job) -> String { String(job.fingerprint, radix: 16) }

  /// - Parameters:
  ///   - sample: what it was found from; nil: it is not stored.
  ///   - origin: what the members were trained from.
  ///   - content: of the calibration set.
  ///   - work: the tiles of the calibration set.
  static func write(
    _ calibration: Calibration, _ sample: StoredSample?, of job: Job, origin: MemberOrigin, members: [TrainedMember],
    content: PartContent,
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
      try sample?.write(to: file.root)
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
    if let own = calibration.method.regularization {
      try group.setAttribute("lambda", own.penalty)
      try group.setAttribute("k", Int64(own.free))
    }
    try calibration.combination.write(to: group)
    try writeUnits(calibration, to: group)
    try calibration.measurements?.write(to: group)
    try calibration.masks?.write(to: group)
    try calibration.shift?.write(to: group)
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

  /// What of the calibration part a file keeps; nil when it keeps nothing, as of an earlier program.
  static func sample(_ path: String) throws -> StoredSample? {
    try ChecksummedFile.read(path) { try StoredSample(in: $0.root) }
  }

  static func read(_ group: Group) throws -> Calibration {
    let levels = try group.read("coverage", as: Double.self).map { try Coverage($0) }
    let infeasible = try group.read("infeasible", as: UInt8.self)
    let thresholds = try group.read("threshold", as: Float.self)
    let name = try group.attribute("method", as: String.self)
    guard var method = ConformalMethod(rawValue: name) else {
      throw RunError.notResults(
        "/entry/calibration", problem: "its calibration is by ‘\(name)’, which this tutti does not know")
    }
    if method.isRegularized, try group.hasAttribute("lambda") {
      method = method.regularized(
        by: SetRegularization(
          penalty: try group.attribute("lambda", as: Float.self), free: Int(try group.attribute("k", as: Int64.self))))
    }
    let values = zip(thresholds, infeasible).map { $1 != 0 ? ConformalThreshold.infeasible : .score($0) }
    let scores = try group.attribute("scores", as: Int64.self)
    if method.isOfClasses {
      var result = Calibration(SplitConformal(method, levels: levels, thresholds: values, scores: scores))
      if try group.hasAttribute("allow_empty") { result.allowsEmpty = false }
      try readUnits(of: group, into: &result)
      result.combination = try KnownCombination(in: group)
      result.measurements = try MeasurementCalibration(in: group, levels: levels)
      result.masks = try MaskCalibration(in: group, levels: levels)
      result.shift = try ShiftReference(in: group)
      return result
    }
    var result = Calibration(ConformalIntervals(method, levels: levels, thresholds: values, scores: scores))
    try readUnits(of: group, into: &result)
    result.combination = try KnownCombination(in: group)
    result.shift = try ShiftReference(in: group)
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
