import Ensembles
import HDF5
import Imaging
import MessagePassing
import Training
import Uncertainty

extension Run {
  /// Evaluates the results of this job and stores the figures in them.
  public func evaluate() throws -> Evaluation {
    try onRoot {
      guard RunPaths.exists(self.paths.results) else { throw RunError.noResults(self.paths.results) }
      let file = try File(opening: self.paths.results)
      guard try ResultsFile.job(of: file) == self.fingerprint else { throw RunError.otherJob(self.paths.results) }
      try file.close()
      try RunPaths.copy(self.paths.results, to: self.paths.unfinished)
    }
    let evaluation = try evaluate(paths.unfinished)
    try onRoot { try self.publish() }
    return evaluation
  }

  /// Evaluates a results file in place. Ranks read slices or images of it, each their share.
  func evaluate(_ path: String) throws -> Evaluation {
    let (file, calibration) = try world.agree {
      let file = try File(opening: path)
      guard try ResultsFile.job(of: file) == fingerprint else { throw RunError.otherJob(path) }
      return (file, try CalibrationFile.read(try file.group("entry/calibration")))
    }
    let conformal = calibration.conformal
    let figures: Evaluation.Figures =
      settings.task.hasClasses
      ? .classes(try classFigures(of: file, conformal)) : .values(try valueFigures(of: file, conformal))
    try world.agree { try file.close() }
    let result = Evaluation(
      figures: figures, levels: conformal.levels, infeasible: conformal.thresholds.map { $0 == .infeasible })
    try onRoot { try result.write(to: path) }
    return result
  }

  /// A slice of the test part, and where it stands in the results.
  private struct Slice {
    var region: Region
    /// Image, and slice of a volume.
    var place: (image: Int, z: Int)
  }

  /// The slices that this rank evaluates: consecutive ones.
  private var mySlices: ArraySlice<Slice> {
    var slices: [Slice] = []
    for (index, region) in truth.split.test.enumerated() {
      for z in region.z {
        slices.append(
          Slice(
            region: Region(image: region.image, z: z..<z + 1, height: region.height, width: region.width),
            place: job.data.volume ? (0, slices.count) : (index, 0)))
      }
    }
    return slices[EnsemblePredictor.share(of: slices.count, rank: world.rank, ranks: world.size)]
  }

  /// Where a slice's answer stands in `mean`: all channels of it.
  private func slab(_ slice: Slice, _ form: AnswerForm) -> Hyperslab {
    let channels = form.channelExtents
    var start = [slice.place.image] + channels.map { _ in 0 }
    var count = [1] + channels
    if !form.pixelAxes.isEmpty {
      start += (form.volume ? [slice.place.z] : []) + [0, 0]
      count += (form.volume ? [1] : []) + [slice.region.height, slice.region.width]
    }
    return Hyperslab(start: start, count: count)
  }

  private func level(_ level: Int, of slab: Hyperslab) -> Hyperslab {
    Hyperslab(start: [level] + slab.start, count: [1] + slab.count)
  }

  private var form: AnswerForm {
    AnswerForm(task: settings.task, volume: job.data.volume, channels: settings.outputChannels)
  }

  private func classFigures(of file: File, _ conformal: SplitConformal) throws -> ClassFigures {
    let classes = job.data.classes.count
    var figures = ClassFigures(
      classes: job.data.classes, ensemble: ConfusionMatrix(classes: classes), members: [],
      sets: SetEvaluation(levels: conformal.levels.count, classes: classes))
    try world.agree {
      let mean = try file.dataset("entry/prediction/mean")
      let sets = try file.dataset("entry/prediction/set")
      var predictions: [UInt8] = []
      for slice in mySlices {
        let region = try truth.loadTruth(slice.region, for: .test, scaling: inspection.scaling)
        let labels = withExtendedLifetime(region) { Array(region.labels.buffer) }
        let place = slab(slice, form)
        let probabilities = try mean.read(as: Float.self, place)
        probabilities.withUnsafeBufferPointer { mostLikely($0, classes: classes, into: &predictions) }
        try figures.ensemble.add(labels: labels, predictions: predictions)
        for index in conformal.levels.indices {
          let set = try sets.read(as: UInt8.self, level(index, of: place))
          try figures.sets.add(set: set, labels: labels, pixels: labels.count, level: index)
        }
      }
      let counts = try file.read("entry/members/confusion", as: Int64.self)
      let size = classes * classes
      figures.members = (0..<counts.count / size).map {
        ConfusionMatrix(classes: classes, counts: Array(counts[$0 * size..<($0 + 1) * size]))
      }
    }
    figures.ensemble = ConfusionMatrix(classes: classes, counts: try world.allReduce(figures.ensemble.counts, .sum))
    try figures.sets.reduce(over: world)
    return figures
  }

  private func valueFigures(of file: File, _ conformal: SplitConformal) throws -> ValueFigures {
    let channels = settings.outputChannels
    var sums: [RegressionMetrics] = []
    /// Of each slice: for each level the values covered and the sum of widths, for each channel its similarity.
    var rows: [Double] = []
    var members: [[RegressionMetrics]] = []
    try world.agree {
      let mean = try file.dataset("entry/prediction/mean")
      let lower = try file.dataset("entry/prediction/lower")
      let upper = try file.dataset("entry/prediction/upper")
      var known = TileTruth()
      for slice in mySlices {
        let region = try truth.loadTruth(slice.region, for: .test, scaling: inspection.scaling)
        known.take(Box(region.region.extents), of: region)
        let place = slab(slice, form)
        let values = try mean.read(as: Float.self, place)
        values.withUnsafeBufferPointer { sums += RegressionMetrics.channels(channels, of: $0, known) }
        for index in conformal.levels.indices {
          let low = try lower.read(as: Float.self, level(index, of: place))
          let high = try upper.read(as: Float.self, level(index, of: place))
          var (covered, width) = (0.0, 0.0)
          for (i, value) in known.values.enumerated()
          where known.weights.isEmpty || known.weights[i % (known.values.count / channels)] != 0 {
            if low[i] <= value, value <= high[i] { covered += 1 }
            width += Double(high[i]) - Double(low[i])
          }
          rows += [covered, width]
        }
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
      covered: conformal.levels.map { _ in 0 }, widths: conformal.levels.map { _ in 0 }, similarity: [])
    let width = 2 * conformal.levels.count
    for (index, value) in try world.allGather(rows).joined().enumerated() {
      let level = index % width / 2
      if index % 2 == 0 { figures.covered[level] += value } else { figures.widths[level] += value }
    }
    if !truth.content.hasWeights {
      figures.similarity = try similarity(in: file, ranges: figures.ensemble.map(\.truthRange))
    }
    return figures
  }

  /// The structural similarity of each channel over all test slices.
  private func similarity(in file: File, ranges: [Double]) throws -> [Double] {
    var rows: [Double] = []
    try world.agree {
      let mean = try file.dataset("entry/prediction/mean")
      var known = TileTruth()
      for slice in mySlices {
        let region = try truth.loadTruth(slice.region, for: .test, scaling: inspection.scaling)
        known.take(Box(region.region.extents), of: region)
        let values = try mean.read(as: Float.self, slab(slice, form))
        let pixels = values.count / ranges.count
        for (channel, range) in ranges.enumerated() {
          let part = channel * pixels..<(channel + 1) * pixels
          let total = StructuralSimilarity(range: range).total(
            Array(values[part]), Array(known.values[part]), extents: (1, slice.region.height, slice.region.width))
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
