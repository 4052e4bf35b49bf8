import Ensembles
import HDF5
import Imaging
import MessagePassing
import Uncertainty

extension Run {
  /// Finds the thresholds of the prediction sets on the calibration images, unless they are known.
  public func calibrate() throws {
    let isThere = try rootFinds(paths.calibration) {
      try CalibrationFile.read($0, job: fingerprint, key: calibrationKey)
    }
    if isThere {
      log.note("The calibration is there already.")
      return
    }
    let ensemble = try EnsemblePredictor(members(), team: team)
    var scores = CalibrationScores()
    let work = try TileWork(data.split.calibrate, settings: self, graphs: ensemble.members.map(\.graph))
    for part in work.share(rank: world.rank, of: world.size) {
      let region = try data.load(part.region, scaling: inspection.scaling)
      var labels: [UInt8] = []
      try ensemble.predict(grid: part.grid, tiles: part.tiles, reading: EnsemblePredictor.reader(of: region)) {
        answer in
        region.copyLabels(of: answer.tile.core, to: &labels)
        guard let mean = answer.mean.baseAddress else { return }
        try labels.withUnsafeBufferPointer { labels in
          guard let labels = labels.baseAddress else { return }
          try scores.add(
            probabilities: mean, labels: labels, classes: ensemble.classes, pixels: answer.tile.core.count)
        }
      }
    }
    let levels = try world.agree { try job.uncertainty.coverage.map { try Coverage($0) } }
    let conformal = try SplitConformal(calibrating: scores.values, levels: levels, over: world)
    try onRoot {
      try CalibrationFile.write(
        conformal, job: fingerprint, key: calibrationKey, to: paths.calibration)
    }
    for (level, threshold) in zip(conformal.levels, conformal.thresholds) where threshold == .infeasible {
      log.note(
        "coverage \(level) is infeasible with \(conformal.scores) calibration pixels: its sets hold all classes.")
    }
  }

  /// The calibration of this job.
  func calibration() throws -> SplitConformal {
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

/// Thresholds in a small HDF5 file: `/coverage`, `/threshold`, `/infeasible`, attribute `scores`.
enum CalibrationFile {
  static func write(_ conformal: SplitConformal, job: UInt64, key: String, to path: String) throws {
    let temporary = path + ".part"
    let file = try File(creating: temporary, overwriting: true)
    try file.setAttribute("format", "tutti calibration")
    try file.setAttribute("job", job)
    try file.setAttribute("key", key)
    try write(conformal, to: file.root)
    try file.close()
    try WholeFile.publish(temporary, as: path)
  }

  /// Writes the thresholds into a group, as the results file has them too.
  static func write(_ conformal: SplitConformal, to group: Group) throws {
    try group.setAttribute("method", "lac")
    try group.setAttribute("scores", conformal.scores)
    try group.write(conformal.levels.map(\.value), to: "coverage")
    let thresholds = conformal.thresholds.map { threshold -> Float in
      if case .score(let score) = threshold { score } else { .infinity }
    }
    let dataset = try group.write(thresholds, to: "threshold")
    try dataset.setAttribute("long_name", "largest score 1 - p(class) of a class in the set")
    try group.write(conformal.thresholds.map { $0 == .infeasible ? UInt8(1) : 0 }, to: "infeasible")
  }

  /// The calibration in a file; nil when it is of another job.
  static func read(_ path: String, job: UInt64, key: String) throws -> SplitConformal? {
    let file = try File(opening: path)
    guard try file.hasAttribute("format"), try file.attribute("format", as: String.self) == "tutti calibration",
      try file.attribute("job", as: UInt64.self) == job, try file.attribute("key", as: String.self) == key
    else { return nil }
    let result = try read(file.root)
    try file.close()
    return result
  }

  static func read(_ group: Group) throws -> SplitConformal {
    let levels = try group.read("coverage", as: Double.self).map { try Coverage($0) }
    let infeasible = try group.read("infeasible", as: UInt8.self)
    let thresholds = try group.read("threshold", as: Float.self)
    return SplitConformal(
      levels: levels,
      thresholds: zip(thresholds, infeasible).map { $1 != 0 ? .infeasible : .score($0) },
      scores: try group.attribute("scores", as: Int64.self))
  }
}
