import MessagePassing

/// Split conformal prediction intervals for regression.
///
/// Pixels that are exchangeable with the calibration pixels have their true value in the interval with at least the
/// given probability (Angelopoulos and Bates, arXiv 2107.07511, sections 2.2 and 2.3).
public struct ConformalIntervals: Hashable, Sendable {
  /// The method, one of values.
  public let method: ConformalMethod
  /// The wanted coverages.
  public let levels: [Coverage]
  /// The threshold of each level.
  public let thresholds: [ConformalThreshold]
  /// The number of calibration scores on all ranks.
  public let scores: Int64

  /// Intervals by given thresholds, one a level, as read from a model's file.
  public init(_ method: ConformalMethod, levels: [Coverage], thresholds: [ConformalThreshold], scores: Int64) {
    precondition(levels.count == thresholds.count, "\(thresholds.count) thresholds for \(levels.count) levels")
    precondition(!method.isOfClasses, "\(method.name) is not a method of values")
    self.method = method
    self.levels = levels
    self.thresholds = thresholds
    self.scores = scores
  }

  /// The thresholds for calibration scores that are spread over ranks.
  ///
  /// - Parameters:
  ///   - scores: this rank's, by `ValueScore.score`.
  ///   - sum: adds integers over the ranks; called one to three times, equally often on all ranks.
  /// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
  public init(_ method: ConformalMethod, calibrating scores: [Float], levels: [Coverage], sum: IntegerSum) throws {
    let found = try conformalThresholds(scores, levels: levels, sum: sum)
    self.init(method, levels: levels, thresholds: found.thresholds, scores: found.count)
  }

  /// The thresholds for scores that are spread over the ranks of a communicator. Collective.
  ///
  /// - Throws: `UncertaintyError.notANumber`, `MPIError`.
  public init(
    _ method: ConformalMethod, calibrating scores: [Float], levels: [Coverage], over communicator: Communicator
  ) throws {
    try self.init(method, calibrating: scores, levels: levels, sum: communicator.integerSum)
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
    let score = method.requiredValueScore
    for i in 0..<count { (lower[i], upper[i]) = score.interval(first[i], second[i], threshold: threshold) }
  }
}
