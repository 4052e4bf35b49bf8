import HDF5
import Imaging
import Training
import Uncertainty

// The figures of values, as of regression.

extension EvaluationStage {
  /// The figures of a prediction of values.
  ///
  /// - Parameter slices: the same, with memory for chunks that several slices share.
  func valueFigures(
    of file: File, _ prediction: PredictionNumbers, slices: PredictionNumbers, levels: Int
  ) throws -> ValueFigures {
    let channels = settings.targetChannels
    var sums: [RegressionMetrics] = []
    var combinedSums: [RegressionMetrics] = []
    /// The figures of the intervals of each piece.
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
      for piece in mine(pieces(mean.dataset)) {
        try run.stop.check()
        try known.read(piece.box, of: piece.region, truth, for: .test)
        let place = piece.slab(form)
        let values = try mean.read(place)
        values.withUnsafeBufferPointer { sums += RegressionMetrics.channels(channels, of: $0, known) }
        try combined?.read(as: Float.self, place).withUnsafeBufferPointer {
          combinedSums += RegressionMetrics.channels(channels, of: $0, known)
        }
        var own = IntervalEvaluation(levels: levels)
        let count = known.values.count / channels
        for kind in units.indices {
          units[kind].add(piece.part, box(piece), channels: channels) { known.isKnown($0 % count) }
        }
        let spreads = try deviation.read(place)
        let all = known.values.indices.filter { known.isKnown($0 % count) }
        for i in all {
          let unit = standard[i / count]
          spread.add(error: (values[i] - known.values[i]) / unit, spread: spreads[i] / unit)
        }
        var covered = [[Bool]](repeating: Array(repeating: false, count: known.values.count), count: levels)
        for index in 0..<levels {
          let low = try lower.read(as: Float.self, place.at(index))
          let high = try upper.read(as: Float.self, place.at(index))
          for i in all { covered[index][i] = low[i] <= known.values[i] && known.values[i] <= high[i] }
          let pixels = known.values.count / channels
          for channel in 0..<channels {
            let first = channel * pixels
            own.add(lower: low, upper: high, known: known, values: first..<first + pixels, level: index)
          }
          for kind in units.indices {
            units[kind].add(piece.part, box(piece), channels: channels, level: index) { covered[index][$0] }
          }
        }
        for i in all {
          slabs.add(
            region: piece.part,
            place: piece.box.place(of: i % count, in: piece.region.extents) * channels + i / count,
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
      figures.similarity = try similarity(in: slices, ranges: figures.ensemble.map(\.truthRange))
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
      for slice in mine(TestBox.slices(of: truth, job.layout)) {
        try run.stop.check()
        try known.read(slice.box, of: slice.region, truth, for: .test)
        let values = try mean.read(slice.slab(form))
        let pixels = values.count / ranges.count
        for (channel, range) in ranges.enumerated() {
          let part = channel * pixels..<(channel + 1) * pixels
          let total = StructuralSimilarity(range: range).total(
            Array(values[part]), Array(known.values[part]), extents: slice.box.extents)
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
