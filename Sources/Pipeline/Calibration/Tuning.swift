import JobFiles
import Uncertainty

/// The temperature of averaged probabilities, and λ and k of regularized sets: as settings give them, or found on the tuning
/// part.
struct Tuning: Hashable, Sendable {
  var temperature: Double
  /// Nil: as the method has it by itself.
  var regularization: SetRegularization?

  /// - Parameters:
  ///   - wanted: the settings.
  ///   - sample: probabilities of the tuning part, at the temperature 1; nil: nothing is tuned.
  ///   - coverage: the first of the levels, which λ and k are for.
  /// - Throws: `RunError.nothingToTuneOn`, `UncertaintyError`.
  init(
    _ wanted: Job.UncertaintySection, _ method: ConformalMethod, on sample: CalibrationSample?, coverage: Coverage,
    classes: Int
  ) throws {
    temperature = wanted.temperature?.number ?? 1
    if method.isRegularized, wanted.lambda != nil || wanted.k != nil {
      regularization = SetRegularization(
        penalty: (wanted.lambda?.number).map { Float($0) } ?? 0.1, free: wanted.k?.number ?? max(1, classes / 10))
    }
    guard wanted.needsTuning else { return }
    guard let sample, sample.count > 0 else { throw RunError.nothingToTuneOn }
    if wanted.temperature == .auto { temperature = sample.fittedTemperature }
    guard let given = regularization, wanted.lambda == .auto || wanted.k == .auto else { return }
    regularization = try sample.tunedRegularization(
      method, temperature: temperature, coverage: coverage, penalty: wanted.lambda == .auto ? nil : given.penalty,
      free: wanted.k == .auto ? nil : given.free)
  }

  /// The method with λ and k.
  func applied(to method: ConformalMethod) -> ConformalMethod {
    regularization.map { method.regularized(by: $0) } ?? method
  }

  /// What was tuned on, in words.
  ///
  /// - Parameters:
  ///   - what: several of what is counted: pixels, or images.
  ///   - units: how many of how many units tune, and several of them in words; nil: pixels are drawn one by one.
  static func words(
    _ sample: CalibrationSample, _ what: String, units: (tuning: Int, all: Int, plural: String)?
  ) -> String {
    let count = sample.isWhole ? "\(sample.count)" : "\(sample.count) of \(sample.offered)"
    guard let units else { return "\(count) calibration \(what), which do not calibrate" }
    return "\(count) \(what) of \(units.tuning) of \(units.all) calibration \(units.plural), which do not calibrate"
  }
}

extension Job.UncertaintySection {
  /// The units that tune; nil: nothing is tuned.
  ///
  /// - Parameter units: how many calibration units there are.
  func tuningPart(ofUnits units: Int) -> TuningPart? {
    guard needsTuning else { return nil }
    return TuningPart(share: tuning ?? TuningPart.standardShare, ofUnits: unit == .pixel ? nil : units)
  }
}
