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
  private let opened: OpenedJob
  private let team: ThreadTeam
  private let expected: ExpectedFiles
  private let content: PartContent
  private var settings: EnsembleSettings { opened.settings }
  private var truth: LearningData { opened.truth }

  /// Opens the data, sees what members and calibration are to be made from, and starts threads.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  init(_ run: Run) throws {
    self.run = run
    opened = try run.opened()
    team = try run.workers().team
    expected = try run.expectedFiles()
    content = try run.content(of: .calibrate)
  }

  /// Finds the thresholds on the calibration images, unless they are known.
  ///
  /// - Throws: `RunError.noMembers`, `.otherMember`, `MemberFileError`, `RemoteFailure`.
  func calibrate() throws {
    let ensemble = try EnsemblePredictor(members(expected), team: team)
    let obstacle = try world.fromRoot {
      guard RunPaths.exists(paths.calibration) else { return [] }
      do {
        let reason = try expected.obstacle(
          calibration: paths.calibration, members: ensemble.members, content: content)
        return Array((reason ?? "").utf8) + [0]
      } catch {
        return Array("cannot be read: \(error)".utf8) + [0]
      }
    }
    if !obstacle.isEmpty, !run.options.overwrite {
      let reason = String(decoding: obstacle.dropLast(), as: UTF8.self)
      guard !reason.isEmpty else {
        log.note("The calibration is there already.")
        return
      }
      log.note("The calibration \(reason); it is found again.")
    }
    let levels = opened.levels
    var calibration: Calibration
    let method = job.uncertainty.method
    switch method.score {
    case .ofValues:
      let (scores, classScores) = try world.agree { try intervalScores(ensemble) }
      calibration = Calibration(
        try ConformalIntervals(method, calibrating: scores, levels: levels, over: world),
        unit: (job.data.targetScaling ?? .standard).unit)
      tell(calibration, "\(calibration.scores) calibration pixels: its intervals hold all numbers")
      if settings.classifier != nil {
        let sets = try SplitConformal(calibrating: classScores, levels: levels, over: world)
        calibration.classes = sets
        tell(Calibration(sets), "\(sets.scores) calibration images: its sets hold all classes")
      }
    case .ofClasses where isByImage:
      var risk = RiskControl(images: truth.split.calibrate.count)
      try world.agree {
        try addSetScores(ensemble, method) { scores, image in try risk.add(scores.values, image: image) }
      }
      try risk.reduce(over: world)
      calibration = Calibration(risk.sets(method, levels: levels))
      tell(calibration, "\(risk.images) calibration images: its sets hold all classes")
    case .ofClasses:
      let classes = job.uncertainty.byClass ? settings.classes : nil
      var scores = CalibrationScores(method, byClass: classes)
      try world.agree { try addSetScores(ensemble, method, byClass: classes) { more, _ in scores.append(more) } }
      calibration = Calibration(try SplitConformal(calibrating: scores, levels: levels, over: world))
      if classes == nil {
        tell(calibration, "\(calibration.scores) calibration \(unit): its sets hold all classes")
      } else {
        tell(calibration, ofEach: try world.allReduce(scores.groups.map(\.count), .sum))
      }
    }
    try run.onRoot {
      try CalibrationFile.write(
        calibration, of: job, origin: expected.origin, members: ensemble.members, content: content,
        to: paths.calibration)
    }
  }

  /// Tells of levels without a threshold.
  private func tell(_ calibration: Calibration, _ what: String) {
    for (level, missing) in zip(calibration.levels, calibration.infeasible(job.data.classes)) where missing != nil {
      log.note("coverage \(level) is infeasible with \(what).")
    }
  }

  /// Tells of classes without a threshold of their own.
  ///
  /// - Parameter counts: the calibration pixels of each class.
  private func tell(_ calibration: Calibration, ofEach counts: [Int]) {
    for (index, name) in job.data.classes.enumerated() {
      let levels = calibration.levels.indices.filter { calibration.values[$0 * counts.count + index] == .infeasible }
      guard !levels.isEmpty else { continue }
      if counts[index] == 0 {
        log.note("class ‘\(name)’ has no calibration \(unit): it is in every set.")
      } else {
        let shown = levels.map { "\(calibration.levels[$0])" }.joined(separator: ", ")
        log.note(
          "class ‘\(name)’ has \(counts[index]) calibration \(unit), too few for coverage \(shown): it is in every such set."
        )
      }
    }
  }

  /// What coverage counts.
  private var unit: String { settings.task.answersImages ? "images" : "pixels" }

  /// Predicts this rank's calibration tiles; a failure of one rank is that of all. Collective.
  ///
  /// - Parameter each: called with each answer, what is known of it, and the number of its region.
  private func predictCalibration(
    _ ensemble: EnsemblePredictor, each: (EnsemblePredictor.Answer, TileTruth, Int) throws -> Void
  ) throws {
    try world.agree {
      let work = try TileWork(truth.split.calibrate, of: job, settings, graphs: ensemble.members.map(\.graph))
      var known = TileTruth()
      for part in work.share(rank: world.rank, of: world.size) {
        let region = try truth.loadTruth(part.region, for: .calibrate, scaling: ensemble.members[0].scaling)
        try ensemble.predict(grid: part.grid, tiles: part.tiles, reading: EnsemblePredictor.reader(of: region)) {
          answer in
          known.take(answer.tile.core, of: region)
          try each(answer, known, part.index)
        }
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
    guard let scaling = ensemble.members[0].targetScaling else { return ([], classes) }
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
}
