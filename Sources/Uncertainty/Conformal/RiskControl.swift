import MessagePassing

/// Conformal risk control by independent units: the smallest threshold whose sets or intervals miss, in the mean over
/// new units, at most a given share of a unit's pixels (Angelopoulos et al., arXiv 2208.02814, eq. 4).
///
/// Pixels of one image are alike, so the guarantee of `SplitConformal` holds over pixels of all images together, not for
/// the next image. Here units (blocks, images, groups of images) are exchangeable: the risk of a unit is the share of its
/// scores above the threshold λ. It falls as λ rises, so the wanted λ is a quantile of all scores in which those of a unit
/// weigh one together. Weights are whole multiples of 2⁻⁶² times the number of units: the sum is exact and does not depend
/// on the order of scores and ranks, and a mean risk is found too small by less than 2⁻⁶² times the number of scores.
public struct RiskControl: Hashable, Sendable {
  /// The threshold of each level.
  public let thresholds: [ConformalThreshold]
  /// The units with scores, which alone count.
  public let units: Int64
  /// The scores on all ranks.
  public let scores: Int64

  /// For each coverage the smallest λ with (Σ risks + 1) ÷ (n + 1) ≤ 1 − coverage, or `infeasible`. Collective.
  ///
  /// - Parameters:
  ///   - scores: this rank's.
  ///   - levels: equal on all ranks.
  ///   - sum: adds integers over the ranks; called two to four times, equally often on all ranks.
  /// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
  public init(_ scores: UnitScores, levels: [Coverage], sum: IntegerSum) throws {
    try scores.requireNumbers(sum)
    let sizes = try scores.sizes(sum)
    let units = Int64(sizes.count { $0 > 0 })
    let unit = (Int64.max >> 1) / max(1, units)
    let weights = sizes.map { $0 > 0 ? unit / $0 : 0 }
    let whole = zip(weights, sizes).reduce(0) { $0 + $1.0 * $1.1 }
    let ranks = levels.map { level in
      units > 0 ? level.risk(of: units, inParts: unit).map { max(1, whole - $0) } : nil
    }
    var values = try orderStatistics(ranks.compactMap(\.self), of: scores, weight: { weights[$0] }, sum: sum)[...]
    thresholds = ranks.map { $0 == nil ? .infeasible : values.popFirst().map { .score($0) } ?? .infeasible }
    self.units = units
    self.scores = sizes.reduce(0, +)
  }

  /// For scores that are spread over the ranks of a communicator. Collective.
  ///
  /// - Throws: `UncertaintyError.notANumber`, `MPIError`.
  public init(_ scores: UnitScores, levels: [Coverage], over communicator: Communicator) throws {
    try self.init(scores, levels: levels, sum: communicator.integerSum)
  }
}
