import MessagePassing

/// The losses of units at each of a grid of thresholds, from 0 to 1 in steps of 1/1024: of a unit, the share of its scores
/// above the threshold.
public struct LossCurves: Sendable {
  /// Steps of the grid.
  public static let steps = 1024
  /// Of each unit, the scores at most at each threshold, `[unit, step]`, and all of them.
  let below: [[Int64]]
  let all: [Int64]

  /// The threshold of a step.
  public static func threshold(_ step: Int) -> Float { Float(step) / Float(steps) }

  /// Counts scores that are spread over ranks. Collective.
  ///
  /// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
  /// - Complexity: 8 KiB a unit.
  public init(_ scores: UnitScores, sum: IntegerSum) throws {
    try scores.requireNumbers(sum)
    let width = Self.steps + 2
    var counts = [Int64](repeating: 0, count: scores.units * width)
    var none: [Int64] = []
    try sumTogether(&none, sum) { _ in
      try scores.forEachRun { unit, values in
        for score in values { counts[unit * width + Self.step(of: score)] += 1 }
      }
    }
    // A message of a million counts at most.
    for start in stride(from: 0, to: counts.count, by: 1 << 20) {
      var part = Array(counts[start..<min(counts.count, start + 1 << 20)])
      try sum(&part)
      counts.replaceSubrange(start..<start + part.count, with: part)
    }
    var (below, all) = ([[Int64]](), [Int64]())
    for unit in 0..<scores.units {
      var total: Int64 = 0
      var row: [Int64] = []
      for count in counts[unit * width..<(unit + 1) * width] {
        total += count
        row.append(total)
      }
      below.append(row)
      all.append(total)
    }
    (self.below, self.all) = (below, all)
  }

  /// The first step whose threshold a score does not exceed; one beyond the last for scores above 1.
  private static func step(of score: Float) -> Int {
    guard score <= 1 else { return steps + 1 }
    var step = max(0, Int((score * Float(steps)).rounded(.up)))
    while step > 0, score <= threshold(step - 1) { step -= 1 }
    while score > threshold(step) { step += 1 }
    return step
  }

  /// The losses of the units that have scores.
  func losses(_ step: Int) -> [Double] {
    all.indices.filter { all[$0] > 0 }.map { Double(all[$0] - below[$0][step]) / Double(all[$0]) }
  }
}

/// A threshold by which masks are cut from probabilities so that a risk of new units is bounded.
public struct MaskThreshold: Hashable, Sendable {
  /// Of each level.
  public let thresholds: [ConformalThreshold]
  /// The units that counted.
  public let units: Int64

  /// The least threshold from which on the share of a unit's scores above it is small enough. Collective.
  ///
  /// For the mean it is exact (`RiskControl`). By bounds that hold with a confidence thresholds of a grid are tried from the
  /// largest down, while each holds (arXiv 2101.02703, eq. 2).
  ///
  /// - Parameters:
  ///   - scores: this rank's, from 0 to 1.
  ///   - levels: 1 − the largest risk.
  /// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
  public init(
    monotone scores: UnitScores, levels: [Coverage], bound: RiskBound, confidence: Double, sum: IntegerSum
  ) throws {
    guard bound != .mean else {
      let risk = try RiskControl(scores, levels: levels, sum: sum)
      (thresholds, units) = (risk.thresholds, risk.units)
      return
    }
    let curves = try LossCurves(scores, sum: sum)
    units = Int64(curves.all.count { $0 > 0 })
    thresholds = levels.map { level in
      var found: Int?
      for step in (0...LossCurves.steps).reversed() {
        guard bound.holds(curves.losses(step), coverage: level, confidence: confidence) else { break }
        found = step
      }
      return found.map { .score(LossCurves.threshold($0)) } ?? .infeasible
    }
  }

  /// The threshold with the least mean of 1 − Dice among those that are proven to keep it at most α, with a confidence: masks
  /// hold the pixels whose score is at most the threshold. Collective.
  ///
  /// The loss is not monotone, so thresholds are tested in an order that does not depend on the data (learn then test,
  /// Angelopoulos et al., arXiv 2110.01052, fixed sequences): from 1/2 up and from 1/2 down, each while it holds at half of
  /// what may go wrong.
  ///
  /// - Parameters:
  ///   - inside: of the pixels of the class, 1 − its probability; of this rank.
  ///   - outside: the same of the other pixels.
  ///   - bound: not the mean.
  /// - Throws: as `init(monotone:…)`.
  public init(
    dice inside: UnitScores, outside: UnitScores, levels: [Coverage], bound: RiskBound, confidence: Double,
    sum: IntegerSum
  ) throws {
    precondition(bound != .mean, "a loss that is not monotone has no bound in the mean")
    let (own, others) = (try LossCurves(inside, sum: sum), try LossCurves(outside, sum: sum))
    let known = own.all.indices.filter { own.all[$0] + others.all[$0] > 0 }
    units = Int64(known.count)
    func losses(_ step: Int) -> [Double] {
      known.map { unit in
        let (found, wrong) = (Double(own.below[unit][step]), Double(others.below[unit][step]))
        let sum = found + wrong + Double(own.all[unit])
        return sum > 0 ? 1 - 2 * found / sum : 0
      }
    }
    let middle = LossCurves.steps / 2
    thresholds = levels.map { level in
      var best: (step: Int, loss: Double)?
      for sequence in [Array(middle...LossCurves.steps), Array((0...middle).reversed())] {
        for step in sequence {
          let losses = losses(step)
          guard bound.holds(losses, coverage: level, confidence: 1 - (1 - confidence) / 2) else { break }
          let mean = losses.reduce(0, +) / Double(losses.count)
          if best.map({ mean < $0.loss }) ?? true { best = (step, mean) }
        }
      }
      return best.map { .score(LossCurves.threshold($0.step)) } ?? .infeasible
    }
  }

  /// The threshold that so many of new units' scores do not exceed, as often as each level says: one score a unit.
  ///
  /// - Parameter scores: of all units; infinite when nothing would do.
  /// - Throws: `UncertaintyError.notANumber`.
  public init(ofUnits scores: [Float], levels: [Coverage]) throws {
    let found = try conformalThresholds(scores, levels: levels, sum: { _ in })
    (thresholds, units) = (found.thresholds.map { $0 == .score(.infinity) ? .infeasible : $0 }, found.count)
  }
}
