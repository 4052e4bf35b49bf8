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
    try run.onRoot { try RunPaths.copy(paths.results, to: paths.unfinished) }
    let evaluation = try evaluate(paths.unfinished)
    try run.onRoot { try run.publish() }
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

  /// Evaluates a results file of this job. Ranks read slices or images of it, each their share.
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
    func numbers(_ group: String = "prediction") throws -> PredictionNumbers {
      try world.agree {
        try PredictionNumbers(
          file.group("entry"), group, exact: exactFile, path: paths.results, cache: 2 * run.cacheBytes)
      }
    }
    let prediction = try numbers()
    let levels = calibration.levels.count
    let figures: Evaluation.Figures =
      settings.task.hasClasses
      ? .classes(try classFigures(of: file, prediction, form, levels: levels))
      : .values(try valueFigures(of: file, prediction, levels: levels))
    let classes = try AnswerForm.classes(beside: settings).map {
      try classFigures(of: file, try numbers("classification"), $0, levels: levels, isBeside: true)
    }
    let masks = try calibration.masks.map { try maskFigures(of: file, $0) }
    let latent = try world.agree { world.rank == 0 ? try latentFigures(of: file) : nil }
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
    if storing { try run.onRoot { try result.write(to: path) } }
    return result
  }

  /// The figures of latent values; nil when the results hold none.
  private func latentFigures(of file: File) throws -> LatentFigures? {
    guard try file.exists("entry/latent/latent") else { return nil }
    let kinds = try job.prediction.kinds.map { path in
      let groups = try ImageGroups(job.location(of: path), of: truth.images)
      return groups.numbers(of: truth.split.test, layout: truth.layout)
    }
    return try LatentFigures(try file.dataset("entry/latent/latent"), kinds: kinds)
  }

  /// The slices that this rank evaluates: consecutive ones.
  private var mySlices: ArraySlice<TestSlice> {
    let slices = TestSlice.all(of: truth, job.layout)
    return slices[Shares(of: slices.count, among: world.size)[world.rank]]
  }

  /// Where a slice stands in its region; of images that are answered as a whole, one point.
  private func box(_ slice: TestSlice) -> Box {
    job.task.answersImages ? .point : Box(slice.region.extents).moved(z: slice.z)
  }

  private func level(_ level: Int, of slab: Hyperslab) -> Hyperslab {
    Hyperslab(start: [level] + slab.start, count: [1] + slab.count)
  }

  private var form: AnswerForm {
    AnswerForm(settings, job.layout)
  }

  /// The answers of the learned combination of the members; nil when the job has none.
  private func aggregated(in file: File) throws -> Dataset? {
    job.ensemble.aggregate == nil ? nil : try file.dataset("entry/aggregate/mean", cache: 2 * run.cacheBytes)
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
      for slice in mySlices {
        try run.stop.check()
        try known.read(Box(slice.region.extents), of: slice.region, truth, for: .test)
        let labels = known.labels
        let place = slice.slab(form)
        let probabilities = try mean.read(place)
        if let likeliest {
          predictions = try likeliest.read(as: UInt8.self, slice.slab(form, hasChannels: false))
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
          figures.units[units].add(slice.part, box(slice), known: { labels[$0] != Label.ignored })
        }
        let labelled = labels.indices.filter { labels[$0] != Label.ignored }
        var covered = [[Bool]](repeating: Array(repeating: false, count: labels.count), count: levels)
        for index in 0..<levels {
          let set = try sets.read(as: UInt8.self, level(index, of: place))
          try figures.sets.add(set: set, labels: labels, pixels: labels.count, level: index)
          for pixel in labelled { covered[index][pixel] = set[Int(labels[pixel]) * labels.count + pixel] != 0 }
          for units in figures.units.indices {
            figures.units[units].add(slice.part, box(slice), level: index) { covered[index][$0] }
          }
        }
        for pixel in labelled {
          figures.slabs.add(
            region: slice.part, place: slice.z * labels.count + pixel,
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
      let masks = try there.entries.map { try file.dataset("entry/masks/\($0.mask.name)", cache: run.cacheBytes) }
      var known = TileTruth()
      for slice in mySlices {
        try run.stop.check()
        try known.read(Box(slice.region.extents), of: slice.region, truth, for: .test)
        let place = slice.slab(form, hasChannels: false)
        for (entry, dataset) in masks.enumerated() {
          for index in there.levels.indices {
            let mask = try dataset.read(as: UInt8.self, level(index, of: place))
            map.forEachRun(region: slice.part, box(slice)) { unit, voxels in
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
  private func unitFigures(levels: Int) -> [UnitFigures] {
    var kinds: [Job.UncertaintySection.Unit] = []
    if !job.task.answersImages { kinds = job.layout.isOneImage ? [.patch] : [.patch, .image] }
    if truth.groups != nil { kinds.append(.group) }
    return kinds.map { UnitFigures(kind: $0, map: opened.units($0, of: .test, job), levels: levels) }
  }

  private func valueFigures(of file: File, _ prediction: PredictionNumbers, levels: Int) throws -> ValueFigures {
    let channels = settings.targetChannels
    var sums: [RegressionMetrics] = []
    var combinedSums: [RegressionMetrics] = []
    /// The figures of the intervals of each slice.
    var rows: [Double] = []
    var units = unitFigures(levels: levels)
    var members: [[RegressionMetrics]] = []
    var spread = SpreadEvaluation()
    var slabs = SlabFigures(features: 2, levels: levels)
    try world.agree {
      let standard = try targetUnits(of: file, channels: channels)
      let (mean, deviation) = (try prediction.best(.mean), try prediction.best(.spread))
      let combined = try aggregated(in: file)
      let (lower, upper) = (try prediction.best(.lower).dataset, try prediction.best(.upper).dataset)
      var known = TileTruth()
      for slice in mySlices {
        try run.stop.check()
        try known.read(Box(slice.region.extents), of: slice.region, truth, for: .test)
        let place = slice.slab(form)
        let values = try mean.read(place)
        values.withUnsafeBufferPointer { sums += RegressionMetrics.channels(channels, of: $0, known) }
        try combined?.read(as: Float.self, place).withUnsafeBufferPointer {
          combinedSums += RegressionMetrics.channels(channels, of: $0, known)
        }
        var own = IntervalEvaluation(levels: levels)
        let count = known.values.count / channels
        for kind in units.indices {
          units[kind].add(slice.part, box(slice), channels: channels) { known.isKnown($0 % count) }
        }
        let spreads = try deviation.read(place)
        let all = known.values.indices.filter { known.isKnown($0 % count) }
        for i in all {
          let unit = standard[i / count]
          spread.add(error: (values[i] - known.values[i]) / unit, spread: spreads[i] / unit)
        }
        var covered = [[Bool]](repeating: Array(repeating: false, count: known.values.count), count: levels)
        for index in 0..<levels {
          let low = try lower.read(as: Float.self, level(index, of: place))
          let high = try upper.read(as: Float.self, level(index, of: place))
          for i in all { covered[index][i] = low[i] <= known.values[i] && known.values[i] <= high[i] }
          let pixels = known.values.count / channels
          for channel in 0..<channels {
            let first = channel * pixels
            own.add(lower: low, upper: high, known: known, values: first..<first + pixels, level: index)
          }
          for kind in units.indices {
            units[kind].add(slice.part, box(slice), channels: channels, level: index) { covered[index][$0] }
          }
        }
        for i in all {
          slabs.add(
            region: slice.part, place: slice.z * known.values.count + i,
            // A single member has no spread.
            feature: { ($0 == 0 ? values[i] : spreads[i].isNaN ? 0 : spreads[i]) / standard[i / count] },
            covered: { covered[$0][i] })
        }
        rows += own.numbers
      }
      let numbers = try file.read("entry/members/error_moments", as: Double.self)
      let all = (0..<numbers.count / RegressionMetrics.momentCount).map {
        RegressionMetrics(
          moments: numbers[$0 * RegressionMetrics.momentCount..<($0 + 1) * RegressionMetrics.momentCount])
      }
      members = (0..<all.count / channels).map { Array(all[$0 * channels..<($0 + 1) * channels]) }
    }
    var figures = ValueFigures(
      ensemble: try RegressionMetrics.joined(sums, width: channels, over: world), members: members,
      intervals: IntervalEvaluation(levels: levels), similarity: [], units: units)
    for kind in figures.units.indices { try figures.units[kind].coverage.reduce(over: world) }
    try spread.reduce(world.integerSum)
    try slabs.find(over: world)
    (figures.spread, figures.slabs) = (spread, slabs)
    figures.numbers = try world.agree { try file.read("entry/members/member", as: Int.self) }
    if job.ensemble.aggregate != nil {
      figures.aggregate = try RegressionMetrics.joined(combinedSums, width: channels, over: world)
    }
    let numbers = Array(try world.allGather(rows).joined())
    for first in stride(from: 0, to: numbers.count, by: 3 * levels) {
      figures.intervals.merge(IntervalEvaluation(numbers: numbers[first..<first + 3 * levels]))
    }
    if !truth.content.hasWeights {
      figures.similarity = try similarity(in: prediction, ranges: figures.ensemble.map(\.truthRange))
    }
    return figures
  }

  /// What the targets of each channel were divided by for training; 1 where an earlier program did not store it.
  private func targetUnits(of file: File, channels: Int) throws -> [Float] {
    let calibration = try file.group("entry/calibration")
    let none = [Float](repeating: 1, count: channels)
    guard try calibration.exists("sample") else { return none }
    let sample = try calibration.group("sample")
    guard try sample.hasAttribute("target_unit") else { return none }
    let units = try sample.attributes("target_unit", as: Float.self)
    return units.count == channels ? units : none
  }

  /// The structural similarity of each channel over all test slices.
  private func similarity(in prediction: PredictionNumbers, ranges: [Double]) throws -> [Double] {
    var rows: [Double] = []
    try world.agree {
      let mean = try prediction.best(.mean)
      var known = TileTruth()
      for slice in mySlices {
        try run.stop.check()
        try known.read(Box(slice.region.extents), of: slice.region, truth, for: .test)
        let values = try mean.read(slice.slab(form))
        let pixels = values.count / ranges.count
        for (channel, range) in ranges.enumerated() {
          let part = channel * pixels..<(channel + 1) * pixels
          let total = StructuralSimilarity(range: range).total(
            Array(values[part]), Array(known.values[part]), extents: slice.region.extents)
          rows += [total.sum, total.windows]
        }
      }
    }
    var totals = Array(repeating: StructuralSimilarity.Total(), count: ranges.count)
    let numbers = try world.allGather(rows).flatMap { $0 }
    for index in 0..<numbers.count / 2 {
      totals[index % ranges.count].merge(.init(sum: numbers[2 * index], windows: numbers[2 * index + 1]))
    }
    return totals.map(\.mean)
  }
}

extension IntervalEvaluation {
  /// Adds the values of one channel of a slice.
  fileprivate mutating func add(
    lower: [Float], upper: [Float], known: TileTruth, values range: Range<Int>, level: Int
  ) {
    lower[range].withUnsafeBufferPointer { lower in
      upper[range].withUnsafeBufferPointer { upper in
        known.values[range].withUnsafeBufferPointer { truth in
          known.weights.withUnsafeBufferPointer { weights in
            guard let lower = lower.baseAddress, let upper = upper.baseAddress, let truth = truth.baseAddress
            else { return }
            add(
              lower: lower, upper: upper, truth: truth, count: range.count, level: level,
              weights: weights.isEmpty ? nil : weights.baseAddress)
          }
        }
      }
    }
  }
}
