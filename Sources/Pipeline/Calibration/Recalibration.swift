import Foundation
import HDF5
import Host
import ImageFiles
import JobFiles
import MessagePassing
import Settings
import Uncertainty

/// Calibrates results anew without predicting: thresholds of other levels, another method or unit from what the results
/// store of the calibration part, and their sets or intervals from the stored means and spreads. Where settings are `auto`,
/// temperature, λ and k are tuned anew, as by a job with the new settings.
public struct Recalibration: Sendable {
  /// The results of a job, or a prediction of new images.
  public var results: String
  /// The results that store the calibration part; nil: `results` themselves.
  public var source: String?
  /// The file that is written; nil: `results` are replaced.
  public var output: String?
  /// Replace an output that exists.
  public var overwrite = false
  /// What changes; nil: as it was.
  public var coverage: [Double]?
  public var method: String?
  public var unit: String?
  public var byClass: Bool?
  public var allowEmpty: Bool?
  /// Of probabilities, or `auto`; nil: as the settings of the results say. So of what follows.
  public var temperature: Job.UncertaintySection.Tuned<Double>?
  /// λ of regularized sets, or `auto`.
  public var lambda: Job.UncertaintySection.Tuned<Double>?
  /// k of regularized sets, or `auto`.
  public var k: Job.UncertaintySection.Tuned<Int>?
  /// The share of calibration units that tunes what is `auto`, and does not calibrate.
  public var tuning: Double?

  /// Of these results, nothing changed.
  public init(_ results: String) { self.results = results }

  /// Whether a file is results, not a job.
  public static func isOfResults(_ path: String) -> Bool {
    guard let handle = FileHandle(forReadingAtPath: path) else { return path.hasSuffix(".h5") }
    defer { try? handle.close() }
    return (try? handle.read(upToCount: 8))?.elementsEqual([0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A]) == true
  }

  /// Writes the results with the new calibration. Rank 0 works, the others wait. Collective.
  ///
  /// - Returns: a table of the new levels, on rank 0.
  /// - Throws: `RemoteFailure` with what is wrong: `RunError.cannotCalibrate`, `.outputExists`, `HDF5Error`.
  public func run(over world: Communicator) throws -> String {
    String(decoding: try world.fromRoot { Array(try write().utf8) }, as: UTF8.self)
  }

  private func write() throws -> String {
    let target = output ?? results
    for path in [results, source].compactMap(\.self) {
      guard RunPaths.exists(path) else { throw RunError.noResults(path) }
      try ChecksummedFile.verify(path)
    }
    if let output {
      guard overwrite || !RunPaths.exists(output) else { throw RunError.outputExists(output) }
      var files = RunFiles()
      files.inputs = [results, source].compactMap(\.self).map { ("the results", $0) }
      files.outputs = [("-o", output)]
      try files.check()
      try RunPaths.makeFolder(RunPaths.folder(of: output))
    }
    let lock = try RunLock(of: target)
    defer { lock.release() }
    let unfinished = WholeFile.temporary(target)
    do {
      try RunPaths.copy(results, to: unfinished)
      let file = try File(opening: unfinished, mode: .readWrite)
      let table = try calibrate(file)
      try file.close()
      try ChecksumTrailer.append(to: unfinished)
      try WholeFile.publish(unfinished, as: target)
      return table
    } catch {
      try? RunPaths.remove(unfinished)
      throw error
    }
  }

  /// What is to be found, of what was.
  private func form(_ before: Calibration) throws -> CalibrationForm {
    var form = CalibrationForm(
      method: before.method, levels: before.levels, unit: before.unit ?? .pixel,
      byClass: before.values.count > before.levels.count, allowsEmpty: allowEmpty ?? before.allowsEmpty)
    if let coverage { form.levels = try coverage.map { try Coverage($0) } }
    guard !form.levels.isEmpty, Set(form.levels).count == form.levels.count else {
      throw RunError.cannotCalibrate(results, reason: "one coverage at least, and none twice")
    }
    if let method {
      let all = ConformalMethod.all(ofClasses: before.method.isOfClasses).map(\.name)
      guard let found = ConformalMethod(rawValue: method), all.contains(method) else {
        throw RunError.cannotCalibrate(
          results, reason: "there is no method ‘\(method)’ for them; there are \(all.joined(separator: ", "))")
      }
      form.method = found
    }
    if let unit {
      let all = Job.UncertaintySection.Unit.allCases.map(\.rawValue).joined(separator: ", ")
      guard let found = Job.UncertaintySection.Unit(rawValue: unit) else {
        throw RunError.cannotCalibrate(results, reason: "there is no unit ‘\(unit)’; there are \(all)")
      }
      form.unit = found
    }
    if let byClass {
      guard form.method.isOfClasses || !byClass else {
        throw RunError.cannotCalibrate(results, reason: "they have no classes")
      }
      form.byClass = byClass
    }
    return form
  }

