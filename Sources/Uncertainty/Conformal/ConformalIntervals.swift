import MessagePassing

#if canImport(Glibc)
  import Glibc
#endif

/// How far a true value lies outside what was predicted: what conformal intervals are thresholds of.
///
/// A prediction is two numbers; each form says which.
public enum IntervalScore: String, Codable, Hashable, Sendable, CaseIterable {
  /// |truth − mean|; the second number does not count. Intervals of one width.
  case absolute
  /// |truth − mean| ÷ spread: intervals as wide as the spread says (Lei et al., arXiv 1604.04173, section 5.2).
  case normalized
  /// max(lower − truth, truth − upper), of predicted lower and upper quantiles: conformalized quantile regression (Romano, Patterson and
  /// Candès, arXiv 1905.03222, eq. 6). Negative inside.
  case quantiles

  /// The score of a truth.
  @inline(__always)
  public func score(_ truth: Float, _ first: Float, _ second: Float) -> Float {
    switch self {
    case .absolute: return abs(truth - first)
    case .normalized:
      let distance = abs(truth - first)
      return distance == 0 ? 0 : distance / second
    case .quantiles: return max(first - truth, truth - second)
    }
  }

  /// The values whose score is at most a threshold; empty (upper below lower) when quantiles lie closer than the threshold asks.
  @inline(__always)
  public func interval(_ first: Float, _ second: Float, threshold: Float) -> (lower: Float, upper: Float) {
    switch self {
    case .absolute: return (first - threshold, first + threshold)
    case .normalized: return (first - threshold * second, first + threshold * second)
    case .quantiles: return (first - threshold, second + threshold)
    }
  }
}

/// Split conformal prediction intervals for regression.
///
/// Pixels that are exchangeable with the calibration pixels have their true value in the interval with at least the given probability
/// (Angelopoulos and Bates, arXiv 2107.07511, sections 2.2 and 2.3).
public struct ConformalIntervals: Hashable, Sendable {
  public let score: IntervalScore
  /// The wanted coverages.
  public let levels: [Coverage]
  /// The threshold of each level.
  public let thresholds: [ConformalThreshold]
  /// The number of calibration scores on all ranks.
  public let scores: Int64

  /// Intervals by given thresholds, one a level, as read from a model's file.
  public init(_ score: IntervalScore, levels: [Coverage], thresholds: [ConformalThreshold], scores: Int64) {
    precondition(levels.count == thresholds.count, "\(thresholds.count) thresholds for \(levels.count) levels")
    self.score = score
    self.levels = levels
    self.thresholds = thresholds
    self.scores = scores
  }

  /// The thresholds for calibration scores that are spread over ranks.
  ///
  /// - Parameters:
  ///   - scores: this rank's, by `IntervalScore.score`.
  ///   - sum: adds integers over the ranks; called one to three times, equally often on all ranks.
  /// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
  public init(_ score: IntervalScore, calibrating scores: [Float], levels: [Coverage], sum: IntegerSum) throws {
    let found = try conformalThresholds(scores, levels: levels, sum: sum)
    self.init(score, levels: levels, thresholds: found.thresholds, scores: found.count)
  }

  /// The thresholds for scores that are spread over the ranks of a communicator. Collective.
  public init(
    _ score: IntervalScore, calibrating scores: [Float], levels: [Coverage], over communicator: Communicator
  ) throws {
    try self.init(score, calibrating: scores, levels: levels, sum: communicator.integerSum)
  }

  /// Writes the intervals of one level; an infeasible level's hold all numbers.
  ///
  /// - Parameters:
  ///   - first: the predicted mean, or lower quantile.
  ///   - second: the predicted spread, or upper quantile.
  public func writeIntervals(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, count: Int, level: Int,
    lower: UnsafeMutablePointer<Float>, upper: UnsafeMutablePointer<Float>
  ) {
    guard case .score(let threshold) = thresholds[level] else {
      lower.update(repeating: -.infinity, count: count)
      upper.update(repeating: .infinity, count: count)
      return
    }
    for i in 0..<count { (lower[i], upper[i]) = score.interval(first[i], second[i], threshold: threshold) }
  }
}

/// How intervals fare on known values: coverage and mean width of each level.
public struct IntervalEvaluation: Hashable, Sendable {
  // Of each level: values, covered values.
  private var counts: [Int64]
  private var widths: [Double]

  /// No values yet.
  public init(levels: Int) {
    counts = Array(repeating: 0, count: 2 * levels)
    widths = Array(repeating: 0, count: levels)
  }

  /// Adds the values of one level.
  ///
  /// - Parameter weights: values of weight 0 do not count.
  public mutating func add(
    lower: UnsafePointer<Float>, upper: UnsafePointer<Float>, truth: UnsafePointer<Float>, count: Int, level: Int,
    weights: UnsafePointer<Float>? = nil
  ) {
    var width = 0.0
    for i in 0..<count where weights?[i] != 0 {
      counts[2 * level] += 1
      if lower[i] <= truth[i] && truth[i] <= upper[i] { counts[2 * level + 1] += 1 }
      width += Double(max(upper[i] - lower[i], 0))
    }
    widths[level] += width
  }

  /// All that is counted as numbers, of each level three: to send to other ranks, exact below 2⁵³ values.
  public var numbers: [Double] {
    widths.indices.flatMap { [Double(counts[2 * $0]), Double(counts[2 * $0 + 1]), widths[$0]] }
  }

  /// What `numbers` told.
  public init(numbers: some Collection<Double>) {
    let numbers = Array(numbers)
    precondition(numbers.count.isMultiple(of: 3), "three numbers a level")
    self.init(levels: numbers.count / 3)
    for level in widths.indices {
      counts[2 * level] = Int64(numbers[3 * level])
      counts[2 * level + 1] = Int64(numbers[3 * level + 1])
      widths[level] = numbers[3 * level + 2]
    }
  }

  /// Adds what another evaluation counted. The sum of widths depends on the order in its last bits: merge in a fixed one.
  public mutating func merge(_ other: IntervalEvaluation) {
    precondition(other.widths.count == widths.count, "evaluations of other levels")
    for i in counts.indices { counts[i] += other.counts[i] }
    for i in widths.indices { widths[i] += other.widths[i] }
  }

  /// Values of a level.
  public func values(level: Int) -> Int64 { counts[2 * level] }

  /// The share of values in their interval; NaN without values.
  public func coverage(level: Int) -> Double { Double(counts[2 * level + 1]) / Double(counts[2 * level]) }

  /// The mean width of intervals; NaN without values.
  public func meanWidth(level: Int) -> Double { widths[level] / Double(counts[2 * level]) }
}
