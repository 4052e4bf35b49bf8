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
  _ scores: [Float], levels: [Coverage], sum: IntegerSum
) throws -> (thresholds: [ConformalThreshold], count: Int64) {
  var counts = [Int64(scores.count), Int64(scores.count { $0.isNaN })]
  try sum(&counts)
  guard counts[1] == 0 else { throw UncertaintyError.notANumber(scores: counts[1], of: counts[0]) }
  let ranks = levels.map { $0.rank(of: counts[0]) }
  let feasible = ranks.filter { $0 <= counts[0] }
  var values = try scores.withUnsafeBufferPointer { try orderStatistics(feasible, of: $0, sum: sum) }[...]
  let thresholds = ranks.map { rank -> ConformalThreshold in
    rank <= counts[0] ? values.popFirst().map { .score($0) } ?? .infeasible : .infeasible
  }
  return (thresholds, counts[0])
}
