import Ensembles
import HDF5
import Host
import Imaging
import JobFiles
import MessagePassing
import Uncertainty

/// Finds the thresholds of the prediction sets or intervals.
struct CalibrationStage: Stage {
  let run: Run
  let known: InspectedJob
  let team: ThreadTeam
  private var settings: EnsembleSettings { known.settings }
  private var inspection: Inspection { known.inspection }
  private var truth: LearningData { known.truth }
  private var fingerprint: UInt64 { known.fingerprint }

  /// Inspects the data and starts threads.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  init(_ run: Run) throws {
    self.run = run
    known = try run.inspected()
    team = try run.workers().team
  }

  /// Finds the thresholds on the calibration images, unless they are known.
  ///
  /// - Throws: `RunError.noMembers`, `MemberFileError`, `RemoteFailure`.
  func calibrate() throws {
    let isThere = try rootFinds(paths.calibration) {
      try CalibrationFile.read($0, job: fingerprint, key: Self.key(job))
    }
    if isThere {
      log.note("The calibration is there already.")
      return
    }
    let ensemble = try EnsemblePredictor(
      members(settings.members, fingerprint: fingerprint), team: team)
    let levels = try world.agree { try job.uncertainty.coverage.map { try Coverage($0) } }
    var calibration: Calibration
    var units = ""
    let method = job.uncertainty.method
    switch method.score {
    case .ofValues:
      let (scores, classScores) = try intervalScores(ensemble)
      calibration = Calibration(
        try ConformalIntervals(method, calibrating: scores, levels: levels, over: world),
        unit: (job.data.targetScaling ?? .standard).unit)
      if settings.classifier != nil {
        let sets = try SplitConformal(calibrating: classScores, levels: levels, over: world)
        calibration.classes = sets
        for (level, isInfeasible) in zip(levels, calibration.classesInfeasible) where isInfeasible {
          log.note("coverage \(level) is infeasible with \(sets.scores) calibration images: its sets hold all classes.")
        }
      }
      units = "\(calibration.scores) calibration pixels: its intervals hold all numbers"
    case .ofClasses where isByImage:
      var risk = RiskControl(images: truth.split.calibrate.count)
      try addSetScores(ensemble, method) { scores, image in try risk.add(scores.values, image: image) }
      try risk.reduce(over: world)
      calibration = Calibration(risk.sets(method, levels: levels))
      units = "\(risk.images) calibration images: its sets hold all classes"
    case .ofClasses:
      let classes = job.uncertainty.byClass ? settings.classes : nil
      var scores = CalibrationScores(method, byClass: classes)
      try addSetScores(ensemble, method, byClass: classes) { more, _ in scores.append(more) }
      calibration = Calibration(try SplitConformal(calibrating: scores, levels: levels, over: world))
      units =
        "\(calibration.scores) calibration \(unit)\(classes == nil ? "" : " of all classes"): its sets hold all classes"
    }
    try run.onRoot {
      try CalibrationFile.write(calibration, job: fingerprint, key: Self.key(job), to: paths.calibration)
    }
    for (level, isInfeasible) in zip(levels, calibration.infeasible) where isInfeasible {
      log.note("coverage \(level) is infeasible with \(units).")
    }
  }

  /// What coverage counts.
  private var unit: String { settings.task.answersImages ? "images" : "pixels" }

  /// Predicts this rank's calibration tiles.
  ///
  /// - Parameter each: called with each answer, what is known of it, and the number of its region.
  private func predictCalibration(
    _ ensemble: EnsemblePredictor, each: (EnsemblePredictor.Answer, TileTruth, Int) throws -> Void
  ) throws {
    let work = try TileWork(truth.split.calibrate, of: job, settings, graphs: ensemble.members.map(\.graph))
    var known = TileTruth()
    for part in work.share(rank: world.rank, of: world.size) {
      let region = try truth.loadTruth(part.region, for: .calibrate, scaling: inspection.scaling)
      try ensemble.predict(grid: part.grid, tiles: part.tiles, reading: EnsemblePredictor.reader(of: region)) {
        answer in
        known.take(answer.tile.core, of: region)
        try each(answer, known, part.index)
      }
    }
  }

  /// The scores of classes of this rank's calibration tiles, tile by tile with the image that the tile is of.
  private func addSetScores(
    _ ensemble: EnsemblePredictor, _ method: ConformalMethod, byClass classes: Int? = nil,
    add: (CalibrationScores, Int) throws -> Void
  ) throws {
    try predictCalibration(ensemble) { answer, known, image in
      guard let mean = answer.mean.baseAddress else { return }
      var scores = CalibrationScores(method, byClass: classes)
      try known.labels.withUnsafeBufferPointer { labels in
        guard let labels = labels.baseAddress else { return }
        try scores.add(probabilities: mean, labels: labels, classes: ensemble.channels, pixels: answer.voxels)
      }
      try add(scores, image)
    }
  }

  /// The scores of values of this rank's calibration tiles, and those of the classes that are told beside them.
  private func intervalScores(_ ensemble: EnsemblePredictor) throws -> (values: [Float], classes: CalibrationScores) {
    var classes = CalibrationScores()
    guard let scaling = inspection.targetScaling else { return ([], classes) }
    var planes = IntervalPlanes(
      job.uncertainty.method, targetScaling: scaling, form: AnswerForm(settings, volume: job.data.volume))
    var scores: [Float] = []
    try predictCalibration(ensemble) { answer, known, _ in
      planes.take(mean: answer.mean, deviation: answer.deviation)
      planes.addScores(known, to: &scores)
      guard !answer.classMean.isEmpty, let mean = answer.classMean.baseAddress else { return }
      try known.labels.withUnsafeBufferPointer { labels in
        guard let labels = labels.baseAddress else { return }
        try classes.add(probabilities: mean, labels: labels, classes: ensemble.imageClasses, pixels: 1)
      }
    }
    return (scores, classes)
  }

  /// What decides a calibration besides the members: a key of the job's settings for it.
  static func key(_ job: Job) -> String { String(job.fingerprint, radix: 16) }
}
