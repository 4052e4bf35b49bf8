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
  /// Of thresholds by class, the units that hold each class; not in files.
  var unitsOfClass: [Int64] = []
  /// Of masks with promises of their own; nil: there are none.
  var masks: MaskCalibration?
  /// How members are combined.
  var combination = KnownCombination()
  /// What new images are compared with; nil of files of earlier programs.
  var shift: ShiftReference?
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
      return
        "too few calibration \((unit ?? .pixel).plural) of \(missing.map { names[$0] }.joined(separator: ", ")): in every set"
    }
  }
}

extension Calibration {
  /// What a table of coverages must say beside its numbers.
  ///
  /// - Parameter names: of the classes.
  func remarks(_ names: [String]) -> [String] { combination.remarks(method) + unitRemarks }

  private var unitRemarks: [String] {
    guard let unit else { return [] }
    guard unit == .pixel else {
      return ["Calibrated by \(units) \(unit.plural): the level holds in the mean over new \(unit.plural) like them."]
    }
    guard !alikeWithin.isEmpty else { return [] }
    var lines = [
      "Calibrated by pixel. Pixels of one image are alike, not exchangeable: the level holds for all pixels together and",
      "promises nothing for the next image. uncertainty.unit: image, group or patch calibrates by units that are independent.",
    ]
    let counts = zip(levels, effective).compactMap { level, count -> String? in
      guard let count, count.rounded() < Double(scores) else { return nil }
      return "\(Int(count.rounded())) at level \(level)"
    }
    if !counts.isEmpty {
      lines.append(
        "The \(scores) calibration scores are worth fewer independent ones, judged by \(alikeWithin): "
          + counts.joined(separator: ", "))
    }
    return lines
  }
}

/// How thresholds are found: all that is free to choose once an ensemble has predicted the calibration part.
struct CalibrationForm: Hashable, Sendable {
  var method: ConformalMethod
  var levels: [Coverage]
  /// What is taken for independent.
  var unit: Job.UncertaintySection.Unit
  /// Whether each class has thresholds of its own.
  var byClass: Bool
  /// Whether sets may be empty.
  var allowsEmpty: Bool
}

extension Calibration {
  /// The thresholds for calibration scores that are spread over ranks. Collective.
  ///
  /// - Parameters:
  ///   - scores: this rank's; one list, or one a class.
  ///   - alikeWithin: several of the units whose pixels are alike, when thresholds are by pixel; nil: it is not asked what
  ///     scores are worth.
  ///   - valueUnit: what errors of values are measured in.
  ///   - sum: adds integers over the ranks.
  /// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
  init(
    _ form: CalibrationForm, _ scores: [UnitScores], alikeWithin: String?, valueUnit: ValueUnit, sum: IntegerSum
  ) throws {
    let byUnit = form.unit != .pixel
    let groups = try scores.map { try UnitThresholds($0, byUnit: byUnit, levels: form.levels, sum: sum) }
    let thresholds = form.levels.indices.flatMap { level in groups.map { $0.thresholds[level] } }
    let count = groups.reduce(0) { $0 + $1.scores }
    if form.method.isOfClasses {
      self.init(SplitConformal(form.method, levels: form.levels, thresholds: thresholds, scores: count))
      allowsEmpty = form.allowsEmpty
    } else {
      self.init(
        ConformalIntervals(form.method, levels: form.levels, thresholds: thresholds, scores: count), unit: valueUnit)
    }
    unit = form.unit
    units = byUnit ? try UnitScores.knownUnits(scores, sum: sum) : count
    unitsOfClass = groups.count > 1 ? groups.map(\.units) : []
    if !byUnit, groups.count == 1, let alikeWithin {
      effective = try scores[0].effectiveCounts(thresholds, sum: sum)
      self.alikeWithin = alikeWithin
    }
  }

  /// What is to be said of levels that are infeasible: a line each.
  ///
  /// - Parameters:
  ///   - names: of the classes.
  ///   - what: several of what is counted.
  func warnings(_ names: [String], _ what: String) -> [String] {
    let width = values.count / levels.count
    guard width > 1 else {
      let all = method.isOfClasses ? "its sets hold all classes" : "its intervals hold all numbers"
      return zip(levels, values).filter { $1 == .infeasible }.map { level, _ in
        "coverage \(level) is infeasible with \(units) calibration \(what), \(level.fewestUnits) would do: \(all)."
      }
    }
    return names.enumerated().compactMap { index, name in
      let missing = levels.indices.filter { values[$0 * width + index] == .infeasible }
      guard !missing.isEmpty, unitsOfClass.indices.contains(index) else { return nil }
      guard unitsOfClass[index] > 0 else { return "class ‘\(name)’ has no calibration \(what): it is in every set." }
      let shown = missing.map { "\(levels[$0])" }.joined(separator: ", ")
      return
        "class ‘\(name)’ has \(unitsOfClass[index]) calibration \(what), too few for coverage \(shown): it is in every such set."
    }
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
