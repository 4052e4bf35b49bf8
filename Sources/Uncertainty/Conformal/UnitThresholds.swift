/// The thresholds of one list of scores: of pixels that are exchangeable, or by units whose pixels are alike.
public struct UnitThresholds: Hashable, Sendable {
  /// The threshold of each level.
  public let thresholds: [ConformalThreshold]
  /// The scores on all ranks.
  public let scores: Int64
  /// What is independent: the units with scores, or the scores.
  public let units: Int64

  /// Finds the thresholds. Collective.
  ///
  /// - Parameters:
  ///   - scores: this rank's.
  ///   - byUnit: by risk control over units; else every score stands for itself.
  ///   - sum: adds integers over the ranks.
  /// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
  public init(_ scores: UnitScores, byUnit: Bool, levels: [Coverage], sum: IntegerSum) throws {
    if byUnit {
      let risk = try RiskControl(scores, levels: levels, sum: sum)
      (thresholds, self.scores, units) = (risk.thresholds, risk.scores, risk.units)
    } else {
      let found = try conformalThresholds(scores, levels: levels, sum: sum)
      (thresholds, self.scores, units) = (found.thresholds, found.count, found.count)
    }
  }
}
