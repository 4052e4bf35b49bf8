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
  let opened: OpenedJob
  private let team: ThreadTeam
  private let expected: ExpectedFiles
  private let content: PartContent
  private var settings: EnsembleSettings { opened.settings }
  var truth: LearningData { opened.truth }

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
    let candidates = try members(expected)
    var ensemble = try predictor(candidates, team: team)
    let work = try world.agree { try tiles(ensemble) }
    let obstacle = try world.fromRoot {
      guard RunPaths.exists(paths.calibration) else { return [] }
      do {
        let reason = try expected.obstacle(
          calibration: paths.calibration, members: candidates, content: content, work)
        return Array((reason ?? "").utf8) + [0]
      } catch {
        return Array("cannot be read: \(error)".utf8) + [0]
      }
    }
    // A whole run that replaces its results keeps what they are made from, where that is this job's.
    if !obstacle.isEmpty, !run.options.overwrite || !run.planned.isEmpty {
      let reason = String(decoding: obstacle.dropLast(), as: UTF8.self)
      guard !reason.isEmpty else {
        log.note("The calibration is there already.")
        return
      }
      log.note("The calibration \(reason); it is found again.")
    }
    let form = try MemberWeighting(run: run, opened: opened).combination(of: ensemble)
    let used = form.used(of: candidates.count)
    var combination = KnownCombination()
    if !form.weights.isEmpty {
      combination.members = used.map { candidates[$0].index }
      combination.leftOut = candidates.indices.filter { !used.contains($0) }.map { candidates[$0].index }
      combination.rule = job.ensemble.weights ?? .equal
    }
    if used.count < candidates.count { ensemble = try predictor(used.map { candidates[$0] }, team: team) }
    ensemble.combination = form.restricted(to: used)
    let collector = MeasuredQuantity.all(of: job, truth).map {
      ObjectCollector(
        $0, members: ensemble.members.count, classes: ensemble.channels,
        regions: truth.split.calibrate)
    }
    var (calibration, sample) = try found(ensemble, collector)
    combination.form = ensemble.combination
    combination.tunedOn = calibration.combination.tunedOn
    calibration.combination = combination
    for line in combination.remarks(calibration.method) { log.note(line) }
    if let collector, let measurements = job.measurements, let images = try collector.joined(over: world) {
      calibration.measurements = try measured(images, measurements)
      for remark in calibration.measurements?.remarks(collector.quantities.map(\.name)) ?? [] { log.note(remark) }
    }
    try world.onRoot {
      try CalibrationFile.write(
        calibration, sample, of: job, origin: expected.origin, members: candidates, content: content, work,
        to: paths.calibration)
    }
  }

  /// The thresholds of the job's method, by its unit, and on rank 0 what of the calibration part is stored.
  ///
  /// - Parameter collector: takes the objects of the calibration images.
  private func found(
    _ ensemble: EnsemblePredictor, _ collector: ObjectCollector?
  ) throws -> (calibration: Calibration, sample: StoredSample?) {
    let map = opened.units(unit, of: .calibrate, job)
    let part = job.uncertainty.method.isOfClasses ? job.uncertainty.tuningPart(ofUnits: map.count) : nil
    let (method, tunedOn, tuning) = try tune(ensemble, job.uncertainty.method, on: part, map)
    let form = CalibrationForm(
      method: method, levels: opened.levels, unit: unit,
      byClass: job.uncertainty.method.isOfClasses && job.uncertainty.byClass,
      allowsEmpty: job.uncertainty.allowEmpty ?? true)
    // Many scores go to a file beside the results, where there is room, as memory's folders may have none.
    let folder = paths.folder
    var scores = (0..<(form.byClass ? settings.classes : 1)).map { _ in
      UnitScores(units: map.count, spillingTo: folder)
    }
    var classScores = CalibrationScores()
    var sample = CalibrationSample(width: form.method.isOfClasses ? ensemble.channels : CalibrationSample.valueWidth)
    var classSample = CalibrationSample(width: max(1, ensemble.imageClasses))
    let masks = ConformalMask.all(job.uncertainty.masks, classes: job.data.classes)
    var maskScores = MaskScores(masks, units: map.count, spillingTo: folder)
    let margins = MarginCollector(masks, regions: truth.split.calibrate)
    let shift = ShiftCollector(ensemble, regions: truth.split.calibrate.count)
    try world.agree {
      if form.method.isOfClasses {
        try addSetScores(ensemble, form, part, map, collector, margins, shift, to: &scores, &sample, &maskScores)
      } else {
        classScores = try addIntervalScores(ensemble, map, shift, to: &scores[0], &sample, &classSample)
      }
    }
    var calibration = try Calibration(
      form, scores, alikeWithin: alike == nil ? nil : map.plural, valueUnit: valueUnit, sum: world.integerSum)
    calibration.combination.tunedOn = tunedOn
    for line in calibration.warnings(job.data.classes, unit == .pixel ? unitWords : map.plural) { log.note(line) }
    if settings.classifier != nil {
      let sets = try SplitConformal(calibrating: classScores, levels: opened.levels, over: world)
      calibration.classes = sets
      var told = Calibration(sets)
      told.units = sets.scores
      for line in told.warnings([], "images") { log.note(line) }
    }
    calibration.allowsEmpty = form.allowsEmpty
    let regions = truth.split.calibrate
    let groups = truth.groups?.numbers(of: regions, layout: truth.layout)
    calibration.shift = ShiftReference(
      try shift.features(over: world), groups: groups,
      plural: groups != nil ? "groups" : job.layout.isOneImage ? "runs of slices" : "images")
    if !masks.isEmpty {
      let spacing = VoxelSpacing(job.voxelSize ?? truth.images.voxelSize, hasDepth: job.layout.hasDepth)
      let entries =
        try maskScores.entries(form.levels, sum: world.integerSum)
        + (margins?.entries(form.levels, map, spacing, over: world) ?? [])
      let found = MaskCalibration(
        entries: entries, levels: form.levels, plural: map.plural, lengthUnit: spacing.unit)
      for line in found.remarks { log.note(line) }
      calibration.masks = found
    }
    let whole = try sample.joined(over: world)
    let classes = try classSample.joined(over: world)
    return (calibration, whole.map { stored($0, tuning, settings.classifier == nil ? nil : classes, ensemble) })
  }

  private var valueUnit: ValueUnit {
    guard (job.data.targetTransform ?? .none) == TargetTransform.none else {
      return ValueUnit(
        plural: "steps of the targets (from the mean of the transformed ones to one scaled unit above it)",
        percent: "1 % of such a step")
    }
    return (job.data.targetScaling ?? .standard).unit
  }

  /// The kind of units whose pixels are alike; nil when images are classified, of which none is like another.
  private var alike: Job.UncertaintySection.Unit? {
    if truth.groups != nil { return .group }
    return job.task.answersImages ? nil : job.layout.isOneImage ? .patch : .image
  }

  /// A sample with the units that its pixels are of.
  private func stored(
    _ sample: CalibrationSample, _ tuning: CalibrationSample?, _ classes: CalibrationSample?,
    _ ensemble: EnsemblePredictor
  ) -> StoredSample {
    let channels = max(1, settings.targetChannels)
    let kinds = Job.UncertaintySection.Unit.allCases.filter { kind in
      switch kind {
      case .pixel: false
      case .patch: !job.task.answersImages
      case .image: !job.task.answersImages && !job.layout.isOneImage
      case .group: truth.groups != nil
      }
    }
    let units = kinds.map { kind in
      let map = opened.units(kind, of: .calibrate, job)
      func units(_ sample: CalibrationSample) -> [Int] {
        zip(sample.regions, sample.places).map { map.unit(region: Int($0), voxel: Int($1) / channels) }
      }
      return StoredSample.Units(
        kind: kind, plural: map.plural, count: map.count, ofPixel: units(sample), ofTuning: tuning.map(units) ?? [])
    }
    return StoredSample(
      sample: sample, tuning: tuning, units: units, alike: alike, members: ensemble.members.map(\.answerHash),
      targetUnits: ensemble.members[0].targetScaling?.units ?? [], valueUnit: valueUnit,
      classes: classes)
  }

  /// The thresholds of intervals of what is measured, by images or groups.
  private func measured(_ images: MeasuredImages, _ measurements: [ImageMeasurement]) throws -> MeasurementCalibration {
    let regions = truth.split.calibrate
    guard unit == .group, let groups = truth.groups else {
      return try MeasurementCalibration(
        measurements, images, units: regions.indices.map { [$0] }, unit: .image, levels: opened.levels)
    }
    let numbers = groups.numbers(of: regions, layout: truth.layout)
    return try MeasurementCalibration(
      measurements, images,
      units: Set(numbers).sorted().map { number in numbers.indices.filter { numbers[$0] == number } }, unit: .group,
      levels: opened.levels)
  }

  /// What has a score.
  private var unitWords: String { settings.task.answersImages ? "images" : "pixels" }

  /// The tiles of the calibration set.
  private func tiles(_ ensemble: EnsemblePredictor) throws -> TileWork {
    try TileWork(truth.split.calibrate, of: job, settings, graphs: ensemble.members.map(\.graph))
  }

  /// Predicts this rank's calibration tiles; a failure of one rank is that of all. Collective.
  ///
  /// - Parameters:
  ///   - includes: whether a region is predicted, by its number; nil: all are.
  ///   - each: called with each answer, what is known of it, and the number of its region.
  func predictCalibration(
    _ ensemble: EnsemblePredictor, _ collector: ObjectCollector?, _ shift: ShiftCollector?,
    where includes: ((Int) -> Bool)? = nil,
    each: (EnsemblePredictor.Answer, TileTruth, Int) throws -> Void
  ) throws {
    let scaling = try run.scaling(ensemble.members[0].scaling, of: .calibrate)
    try world.agree {
      var known = TileTruth()
      let work = try tiles(ensemble)
      var progress = TileProgress(run, .calibration, work)
      let mine = work.share(rank: world.rank, of: world.size).filter { includes?($0.index) != false }
      let parts = mine.map { $0.reading(truth.images, scaledBy: scaling) }
      try ensemble.predict(
        parts,
        eachMember: { part, member, tile, answer, _ in
          collector?.add(answer, of: member, mine[part].region, tile.core)
        },
        eachTile: { index, answer in
          let part = mine[index]
          try run.stop.check()
          progress.next()
          try known.read(answer.tile.core, of: part.region, truth, for: .calibrate)
          collector?.addTruth(known.labels, part.region, answer.tile.core)
          try shift?.add(
            answer, AnswerForm(settings, job.layout), region: part.index, channels: settings.inputChannels,
            parts[index].read)
          try each(answer, known, part.index)
        })
    }
  }

  /// Adds the scores of classes of this rank's calibration tiles.
  ///
  /// - Parameters:
  ///   - tuning: the part that does not calibrate; nil: all does.
  ///   - scores: one list, or one a class.
  ///   - sample: takes the probabilities.
  ///   - masks: take those of known voxels, too.
  private func addSetScores(
    _ ensemble: EnsemblePredictor, _ form: CalibrationForm, _ tuning: TuningPart?, _ map: UnitMap,
    _ collector: ObjectCollector?,
    _ margins: MarginCollector?, _ shift: ShiftCollector,
    to scores: inout [UnitScores], _ sample: inout CalibrationSample, _ masks: inout MaskScores
  ) throws {
    let hasMasks = job.uncertainty.masks != nil
    try predictCalibration(ensemble, collector, shift) { answer, known, region in
      guard let mean = answer.mean.baseAddress else { return }
      var own = CalibrationScores(form.method)
      let (box, extents) = (place(answer), truth.split.calibrate[region].extents)
      let labels =
        tuning.map { masked(known.labels, of: $0, tuning: false, map, region: region, box, extents) } ?? known.labels
      try labels.withUnsafeBufferPointer { labels in
        guard let labels = labels.baseAddress else { return }
        try own.add(probabilities: mean, labels: labels, classes: ensemble.channels, pixels: answer.voxels)
      }
      var next = 0
      map.forEachRun(region: region, box) { unit, voxels in
        let count = labels[voxels].count { $0 != Label.ignored }
        if form.byClass {
          for label in labels[voxels] where label != Label.ignored {
            scores[Int(label)].add(CollectionOfOne(own.values[next]), unit: unit)
            next += 1
          }
        } else {
          scores[0].add(own.values[next..<next + count], unit: unit)
          next += count
        }
        guard hasMasks else { return }
        for voxel in voxels where labels[voxel] != Label.ignored {
          masks.add(labels[voxel], unit: unit) { answer.mean[Int($0) * answer.voxels + voxel] }
        }
      }
      margins?.add(answer.mean, labels, region: region, box)
      for voxel in labels.indices where labels[voxel] != Label.ignored {
        sample.add(
          region: region, place: job.task.answersImages ? 0 : box.place(of: voxel, in: extents),
          truth: Float(labels[voxel]), values: mean + voxel, stride: answer.voxels)
      }
    }
  }

  /// Where an answer is: the tile, or one point of an image that is answered as a whole.
  func place(_ answer: EnsemblePredictor.Answer) -> Box {
    job.task.answersImages ? .point : answer.tile.core
  }

  /// Adds the scores of values of this rank's calibration tiles.
  ///
  /// - Parameters:
  ///   - sample: takes what scores are of.
  ///   - classSample: the same of the classes that are told beside them.
  /// - Returns: the scores of those classes.
  private func addIntervalScores(
    _ ensemble: EnsemblePredictor, _ map: UnitMap, _ shift: ShiftCollector, to scores: inout UnitScores,
    _ sample: inout CalibrationSample,
    _ classSample: inout CalibrationSample
  ) throws -> CalibrationScores {
    var classes = CalibrationScores()
    guard let scaling = ensemble.members[0].targetScaling else { return classes }
    var planes = IntervalPlanes(
      job.uncertainty.method, targetScaling: scaling, form: AnswerForm(settings, job.layout))
    try predictCalibration(ensemble, nil, shift) { answer, known, region in
      planes.take(mean: answer.mean, deviation: answer.deviation)
      map.forEachRun(region: region, answer.tile.core) { unit, voxels in
        planes.addScores(known, of: voxels, unit: unit, to: &scores)
      }
      let extents = truth.split.calibrate[region].extents
      planes.add(
        answer.mean, answer.deviation, known, to: &sample, region: region,
        place: { answer.tile.core.place(of: $0, in: extents) })
      guard !answer.classMean.isEmpty, let mean = answer.classMean.baseAddress else { return }
      try known.labels.withUnsafeBufferPointer { labels in
        guard let labels = labels.baseAddress else { return }
        try classes.add(probabilities: mean, labels: labels, classes: ensemble.imageClasses, pixels: 1)
        if labels[0] != Label.ignored {
          classSample.add(region: region, place: 0, truth: Float(labels[0]), values: mean)
        }
      }
    }
    return classes
  }
}

extension Box {
  /// Where a voxel of the box, `[z, y, x]`, is in the region that the box is a part of.
  func place(of voxel: Int, in region: Extents) -> Int {
    let (rows, columns) = (y.count, x.count)
    let (depth, row, column) = (voxel / (rows * columns), voxel / columns % rows, voxel % columns)
    return ((z.lowerBound + depth) * region.y + y.lowerBound + row) * region.x + x.lowerBound + column
  }
}
