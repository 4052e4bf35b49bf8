import ArgumentParser
import Foundation
import JobFiles
import Pipeline
import Settings

struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Find the thresholds of prediction sets or intervals on the calibration images, or of results anew.",
    discussion: """
      With a results file, thresholds of other levels, another method or unit come \
      from what it stores of the calibration part, and its sets or intervals from \
      its means: nothing is predicted again. What the job tunes (auto) is tuned \
      again.

        tutti calibrate jobs/cement.yaml
        tutti calibrate results/cement.h5 --coverage 0.9,0.99 --method aps
        tutti calibrate results/cement.h5 --method raps --lambda auto --k auto
        tutti calibrate new.h5 --from results/cement.h5 --coverage 0.99
      """)

  @OptionGroup var options: JobOptions
  @OptionGroup(title: "Output") var figures: FigureOptions

  @Option(help: "Of results: the wanted coverages, with commas between.", transform: CalibrateCommand.coverages)
  var coverage: [Double]?

  @Option(help: "Of results: the method, as a job's uncertainty.method.")
  var method: String?

  @Option(help: "Of results: pixel, patch, image or group.")
  var unit: String?

  @Flag(inversion: .prefixedNo, help: "Of results: thresholds of each class.")
  var byClass: Bool?

  @Flag(inversion: .prefixedNo, help: "Of results: sets may be empty.")
  var allowEmpty: Bool?

  @Option(
    help: "Of results: the temperature of probabilities, or auto.",
    transform: { try CalibrateCommand.tuned($0, "--temperature", 0.01...100) })
  var temperature: Job.UncertaintySection.Tuned<Double>?

  @Option(
    help: "Of results: λ of raps, or auto.",
    transform: { try CalibrateCommand.tuned($0, "--lambda", 0...1000) })
  var lambda: Job.UncertaintySection.Tuned<Double>?

  @Option(
    name: .customLong("k"), help: "Of results: k of raps, or auto.",
    transform: { try CalibrateCommand.tuned($0, "--k", 0...255) })
  var k: Job.UncertaintySection.Tuned<Int>?

  @Option(help: "Of results: the share of calibration units that tunes what is auto, and does not calibrate.")
  var tuning: Double?

  @Option(
    help: ArgumentHelp(
      "The results of a job whose calibration is used, for a prediction of new images by the same members.",
      valueName: "results"), completion: .file(extensions: ["h5"]))
  var from: String?

  @Option(name: .shortAndLong, help: "Where the results go (default: they are replaced).", completion: .file())
  var output: String?

  static func coverages(_ text: String) throws -> [Double] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let value = Double(part), value > 0, value < 1 else {
        throw ValidationError("--coverage takes numbers between 0 and 1, as in 0.9,0.99; not ‘\(part)’.")
      }
      return value
    }
  }

  /// A number, or `auto`, as the job's section `uncertainty` takes it.
  static func tuned<Number: LosslessStringConvertible & SettingConvertible & Hashable>(
    _ text: String, _ option: String, _ range: ClosedRange<Double>
  ) throws -> Job.UncertaintySection.Tuned<Number> {
    if text == "auto" { return .auto }
    guard let number = Number(text), let value = Double(text), range.contains(value) else {
      let ends = String(format: "%g to %g", range.lowerBound, range.upperBound)
      throw ValidationError("\(option) takes auto, or a number from \(ends); not ‘\(text)’.")
    }
    return .number(number)
  }

  func validate() throws {
    if let tuning, !(tuning > 0 && tuning < 1) {
      throw ValidationError("--tuning takes a number between 0 and 1, as in 0.2; not ‘\(tuning)’.")
    }
    let changes: [Any?] = [coverage, method, unit, byClass, allowEmpty, from, temperature, lambda, k, tuning]
    let changesNothing = changes.allSatisfy { $0 == nil }
    if Recalibration.isOfResults(options.job) {
      if changesNothing {
        throw ValidationError(
          "say what is to change of the results: --coverage, --method, --unit, --by-class, --allow-empty, --temperature, "
            + "--lambda or --k.")
      }
    } else if !changesNothing || output != nil {
      throw ValidationError(
        "\(options.job) is a job, which says this itself (uncertainty); these options are for a results file.")
    }
  }

  func run() throws {
    guard Recalibration.isOfResults(options.job) else {
      guard !figures.json else {
        throw ValidationError("--json is for a results file; a calibration's figures are told with the results.")
      }
      return try options.withRun { run in
        try run.calibrate()
        return "Calibration: \(run.paths.calibration)"
      }
    }
    try options.launch.session(options.stopping) { world in
      var recalibration = Recalibration(options.job)
      (recalibration.source, recalibration.output, recalibration.overwrite) = (from, output, options.overwrite)
      (recalibration.coverage, recalibration.method, recalibration.unit) = (coverage, method, unit)
      (recalibration.byClass, recalibration.allowEmpty) = (byClass, allowEmpty)
      (recalibration.temperature, recalibration.lambda) = (temperature, lambda)
      (recalibration.k, recalibration.tuning) = (k, tuning)
      let table = try recalibration.run(over: world)
      guard world.rank == 0 else { return }
      let path = output ?? options.job
      if figures.json { try figures.tell(ResultsSummary(path)) } else { print(table + "\nResults: \(path)") }
    }
  }
}
