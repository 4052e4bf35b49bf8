import Foundation
import HDF5
import JobFiles
import Settings
import Uncertainty

// Temperature, λ and k of results that are calibrated anew.

extension Recalibration {
  /// What thresholds are found by, with all that is tuned.
  struct Tuned {
    var form: CalibrationForm
    /// The settings of a job that would come to the same.
    var wanted: Job.UncertaintySection
    /// The calibration part at the new temperature.
    var scaled: StoredSample
    /// Whether other pixels calibrate than before.
    var isDivided = false
    /// Whether the temperature is another.
    var isScaled = false
    var combination: KnownCombination
    /// What is to be said.
    var remarks: [String] = []
  }

  /// Tunes what the settings leave to be tuned.
  ///
  /// - Parameters:
  ///   - before: the calibration as it was.
  ///   - settings: the job's section `uncertainty`; nil: it is not known.
  /// - Throws: `RunError.cannotCalibrate`, `.nothingToTuneOn`; `UncertaintyError`.
  func tuned(
    _ form: CalibrationForm, _ sample: StoredSample, _ before: Calibration, _ settings: SettingValue?
  ) throws -> Tuned {
    var wanted = try settings.map { try Job.UncertaintySection(settingValue: $0) } ?? Job.UncertaintySection()
    let known = before.combination.form.temperature
    if settings == nil {
      wanted.temperature = known == 1 ? nil : .number(known)
      wanted.lambda = (before.method.regularization?.penalty).map { .number(Double($0)) }
      wanted.k = (before.method.regularization?.free).map { .number($0) }
    }
    (wanted.method, wanted.coverage, wanted.unit) = (form.method, form.levels.map(\.value), form.unit)
    (wanted.byClass, wanted.allowEmpty) = (form.byClass, allowEmpty ?? wanted.allowEmpty)
    try take(&wanted, of: form.method)
    var result = Tuned(form: form, wanted: wanted, scaled: sample, combination: before.combination)
    guard form.method.isOfClasses else { return result }

    if sample.tuning == nil, before.combination.tunedOn != nil {
      let why = "the file does not store the pixels that they were tuned on, which earlier programs did not keep"
      guard temperature == nil, lambda == nil, k == nil, tuning == nil else {
        throw RunError.cannotCalibrate(
          source ?? results,
          reason: "temperature, λ and k cannot be found anew: \(why); ‘tutti run JOB --overwrite’ finds them, and does "
            + "not train again")
      }
      if let own = before.method.regularization, form.method.isRegularized {
        result.form.method = form.method.regularized(by: own)
      }
      result.remarks.append("Temperature, λ and k stay as they were: \(why).")
      return result
    }
    let units = try sample.units(of: form.unit, in: source ?? results)
    let part = wanted.tuningPart(ofUnits: units?.count ?? 1)
    if let divided = sample.divided(by: part, form.unit, at: known) {
      (result.scaled, result.isDivided) = (divided, true)
    }
    let tuning = try Tuning(
      wanted, form.method, on: result.scaled.tuning, coverage: form.levels[0], classes: sample.sample.width)
    result.form.method = tuning.applied(to: form.method)
    result.scaled.sample = result.scaled.sample.scaled(by: tuning.temperature, from: known)
    result.isScaled = tuning.temperature != known
    result.combination.form.temperature = tuning.temperature
    var counts: (tuning: Int, all: Int, plural: String)?
    if let units, let count = part?.count { counts = (count, units.count, units.plural) }
    let what = sample.units.contains { $0.kind == .patch } ? "pixels" : "images"
    result.combination.tunedOn = result.scaled.tuning.map { Tuning.words($0, what, units: counts) }
    return result
  }

  /// Puts in what the caller changes, and takes out what the method does not have.
  private func take(_ wanted: inout Job.UncertaintySection, of method: ConformalMethod) throws {
    func refuse(_ reason: String) -> RunError { .cannotCalibrate(results, reason: reason) }
    guard method.isOfClasses || (temperature == nil && lambda == nil && k == nil && tuning == nil) else {
      throw refuse("they have no classes, whose probabilities a temperature or λ and k could change")
    }
    guard method.isRegularized || (lambda == nil && k == nil) else {
      throw refuse("\(method.name) has no λ and k; --method raps has")
    }
    wanted.temperature = temperature ?? wanted.temperature
    wanted.lambda = method.isRegularized ? lambda ?? wanted.lambda : nil
    wanted.k = method.isRegularized ? k ?? wanted.k : nil
    guard tuning == nil || wanted.needsTuning else {
      throw refuse("nothing is tuned; --temperature auto, or --lambda auto and --k auto of raps, use --tuning")
    }
    wanted.tuning = wanted.needsTuning ? tuning ?? wanted.tuning : nil
  }

  /// What stays as it was of the former probabilities.
  func stale(_ entry: Group) throws -> [String] {
    var lines = [
      "The temperature is another: mean, labels and sets are of it. The alarm for other data no longer looks at doubt, which "
        + "of calibration images is known at the former temperature alone."
    ]
    if try entry.exists("instances") {
      lines.append("Objects are of the former probabilities: ‘tutti instances’ finds them again.")
    }
    if try entry.exists("statistics/kept") {
      lines.append("The map ‘kept’ is of the former probabilities; ‘tutti run JOB --overwrite’ makes it again.")
    }
    return lines
  }

  /// The settings of the job that results are of; nil when they do not say.
  static func settings(of file: File) throws -> SettingValue? {
    guard try file.exists("entry/members"), try file.group("entry/members").hasAttribute("settings") else { return nil }
    let text = try file.group("entry/members").attribute("settings", as: String.self)
    return try JSONDecoder().decode(SettingValue.self, from: Data(text.utf8))
  }

  /// Says in the results by which settings they are calibrated now.
  func noteSettings(_ entry: Group, _ wanted: Job.UncertaintySection) throws {
    guard try entry.exists("members"), try entry.group("members").hasAttribute("settings") else { return }
    let members = try entry.group("members")
    let text = try members.attribute("settings", as: String.self)
    let settings = try JSONDecoder().decode(SettingValue.self, from: Data(text.utf8))
    try members.removeAttribute("settings")
    try members.setAttribute(
      "settings", settings.setting("uncertainty", to: SettingValue(encoding: wanted)).canonicalText)
  }
}

extension ShiftReference {
  /// Of images whose doubt is not known.
  var withoutDoubt: ShiftReference {
    var result = self
    for index in result.images.indices { result.images[index].doubt = .nan }
    return result
  }
}
