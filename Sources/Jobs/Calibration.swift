import Ensembles
import HDF5
import Imaging
import Uncertainty

/// The thresholds of an ensemble's prediction sets or intervals, and what they are thresholds of.
struct Calibration: Hashable, Sendable {
  var method: Job.UncertaintySettings.Method
  var conformal: SplitConformal
}

/// The scores of values: how far the truth lies from the mean, as a multiple of what the method expects.
///
/// - `residual`: |truth − mean| in standard deviations of the training targets (J. Lei et al., *Distribution-free predictive
///   inference for regression*, arXiv 1604.04173).
/// - `normalized-residual`: |truth − mean| / (spread of the members + 1 % of that standard deviation), so that intervals are wide
///   where members disagree (the same, section 5.2; H. Papadopoulos et al., doi:10.1007/978-3-540-87881-0_8).
struct ResidualScale {
  private let isNormalized: Bool
  private let standard: [Float]

  init(_ method: Job.UncertaintySettings.Method, targetScaling: IntensityScaling) {
    isNormalized = method == .normalizedResidual
    standard = targetScaling.standardDeviation.map { Float($0) }
  }

  /// What a score of 1 stands for in the units of the target.
  @inline(__always)
  func unit(channel: Int, deviation: Float) -> Float {
    isNormalized ? deviation + 0.01 * standard[channel] : standard[channel]
  }

  /// Adds the scores of the voxels that are known.
  ///
  /// - Parameters:
  ///   - mean: `[channel, voxel]`, as is `deviation`.
  func addScores(
    mean: UnsafeBufferPointer<Float>, deviation: UnsafeBufferPointer<Float>, truth: TileTruth,
    to scores: inout [Float]
  ) {
    let voxels = mean.count / standard.count
    for channel in standard.indices {
      for voxel in 0..<voxels where truth.weights.isEmpty || truth.weights[voxel] != 0 {
        let i = channel * voxels + voxel
        scores.append(abs(truth.values[i] - mean[i]) / unit(channel: channel, deviation: deviation[i]))
      }
    }
  }

  /// The bounds of one level's intervals; infinite when the level is infeasible.
  func writeInterval(
    _ threshold: ConformalThreshold, mean: UnsafeBufferPointer<Float>, deviation: UnsafeBufferPointer<Float>,
    lower: inout [Float], upper: inout [Float]
  ) {
    let voxels = mean.count / standard.count
    let score: Float = if case .score(let score) = threshold { score } else { .infinity }
    for channel in standard.indices {
      for i in channel * voxels..<(channel + 1) * voxels {
        let width = score * unit(channel: channel, deviation: deviation[i])
        lower.append(mean[i] - width)
        upper.append(mean[i] + width)
      }
    }
  }
}

/// Thresholds in a small HDF5 file: `/coverage`, `/threshold`, `/infeasible`, attributes `method` and `scores`.
enum CalibrationFile {
  static func write(_ calibration: Calibration, job: UInt64, key: String, to path: String) throws {
    let temporary = path + ".part"
    let file = try File(creating: temporary, overwriting: true)
    try file.setAttribute("format", "tutti calibration")
    try file.setAttribute("job", job)
    try file.setAttribute("key", key)
    try write(calibration, to: file.root)
    try file.close()
    try WholeFile.publish(temporary, as: path)
  }

  /// Writes the thresholds into a group, as the results file has them too.
  static func write(_ calibration: Calibration, to group: Group) throws {
    let conformal = calibration.conformal
    try group.setAttribute("method", calibration.method.rawValue)
    try group.setAttribute("scores", conformal.scores)
    try group.write(conformal.levels.map(\.value), to: "coverage")
    let thresholds = conformal.thresholds.map { threshold -> Float in
      if case .score(let score) = threshold { score } else { .infinity }
    }
    let dataset = try group.write(thresholds, to: "threshold")
    try dataset.setAttribute("long_name", calibration.method.score)
    try group.write(conformal.thresholds.map { $0 == .infeasible ? UInt8(1) : 0 }, to: "infeasible")
  }

  /// The calibration in a file; nil when it is of another job.
  static func read(_ path: String, job: UInt64, key: String) throws -> Calibration? {
    let file = try File(opening: path)
    guard try file.hasAttribute("format"), try file.attribute("format", as: String.self) == "tutti calibration",
      try file.attribute("job", as: UInt64.self) == job, try file.attribute("key", as: String.self) == key
    else { return nil }
    let result = try read(file.root)
    try file.close()
    return result
  }

  static func read(_ group: Group) throws -> Calibration {
    let levels = try group.read("coverage", as: Double.self).map { try Coverage($0) }
    let infeasible = try group.read("infeasible", as: UInt8.self)
    let thresholds = try group.read("threshold", as: Float.self)
    let name = try group.attribute("method", as: String.self)
    guard let method = Job.UncertaintySettings.Method(rawValue: name) else {
      throw RunError.notResults(
        "/entry/calibration", problem: "its calibration is by ‘\(name)’, which this tutti does not know")
    }
    return Calibration(
      method: method,
      conformal: SplitConformal(
        levels: levels,
        thresholds: zip(thresholds, infeasible).map { $1 != 0 ? .infeasible : .score($0) },
        scores: try group.attribute("scores", as: Int64.self)))
  }
}
