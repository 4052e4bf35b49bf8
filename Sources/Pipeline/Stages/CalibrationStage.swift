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
    ensemble.bytesAtOnce = run.cacheBytes
    let work = try world.agree { try tiles(ensemble) }
    let obstacle = try world.fromRoot {
      guard RunPaths.exists(paths.calibration) else { return [] }
      do {
        let reason = try expected.obstacle(
          calibration: paths.calibration, members: ensemble.members, content: content, work)
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
    let collector = MeasuredQuantity.all(of: job, truth).map {
      ObjectCollector(
        $0, members: ensemble.members.count, classes: ensemble.channels,
        regions: truth.split.calibrate)
    }
    var calibration = try found(ensemble, collector)
    calibration.allowsEmpty = job.uncertainty.allowEmpty ?? true
    if let collector, let measurements = job.measurements, let images = try collector.joined(over: world) {
      calibration.measurements = try measured(images, measurements)
      for remark in calibration.measurements?.remarks(collector.quantities.map(\.name)) ?? [] { log.note(remark) }
    }
    try run.onRoot {
      try CalibrationFile.write(
        calibration, of: job, origin: expected.origin, members: ensemble.members, content: content, work,
        to: paths.calibration)
    }
  }

  /// The thresholds of the job's method, by its unit.
  ///
  /// - Parameter collector: takes the objects of the calibration images.
  private func found(_ ensemble: EnsemblePredictor, _ collector: ObjectCollector?) throws -> Calibration {
    let (levels, method) = (opened.levels, job.uncertainty.method)
    let map = opened.units(unit, of: .calibrate, job)
    if method.isOfClasses, job.uncertainty.byClass {
      var scores = CalibrationScores(method, byClass: settings.classes)
      try world.agree {
        try addSetScores(ensemble, method, byClass: settings.classes, collector) { more, _, _, _ in scores.append(more)
        }
      }
      var calibration = Calibration(try SplitConformal(calibrating: scores, levels: levels, over: world))
      (calibration.unit, calibration.units) = (unit, calibration.scores)
      tell(calibration, ofEach: try world.allReduce(scores.groups.map(\.count), .sum))
      return calibration
    }
    var scores = UnitScores(units: map.count)
    var classScores = CalibrationScores()
    try world.agree {
      if method.isOfClasses {
        try addSetScores(ensemble, method, collector) { more, labels, region, box in
          var first = 0
          map.forEachRun(region: region, box) { unit, voxels in
            let count = labels[voxels].count { $0 != Label.ignored }
            scores.add(more.values[first..<first + count], unit: unit)
            first += count
          }
        }
      } else {
        classScores = try addIntervalScores(ensemble, map, to: &scores)
      }
    }
    var calibration: Calibration
    let risk = unit == .pixel ? nil : try RiskControl(scores, levels: levels, over: world)
    if method.isOfClasses {
      let sets =
        try risk.map { SplitConformal(method, levels: levels, thresholds: $0.thresholds, scores: $0.scores) }
        ?? SplitConformal(
          calibrating: CalibrationScores(method, values: scores.values), levels: levels, over: world)
      calibration = Calibration(sets)
    } else {
      let intervals =
        try risk.map { ConformalIntervals(method, levels: levels, thresholds: $0.thresholds, scores: $0.scores) }
        ?? ConformalIntervals(method, calibrating: scores.values, levels: levels, over: world)
      calibration = Calibration(intervals, unit: (job.data.targetScaling ?? .standard).unit)
    }
    calibration.unit = unit
    calibration.units = risk?.units ?? calibration.scores
    if risk == nil, !job.task.answersImages || truth.groups != nil {
      calibration.effective = try scores.effectiveCounts(calibration.values, sum: world.integerSum)
      calibration.alikeWithin = map.plural
    }
    let unitWords = risk == nil ? unitWords : map.plural
    tell(calibration, unitWords)
    if settings.classifier != nil {
      let sets = try SplitConformal(calibrating: classScores, levels: levels, over: world)
      calibration.classes = sets
      var told = Calibration(sets)
      told.units = sets.scores
      tell(told, "images")
    }
    return calibration
  }

  /// The thresholds of intervals of what is measured, by images or groups.
  private func measured(_ images: MeasuredImages, _ measurements: [ImageMeasurement]) throws -> MeasurementCalibration {
    let regions = truth.split.calibrate
    guard unit == .group, let groups = truth.groups else {
      return try MeasurementCalibration(
        measurements, images, units: regions.indices.map { [$0] }, unit: .image, levels: opened.levels)
    }
    let numbers = regions.map { groups.number(of: $0, layout: truth.layout) }
    return try MeasurementCalibration(
      measurements, images,
      units: Set(numbers).sorted().map { number in numbers.indices.filter { numbers[$0] == number } }, unit: .group,
      levels: opened.levels)
  }

  /// Tells of levels without a threshold, and what pixels that are alike are worth.
  private func tell(_ calibration: Calibration, _ what: String) {
    let all = calibration.method.isOfClasses ? "its sets hold all classes" : "its intervals hold all numbers"
    for (level, value) in zip(calibration.levels, calibration.values) where value == .infeasible {
      log.note(
        "coverage \(level) is infeasible with \(calibration.units) calibration \(what), \(level.fewestUnits) would do: \(all)."
      )
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
        log.note("class ‘\(name)’ has no calibration \(unitWords): it is in every set.")
      } else {
        let shown = levels.map { "\(calibration.levels[$0])" }.joined(separator: ", ")
        log.note(
          "class ‘\(name)’ has \(counts[index]) calibration \(unitWords), too few for coverage \(shown): it is in every such set."
        )
      }
    }
  }

  /// What has a score.
  private var unitWords: String { settings.task.answersImages ? "images" : "pixels" }

  /// The tiles of the calibration set.
  private func tiles(_ ensemble: EnsemblePredictor) throws -> TileWork {
    try TileWork(truth.split.calibrate, of: job, settings, graphs: ensemble.members.map(\.graph))
  }

  /// Predicts this rank's calibration tiles; a failure of one rank is that of all. Collective.
  ///
  /// - Parameter each: called with each answer, what is known of it, and the number of its region.
  private func predictCalibration(
    _ ensemble: EnsemblePredictor, _ collector: ObjectCollector? = nil,
    each: (EnsemblePredictor.Answer, TileTruth, Int) throws -> Void
  ) throws {
    try world.agree {
      var known = TileTruth()
      for part in try tiles(ensemble).share(rank: world.rank, of: world.size) {
        let reader = EnsemblePredictor.reader(
          of: truth.images, region: part.region, scaling: ensemble.members[0].scaling)
        try ensemble.predict(
          grid: part.grid, tiles: part.tiles, reading: reader,
          eachMember: { member, tile, answer, _ in collector?.add(answer, of: member, part.region, tile.core) }
        ) { answer in
          try run.stop.check()
          try known.read(answer.tile.core, of: part.region, truth, for: .calibrate)
          collector?.addTruth(known.labels, part.region, answer.tile.core)
          try each(answer, known, part.index)
        }
      }
    }
  }

  /// The scores of classes of this rank's calibration tiles, tile by tile with the labels, the region's number and the box.
  private func addSetScores(
    _ ensemble: EnsemblePredictor, _ method: ConformalMethod, byClass classes: Int? = nil,
    _ collector: ObjectCollector?, add: (CalibrationScores, [UInt8], Int, Box) throws -> Void
  ) throws {
    try predictCalibration(ensemble, collector) { answer, known, region in
      guard let mean = answer.mean.baseAddress else { return }
      var scores = CalibrationScores(method, byClass: classes)
      try known.labels.withUnsafeBufferPointer { labels in
        guard let labels = labels.baseAddress else { return }
        try scores.add(probabilities: mean, labels: labels, classes: ensemble.channels, pixels: answer.voxels)
      }
      try add(scores, known.labels, region, job.task.answersImages ? .point : answer.tile.core)
    }
  }

  /// Adds the scores of values of this rank's calibration tiles.
  ///
  /// - Returns: the scores of the classes that are told beside them.
  private func addIntervalScores(
    _ ensemble: EnsemblePredictor, _ map: UnitMap, to scores: inout UnitScores
  ) throws -> CalibrationScores {
    var classes = CalibrationScores()
    guard let scaling = ensemble.members[0].targetScaling else { return classes }
    var planes = IntervalPlanes(
      job.uncertainty.method, targetScaling: scaling, form: AnswerForm(settings, job.layout))
    try predictCalibration(ensemble) { answer, known, region in
      planes.take(mean: answer.mean, deviation: answer.deviation)
      map.forEachRun(region: region, answer.tile.core) { unit, voxels in
        planes.addScores(known, of: voxels, unit: unit, to: &scores)
      }
      guard !answer.classMean.isEmpty, let mean = answer.classMean.baseAddress else { return }
      try known.labels.withUnsafeBufferPointer { labels in
        guard let labels = labels.baseAddress else { return }
        try classes.add(probabilities: mean, labels: labels, classes: ensemble.imageClasses, pixels: 1)
      }
    }
    return classes
  }
}
