import Ensembles
import HDF5
import Host
import Imaging
import JobFiles
import MessagePassing
import Training
import Uncertainty

/// Compares the results with the labels or targets of the test images.
struct EvaluationStage: Stage {
  let run: Run
  private let opened: OpenedJob
  private let content: PartContent
  var settings: EnsembleSettings { opened.settings }
  var truth: LearningData { opened.truth }

  /// Opens the data and reads the test set.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  init(_ run: Run) throws {
    self.run = run
    opened = try run.opened()
    content = try run.content(of: .test)
  }

  /// Evaluates the results of this job and stores the figures in them.
  ///
  /// - Throws: `RunError.noResults`, `.otherJob`, `RemoteFailure`.
  func evaluate() throws -> Evaluation {
    let isEarlier = try world.fromRoot {
      guard RunPaths.exists(paths.results) else { throw RunError.noResults(paths.results) }
      try ChecksummedFile.verify(paths.results)
      let file = try File(opening: paths.results)
      let fingerprint = try ResultsFile.job(of: file)
      let isEarlier = try !file.group("entry").hasAttribute("data")
      if !isEarlier, let reason = try obstacle(file) { throw RunError.otherJob(paths.results, reason: reason) }
      try file.close()
      return isEarlier ? withUnsafeBytes(of: fingerprint) { Array($0) } : []
    }
    if !isEarlier.isEmpty {
      let earlier = try run.inspected().earlierFingerprint
      guard withUnsafeBytes(of: earlier, { Array($0) }) == isEarlier else {
        throw RunError.otherJob(
          paths.results, reason: "was made by another job, or from other data, by an earlier tutti")
      }
    }
    try world.onRoot { try RunPaths.copy(paths.results, to: paths.unfinished) }
    let evaluation = try evaluate(paths.unfinished)
    try world.onRoot { try paths.publish() }
    return evaluation
  }

  /// Why results are not those of this job on this test set, by the members that are there; nil when they are.
  func obstacle(_ file: File) throws -> String? {
    let entry = try file.group("entry")
    let group = try entry.group("members")
    let settings = SettingDifferences.list(job.canonicalText, try group.attribute("settings", as: String.self))
    let others = settings.filter { !$0.hasPrefix("uncertainty.") }
    if !others.isEmpty { return "was made by another job: \(others.joined(separator: "; "))" }
    if !settings.isEmpty {
      log.note(
        "\(settings.joined(separator: "; ")) in the results, which are evaluated as they are; "
          + "‘tutti run --overwrite’ makes them anew.")
    }
    let numbers = try entry.attributes("data", as: UInt64.self)
    let found = PartContent(images: numbers.first ?? 0, targets: numbers.last ?? 0)
    guard found == content else {
      return "was made from other data: changed is \(content.differences(from: found, truth)) in the test part"
    }
    // Members may have been moved away; those that are there must be the ones.
    let numbered = zip(try group.read("member", as: Int.self), try group.read("fingerprint", as: UInt64.self))
    let there = numbered.filter { RunPaths.exists(paths.member($0.0)) }
    return ExpectedFiles.obstacle(try there.map { try MemberFile.read(paths.member($0.0)) }, there.map(\.1))
  }

  /// Evaluates a results file of this job. Ranks read pieces of it, each its share.
  ///
  /// - Parameters:
  ///   - exact: a file with what the results do not hold exactly; nil: there is none.
  ///   - storing: whether the figures are stored in the file.
  func evaluate(_ path: String, exact: String? = nil, storing: Bool = true) throws -> Evaluation {
    run.tell(.evaluation, 0)
    let (file, exactFile, calibration) = try world.agree {
      let file = try File(opening: path)
      let exactFile = try exact.map { try File(opening: $0) }
      return (file, exactFile, try CalibrationFile.read(try file.group("entry/calibration")))
    }
    func numbers(_ group: String = "prediction", cache: Int = 1 << 20) throws -> PredictionNumbers {
      try world.agree {
        try PredictionNumbers(file.group("entry"), group, exact: exactFile, path: paths.results, cache: cache)
      }
    }
    let prediction = try numbers()
    let levels = calibration.levels.count
    let figures: Evaluation.Figures =
      settings.task.hasClasses
      ? .classes(try classFigures(of: file, prediction, form, levels: levels))
      : .values(
        try valueFigures(of: file, prediction, slices: try numbers(cache: 2 * run.cacheBytes), levels: levels))
    let classes = try AnswerForm.classes(beside: settings).map {
      try classFigures(of: file, try numbers("classification"), $0, levels: levels, isBeside: true)
    }
    let masks = try calibration.masks.map { try maskFigures(of: file, $0) }
    let latent = try latentFigures(of: file)
    let measurements = try world.agree {
      try MeasurementTable(in: try file.group("entry"))
    }
    let isRounded = try world.agree {
      let isRounded = try prediction.isRounded
      try file.close()
      try exactFile?.close()
      return isRounded
    }
    var result = Evaluation(
      figures: figures, levels: calibration.levels, remarks: calibration.remarks(job.data.classes),
      measurements: measurements, masks: masks,
      infeasible: calibration.infeasible(job.data.classes),
      classes: classes,
      classesInfeasible: calibration.classes.map { Calibration($0).infeasible(job.data.classes) } ?? [])
    result.latent = latent
    if isRounded {
      result.remarks.append(
        "Mean and spread are stored in fewer bits (results.number-type), and figures of probabilities and values are of the "
          + "rounded ones; ‘tutti run’ evaluates exact ones.")
    }
    if case .classes(let figures) = figures, (0..<levels).contains(where: { figures.sets.emptyShare(level: $0) > 0 }) {
      result.remarks += [
        "A set is empty where no class is as likely as the threshold asks: the most doubtful pixels, which set_size shows like the",
        "surest. /entry/prediction/doubt is 0 where a set is of one class, else 1; uncertainty.allow-empty: false fills them.",
      ]
    }
    if storing { try world.onRoot { try result.write(to: path) } }
    return result
  }

  /// The figures of latent values; nil when the results hold none. Collective.
  func latentFigures(of file: File) throws -> LatentFigures? {
    let (dataset, kinds) = try world.agree {
      guard try file.exists("entry/latent/latent") else { return (Dataset?.none, [Int]?.none) }
      return (try file.dataset("entry/latent/latent"), try self.kinds())
    }
    return try dataset.map { try LatentFigures($0, kinds: kinds, seed: settings.seed, over: world) }
  }

  /// The kind of each image of the test part; nil when the job knows none.
  func kinds() throws -> [Int]? {
    try job.prediction.kinds.map { path in
      let groups = try ImageGroups(job.location(of: path), of: truth.images)
      return groups.numbers(of: truth.split.test, layout: truth.layout)
    }
  }

  /// What this rank evaluates of some pieces of the test part: consecutive ones.
  func mine(_ pieces: [TestBox]) -> ArraySlice<TestBox> {
    pieces[Shares(of: pieces.count, among: world.size)[world.rank]]
  }

  /// The test part in pieces, so that each chunk of a dataset is read once, by one rank.
  func pieces(_ dataset: Dataset) -> [TestBox] {
    job.task.answersImages
      ? TestBox.images(of: truth, job.layout)
      : TestBox.pieces(of: truth, job.layout, chunk: dataset.chunk?.suffix(form.pixelAxes.count))
  }

  /// Where a piece stands in its region; of images that are answered as a whole, one point.
  func box(_ piece: TestBox) -> Box { job.task.answersImages ? .point : piece.box }

  var form: AnswerForm {
    AnswerForm(settings, job.layout)
  }

  /// The answers of the learned combination of the members; nil when the job has none.
  func aggregated(in file: File) throws -> Dataset? {
    job.ensemble.aggregate == nil ? nil : try file.dataset("entry/aggregate/mean")
  }

  /// The figures of the classes in the group of this name.
  private func classFigures(
    of file: File, _ prediction: PredictionNumbers, _ form: AnswerForm, levels: Int, isBeside: Bool = false
  ) throws -> ClassFigures {
    let classes = job.data.classes.count
    var figures = ClassFigures(
      classes: job.data.classes, ensemble: ConfusionMatrix(classes: classes), members: [],
      sets: SetEvaluation(levels: levels, classes: classes), slabs: SlabFigures(features: classes, levels: levels),
      isByClass: job.uncertainty.byClass,
      units: isBeside ? [] : unitFigures(levels: levels))
    try world.agree {
      let (mean, deviation) = (try prediction.best(.mean), try prediction.best(.spread))
      let sets = try prediction.best(.set).dataset
      // Rounded probabilities may be equal where the exact ones are not.
      let likeliest = try mean.form.isExact ? nil : prediction.best(.labels).dataset
      let combined = try isBeside ? nil : aggregated(in: file)
      if combined != nil { figures.aggregate = ConfusionMatrix(classes: classes) }
      var known = TileTruth()
      var predictions: [UInt8] = []
      for piece in mine(pieces(mean.dataset)) {
        try run.stop.check()
        try known.read(piece.box, of: piece.region, truth, for: .test)
        let labels = known.labels
        let place = piece.slab(form)
        let probabilities = try mean.read(place)
        if let likeliest {
          predictions = try likeliest.read(as: UInt8.self, piece.slab(form, hasChannels: false))
        } else {
          probabilities.withUnsafeBufferPointer { mostLikely($0, classes: classes, into: &predictions) }
        }
        let spreads = try deviation.read(place)
        probabilities.withUnsafeBufferPointer { probabilities in
          spreads.withUnsafeBufferPointer {
            figures.confidence.add(probabilities, spreads: $0, labels: labels, classes: classes)
          }
        }
        try figures.ensemble.add(labels: labels, predictions: predictions)
        if let combined {
          try combined.read(as: Float.self, place).withUnsafeBufferPointer {
            mostLikely($0, classes: classes, into: &predictions)
          }
          try figures.aggregate?.add(labels: labels, predictions: predictions)
        }
        for units in figures.units.indices {
          figures.units[units].add(piece.part, box(piece), known: { labels[$0] != Label.ignored })
        }
        let labelled = labels.indices.filter { labels[$0] != Label.ignored }
        var covered = [[Bool]](repeating: Array(repeating: false, count: labels.count), count: levels)
        for index in 0..<levels {
          let set = try sets.read(as: UInt8.self, place.at(index))
          try figures.sets.add(set: set, labels: labels, pixels: labels.count, level: index)
          for pixel in labelled { covered[index][pixel] = set[Int(labels[pixel]) * labels.count + pixel] != 0 }
          for units in figures.units.indices {
            figures.units[units].add(piece.part, box(piece), level: index) { covered[index][$0] }
          }
        }
        for pixel in labelled {
          figures.slabs.add(
            region: piece.part, place: box(piece).place(of: pixel, in: piece.region.extents),
            feature: { probabilities[$0 * labels.count + pixel] }, covered: { covered[$0][pixel] })
        }
      }
      figures.numbers = try file.read("entry/members/member", as: Int.self)
      let counts = try file.read("entry/members/confusion", as: Int64.self)
      let size = classes * classes
      figures.members = (0..<counts.count / size).map {
        ConfusionMatrix(classes: classes, counts: Array(counts[$0 * size..<($0 + 1) * size]))
      }
    }
    figures.ensemble = ConfusionMatrix(classes: classes, counts: try world.allReduce(figures.ensemble.counts, .sum))
    if let aggregate = figures.aggregate {
      figures.aggregate = ConfusionMatrix(classes: classes, counts: try world.allReduce(aggregate.counts, .sum))
    }
    try figures.sets.reduce(over: world)
    try figures.confidence.reduce(over: world)
    try figures.slabs.find(over: world)
    for units in figures.units.indices { try figures.units[units].coverage.reduce(over: world) }
    return figures
  }

  /// How often masks keep what they promise.
  private func maskFigures(of file: File, _ calibration: MaskCalibration) throws -> MaskFigures {
    var calibration = calibration
    let map = opened.units(unit, of: .test, job)
    let there = try world.agree {
      let there = try file.exists("entry/masks") ? file.group("entry/masks").names() : []
      calibration.entries = calibration.entries.filter { there.contains($0.mask.name) }
      return calibration
    }
    var figures = MaskFigures(there, units: map.count)
    try world.agree {
      let masks = try there.entries.map { try file.dataset("entry/masks/\($0.mask.name)") }
      var known = TileTruth()
      for piece in mine(masks.first.map(pieces) ?? []) {
        try run.stop.check()
        try known.read(piece.box, of: piece.region, truth, for: .test)
        let place = piece.slab(form, hasChannels: false)
        for (entry, dataset) in masks.enumerated() {
          for index in there.levels.indices {
            let mask = try dataset.read(as: UInt8.self, place.at(index))
            map.forEachRun(region: piece.part, box(piece)) { unit, voxels in
              figures.add(entry, level: index, unit: unit, truth: known.labels[voxels], mask: mask[voxels])
            }
          }
        }
      }
    }
    try figures.reduce(world.integerSum)
    return figures
  }

  /// The coverage by each kind of unit that the test part has, with nothing counted yet.
  func unitFigures(levels: Int) -> [UnitFigures] {
    var kinds: [Job.UncertaintySection.Unit] = []
    if !job.task.answersImages { kinds = job.layout.isOneImage ? [.patch] : [.patch, .image] }
    if truth.groups != nil { kinds.append(.group) }
    return kinds.map { UnitFigures(kind: $0, map: opened.units($0, of: .test, job), levels: levels) }
  }
}
