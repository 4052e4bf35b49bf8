import Ensembles
import Foundation
import Host
import Imaging
import JobFiles
import MessagePassing

/// How long the stages of a run take, by trials of the job's own networks.
public struct StageTimes: Hashable, Sendable, Encodable {
  /// Seconds of the training of all members.
  public var training: Double
  /// Seconds of the prediction of the calibration part.
  public var calibration: Double
  /// Seconds of the prediction of the test part.
  public var prediction: Double
  /// Seconds of the evaluation and the page, by the number of voxels alone.
  public var evaluation: Double
  /// Operations of a training step a second, in the mean over the ranks that were tried.
  public var speed: Double

  /// Seconds of all stages.
  public var total: Double { training + calibration + prediction + evaluation }

  private enum CodingKeys: String, CodingKey {
    case training = "training_s"
    case calibration = "calibration_s"
    case prediction = "prediction_s"
    case evaluation = "evaluation_s"
    case total = "total_s"
    case speed = "flops"
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(training, forKey: .training)
    try values.encode(calibration, forKey: .calibration)
    try values.encode(prediction, forKey: .prediction)
    try values.encode(evaluation, forKey: .evaluation)
    try values.encode(total, forKey: .total)
    try values.encode(speed, forKey: .speed)
  }

  /// A time as people say it, of two digits: `4 s`, `12 min`, `3.5 h`.
  public static func text(_ seconds: Double) -> String {
    func rounded(_ value: Double) -> String {
      value < 9.95 ? String(format: "%.1f", value).replacing(".0", with: "") : String(format: "%.0f", value)
    }
    return switch seconds {
    case ..<1: "below 1 s"
    case ..<99.5: "\(Int(seconds.rounded())) s"
    case ..<5970: "\(rounded(seconds / 60)) min"
    case ..<172_800: "\(rounded(seconds / 3600)) h"
    default: "\(rounded(seconds / 86_400)) days"
    }
  }
}

extension StageTimes: CustomStringConvertible {
  public var description: String {
    let stages = [
      ("training", training), ("calibration", calibration), ("prediction", prediction),
      ("evaluation and page", evaluation),
    ]
    return "about \(Self.text(max(1, total))): " + stages.map { "\($0) \(Self.text($1))" }.joined(separator: ", ")
  }
}

extension Run {
  /// Tries a step and a prediction of the job's own networks on all ranks at the same time, and reckons the stages by
  /// them. Collective.
  ///
  /// - Parameters:
  ///   - ranks: of the run that is reckoned; the ranks that run here are tried.
  ///   - clock: by which they are timed.
  /// - Throws: as `opened()`; `RemoteFailure` when a step fails, `MPIError`.
  public func stageTimes(ranks: Int, clock: StepTrial.Clock = .wall) throws -> StageTimes {
    let (opened, workers) = (try opened(), try workers())
    let settings = opened.settings
    let members = try world.agree { try (0..<settings.members).map { try settings.member($0) } }
    let middle = members.sorted { ($0.costs.trainingFLOPs, $0.index) < ($1.costs.trainingFLOPs, $1.index) }[
      members.count / 2]
    let trial = try world.agree {
      try StepTrial(
        middle, settings: settings, target: opened.data.content.kind(for: settings.task), team: workers.team,
        clock: clock)
    }
    let operations = Double(middle.costs.trainingFLOPs) * Double(settings.batch)
    let speeds = try world.allGather(operations / trial.step)
    let predictions = try world.allGather(trial.prediction)
    let speed = speeds.reduce(0, +) / Double(speeds.count)
    let cluster = SimulatedCluster(speeds: (0..<ranks).map { ranks == speeds.count ? speeds[$0] : speed })
    let training = try simulated(on: cluster).result.makespan
    return try world.agree {
      let work = try JobWork(opened, job)
      // Predictions of an epoch's validation go with its steps.
      let secondsOfPatch = predictions.reduce(0, +) / Double(predictions.count)
      let forward = secondsOfPatch / Double(max(1, middle.costs.forwardFLOPs))
      func seconds(_ operations: Double) -> Double { operations * forward / Double(ranks) }
      return StageTimes(
        training: training + seconds(work.validation), calibration: seconds(work.calibration),
        prediction: seconds(work.prediction), evaluation: 2 + 2e-7 * Double(work.testVoxels) / Double(ranks),
        speed: speed)
    }
  }
}

/// The floating-point operations of a job's stages, of all members together.
struct JobWork {
  /// Of the training steps.
  var training = 0.0
  /// Of the predictions of the validation part, in all epochs.
  var validation = 0.0
  /// Of the prediction of the calibration part.
  var calibration = 0.0
  /// Of the prediction of the test part.
  var prediction = 0.0
  /// Voxels of the test part, once for each channel of an answer.
  var testVoxels = 0

  /// - Throws: `NetworkSettingError`, `NetworkError`, `ImagingError`.
  init(_ opened: OpenedJob, _ job: Job) throws {
    let settings = opened.settings
    let members = try (0..<settings.members).map { try settings.member($0) }
    let units = try opened.units()
    let patches = settings.patchesPerEpoch(of: units)
    let voxelsOfPatch = Double(settings.patch.reduce(1, *))
    let graphs = members.map(\.graph)
    // Operations for a voxel of all members.
    let forward = members.reduce(0.0) { $0 + Double($1.costs.forwardFLOPs) } / voxelsOfPatch
    let flips = job.prediction.augment == nil ? 1 : Flip.all(hasDepth: graphs[0].dimensions == 3).count
    let passes = Double(max(1, settings.planes.count) * flips)
    training = members.reduce(0.0) { $0 + $1.cost(samplesPerEpoch: patches, epochs: settings.epochs) }
    if !opened.data.split.validate.isEmpty {
      let patches = try opened.units(.validate).units.reduce(0) { $0 + $1.count }
      validation = forward * Double(patches) * voxelsOfPatch * Double(settings.epochs)
    }
    for part in [Part.calibrate, .test] where !opened.data.split[part].isEmpty {
      let work = try TileWork(opened.data.split[part], of: job, settings, graphs: graphs)
      let seen = work.grids.reduce(0.0) { $0 + Double($1.input.count) * Double($1.count) }
      if part == .test { prediction = forward * passes * seen } else { calibration = forward * passes * seen }
    }
    testVoxels = opened.truth.split.test.reduce(0) { $0 + $1.extents.count } * settings.answer.channels
  }
}
