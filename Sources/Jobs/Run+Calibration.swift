import Ensembles
import HDF5
import Imaging
import MessagePassing
import Uncertainty

extension Run {
  /// Finds the thresholds of the prediction sets or intervals on the calibration images, unless they are known.
  public func calibrate() throws {
    let isThere = try rootFinds(paths.calibration) {
      try CalibrationFile.read($0, job: fingerprint, key: calibrationKey)
    }
    if isThere {
      log.note("The calibration is there already.")
      return
    }
    let ensemble = try EnsemblePredictor(members(), team: team)
    let scores = try calibrationScores(ensemble)
    let levels = try world.agree { try job.uncertainty.coverage.map { try Coverage($0) } }
    let conformal = try SplitConformal(calibrating: scores, levels: levels, over: world)
    try onRoot {
      try CalibrationFile.write(
        Calibration(method: job.uncertainty.method, conformal: conformal), job: fingerprint, key: calibrationKey,
        to: paths.calibration)
    }
    let all = settings.task.hasClasses ? "sets hold all classes" : "intervals hold all numbers"
    for (level, threshold) in zip(conformal.levels, conformal.thresholds) where threshold == .infeasible {
      log.note("coverage \(level) is infeasible with \(conformal.scores) calibration \(things): its \(all).")
    }
  }

  /// What coverage counts.
  private var things: String { settings.task.answersImages ? "images" : "pixels" }

  /// The scores of this rank's calibration tiles.
  private func calibrationScores(_ ensemble: EnsemblePredictor) throws -> CalibrationScores {
    var classes = CalibrationScores()
    var residuals: [Float] = []
    let scale = inspection.targetScaling.map { ResidualScale(job.uncertainty.method, targetScaling: $0) }
    let work = try TileWork(truth.split.calibrate, settings: self, graphs: ensemble.members.map(\.graph))
    var known = TileTruth()
    for part in work.share(rank: world.rank, of: world.size) {
      let region = try truth.loadTruth(part.region, for: .calibrate, scaling: inspection.scaling)
      try ensemble.predict(grid: part.grid, tiles: part.tiles, reading: EnsemblePredictor.reader(of: region)) {
        answer in
        known.take(answer.tile.core, of: region)
        if let scale {
          scale.addScores(mean: answer.mean, deviation: answer.deviation, truth: known, to: &residuals)
          return
        }
        guard let mean = answer.mean.baseAddress else { return }
        try known.labels.withUnsafeBufferPointer { labels in
          guard let labels = labels.baseAddress else { return }
          try classes.add(probabilities: mean, labels: labels, classes: ensemble.channels, pixels: answer.voxels)
        }
      }
    }
    return scale == nil ? classes : CalibrationScores(values: residuals)
  }

  /// The calibration of this job.
  func calibration() throws -> Calibration {
    try world.agree {
      guard RunPaths.exists(paths.calibration) else { throw RunError.noCalibration(paths.calibration) }
      guard let found = try CalibrationFile.read(paths.calibration, job: fingerprint, key: calibrationKey) else {
        throw RunError.otherJob(paths.calibration)
      }
      return found
    }
  }

  /// What decides a calibration besides the members: a key of the job's settings for it.
  private var calibrationKey: String { String(job.fingerprint, radix: 16) }

  /// Whether rank 0 finds something usable at a path; the answer is the same on all ranks.
  func rootFinds(_ path: String, _ look: (String) throws -> Any?) throws -> Bool {
    try world.fromRoot {
      guard RunPaths.exists(path) else { return [0] }
      return try look(path) == nil ? [0] : [1]
    } == [1]
  }
}