  private func calibrate(_ file: File) throws -> String {
    _ = try ResultsFile.job(of: file)
    let entry = try file.group("entry")
    let from = try source.map { try File(opening: $0) } ?? file
    if source != nil { _ = try ResultsFile.job(of: from) }
    guard try from.exists("entry/calibration") else {
      throw RunError.cannotCalibrate(source ?? results, reason: "there is no calibration in it")
    }
    let known = try from.group("entry/calibration")
    guard let sample = try StoredSample(in: known) else {
      throw RunError.cannotCalibrate(
        source ?? results,
        reason:
          "it stores nothing of the calibration part (predictions of new images do not, nor did earlier programs); "
          + "name the results of the job with --from, or make them anew with ‘tutti run --overwrite’")
    }
    let before = try CalibrationFile.read(known)
    let tiling =
      try known.hasAttribute("tiling") ? known.attribute("tiling", as: String.self) : nil
    let asked = try form(before)
    try requireFit(asked, sample, entry)
    let settings = try Self.settings(of: from)
    let tuned = try tuned(asked, sample, before, settings?["uncertainty"])
    let form = tuned.form
    var calibration = try tuned.scaled.calibration(form, in: source ?? results)
    calibration.shift = tuned.isScaled ? before.shift?.withoutDoubt : before.shift
    calibration.combination = tuned.combination
    if source != nil {
      // A prediction by members alone says nothing of it.
      let own =
        try entry.exists("calibration")
        ? CalibrationFile.read(entry.group("calibration")).combination : KnownCombination()
      guard own.form == before.combination.form else {
        throw RunError.cannotCalibrate(
          results,
          reason: "their members are combined otherwise (weights, average or temperature) than in "
            + "\(source ?? results); predict the images anew with that model")
      }
    }
    calibration.measurements = try before.measurements?.found(for: form.levels)
    let names = try classNames(entry)
    let written = try WrittenSets(
      entry, calibration: calibration, targetUnits: sample.targetUnits,
      temperature: (before.combination.form.temperature, calibration.combination.form.temperature))
    var maskRemarks: [String] = []
    if let masks = before.masks {
      let (found, missing) = try tuned.scaled.masks(form, masks, unit: tuned.isDivided ? nil : before.unit)
      calibration.masks = found
      maskRemarks = found.remarks
      if !missing.isEmpty {
        maskRemarks.append(
          "Masks that only a new calibration of the job can tell are left out: \(missing.joined(separator: ", ")).")
      }
      let spacing = try spacing(entry)
      maskRemarks += try WrittenMasks.write(found, to: entry, spacing: spacing.spacing, isOneImage: spacing.isOneImage)
    }
    if try entry.exists("calibration") { try entry.remove("calibration") }
    let group = try entry.createGroup("calibration")
    try group.setAttribute("NX_class", "NXprocess")
    try CalibrationFile.write(calibration, to: group)
    if let tiling { try group.setAttribute("tiling", tiling) }
    if source == nil { try tuned.scaled.write(to: group) }
    var remarks = try tuned.remarks + maskRemarks + measure(entry, before, calibration)
    if tuned.isScaled { remarks += try stale(entry) }
    if source != nil { try from.close() }
    if try entry.exists("evaluation") {
      try entry.remove("evaluation")
      remarks.append(
        "Figures of the former sets are removed: ‘tutti evaluate JOB’ compares the new ones with the truth.")
    }
    try noteSettings(entry, tuned.wanted)
    let pixels = tuned.scaled.sample
    if !pixels.isWhole {
      remarks.append(
        "Thresholds are of a random sample of \(pixels.count) of \(pixels.offered) calibration pixels, which the file keeps."
      )
    }
    return TextTable.trimmed(lines(calibration, written, names) + remarks).joined(separator: "\n")
  }

