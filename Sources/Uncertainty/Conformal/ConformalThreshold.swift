/// The largest score that a class in the prediction set may have.
public enum ConformalThreshold: Hashable, Sendable, CustomStringConvertible {
  /// Classes with a score up to this one are in the set.
  case score(Float)
  /// There are too few calibration scores for this coverage: all classes are in the set.
  case infeasible

  public var description: String {
    switch self {
    case .score(let score): "\(score)"
    case .infeasible: "infeasible"
    }
  }
}

/// The thresholds for scores that are spread over ranks: of n scores the ⌈(n + 1) · coverage⌉-th smallest, exact, and
/// the same however the scores are spread.
///
/// - Returns: a threshold a level, and n.
/// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
func conformalThresholds(
  _ scores: UnitScores, levels: [Coverage], sum: IntegerSum
) throws -> (thresholds: [ConformalThreshold], count: Int64) {
  let count = try scores.requireNumbers(sum)
  let ranks = levels.map { $0.rank(of: count) }
  var values = try orderStatistics(ranks.filter { $0 <= count }, of: scores, sum: sum)[...]
  let thresholds = ranks.map { rank -> ConformalThreshold in
    rank <= count ? values.popFirst().map { .score($0) } ?? .infeasible : .infeasible
  }
  return (thresholds, count)
}

/// The same for scores in memory.
func conformalThresholds(
  _ scores: [Float], levels: [Coverage], sum: IntegerSum
) throws -> (thresholds: [ConformalThreshold], count: Int64) {
  try conformalThresholds(UnitScores(scores), levels: levels, sum: sum)
}