  /// The distances of voxels as the prediction's axes have them, and whether its slices are of one volume.
  private func spacing(_ entry: Group) throws -> (spacing: VoxelSpacing, isOneImage: Bool) {
    let prediction = try entry.group("prediction")
    let shape = try prediction.dataset("mean").shape
    let isOneImage =
      try shape.count > 4 && shape[0] == 1 && prediction.read("indices", as: Int.self).count == shape[2]
    return (VoxelSpacing(try ResultsFile.voxelSize(of: prediction), hasDepth: shape.count > 4), isOneImage)
  }

  private func classNames(_ entry: Group) throws -> [String] {
    try entry.exists("prediction/class_names") ? entry.readStrings("prediction/class_names") : []
  }

  /// Sees that members and answers are those that the sample is of, and have what the method needs.
  private func requireFit(_ form: CalibrationForm, _ sample: StoredSample, _ entry: Group) throws {
    let prediction = try entry.group("prediction")
    let members: [UInt64]
    if try prediction.hasAttribute("members") {
      members = try prediction.attributes("members", as: UInt64.self)
    } else if try entry.exists("members/fingerprint") {
      members = try entry.read("members/fingerprint", as: UInt64.self)
    } else {
      throw RunError.cannotCalibrate(results, reason: "they do not say by which members they were predicted")
    }
    guard members == sample.members else {
      throw RunError.cannotCalibrate(
        results, reason: "they were predicted by other members than those of the calibration in \(source ?? results)")
    }
    let numbers = PredictionNumbers(entry, exact: nil, path: results)
    let needed: [ResultsQuantity] = form.method.isOfClasses ? [.mean] : [.mean, .spread]
    for quantity in needed where try !numbers.holdsExactly(quantity) {
      throw RunError.cannotCalibrate(
        results,
        reason:
          "sets and intervals are found from the exact \(quantity.rawValue), which they do not hold (results.write and "
          + "results.number-type of the job); set the job's section uncertainty instead, and give ‘tutti run JOB "
          + "--overwrite’, which does not train again")
    }
    let hasQuantiles = try prediction.exists("quantiles")
    if form.method.needs == .quantiles, !hasQuantiles {
      throw RunError.cannotCalibrate(
        results, reason: "\(form.method.name) needs predicted quantiles, which they have not")
    }
    if form.method.needs == .spread, members.count < 2 {
      throw RunError.cannotCalibrate(results, reason: "\(form.method.name) needs the spread of several members")
    }
  }

  /// Finds the intervals of what is measured again.
  ///
  /// - Returns: what is to be said of them.
  private func measure(_ entry: Group, _ before: Calibration, _ calibration: Calibration) throws -> [String] {
    guard var table = try MeasurementTable(in: entry) else { return [] }
    guard let measurements = calibration.measurements, table.take(measurements) else {
      return before.levels == calibration.levels
        ? [] : ["Intervals of measurements stay as they were: the file does not store what they are found from."]
    }
    try entry.remove("measurements")
    try table.write(to: entry)
    return table.remarks
  }

  private func lines(_ calibration: Calibration, _ written: WrittenSets, _ names: [String]) -> [String] {
    let isOfClasses = calibration.method.isOfClasses
    let width = calibration.values.count / calibration.levels.count
    let titles =
      (width > 1 ? names.map { "of \($0)" } : ["threshold"])
      + (isOfClasses ? ["mean set size", "empty sets"] : ["mean width"])
    let rows = LevelTable.lines(titles, calibration.levels, infeasible: calibration.infeasible(names)) { level in
      let thresholds = (0..<width).map { place -> String in
        if case .score(let score) = calibration.values[level * width + place] { return TextTable.number(Double(score)) }
        return "–"
      }
      return thresholds + written.figures(level).map(TextTable.number)
    }
    let head =
      "Calibrated by \(calibration.method.name), unit \((calibration.unit ?? .pixel).rawValue), "
      + "\(calibration.scores) calibration scores:"
    return [head] + rows + calibration.remarks(names)
  }
}
