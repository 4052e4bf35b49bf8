/// Conformal intervals of a number that is measured of each unit (an image, a group of images): |truth − factor · mean| in
/// widths that the members' spread gives.
///
/// The width is spread + |mean| ÷ 20 + resolution, a function of the prediction alone, so that scores of calibration units
/// and of new ones are exchangeable (Papadopoulos et al., doi:10.1613/jair.3198, normalize by a spread plus a constant).
/// The other terms keep intervals open where all members agree.
///
/// The factor is what truths are of members' means, by least squares in widths. Members that all miss the rim of every
/// object measure too little alike, which their spread does not show; the factor takes that out. So that the promise stays,
/// it is found with the new unit among the others, whatever its truth is: full conformal prediction by ridge regression
/// (Nouretdinov, Melluish and Vovk, "Ridge Regression Confidence Machine", ICML 2001). One further unit of a factor of 1,
/// as sure as units can be, keeps it near 1 where units are few, and bounds how far one of them moves it.
public struct MeasurementIntervals: Hashable, Sendable {
  /// What the members say of one unit.
  public struct Prediction: Hashable, Sendable {
    /// The mean of the members' numbers; NaN when none has one.
    public var mean: Double
    /// Their sample standard deviation; 0 of a single one.
    public var spread: Double
    /// The least difference that counts.
    public var resolution: Double

    /// A prediction as given.
    public init(mean: Double, spread: Double, resolution: Double) {
      (self.mean, self.spread, self.resolution) = (mean, spread, resolution)
    }

    /// The prediction of members' numbers, of which those that are NaN are left out.
    public init(members: [Double], resolution: Double) {
      let known = members.filter { !$0.isNaN }
      let count = Double(known.count)
      let mean = known.reduce(0, +) / count
      self.mean = mean
      spread =
        known.count > 1 ? (known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)).squareRoot() : 0
      self.resolution = resolution
    }

    /// What differences from the mean are measured in; a single member has no spread.
    var width: Double { (spread.isNaN ? 0 : spread) + abs(mean) / 20 + resolution }

    /// The mean in widths, from −20 to 20.
    var ratio: Double { width > 0 ? mean / width : 0 }
  }

  /// What truths are of means, found from calibration units.
  struct Fit: Hashable, Sendable {
    /// The square of the largest ratio.
    private static let prior = 400.0

    private(set) var factor = 1.0
    /// The sum of the squared ratios.
    private var sum = Fit.prior
    /// Of each calibration unit its ratio and how far its truth is from factor · mean, in widths; infinite when nothing is
    /// predicted.
    private var units: [Unit] = []

    private struct Unit: Hashable, Sendable {
      var ratio: Double
      var residual: Double
    }

    init(_ known: [(prediction: Prediction, truth: Double)]) {
      let predicted = known.map(\.prediction).map { $0.mean.isNaN ? 0 : $0.ratio }
      let truths = known.map { $0.prediction.mean.isNaN ? 0 : $0.truth / $0.prediction.width }
      sum += predicted.reduce(0) { $0 + $1 * $1 }
      factor = zip(predicted, truths).reduce(Fit.prior) { $0 + $1.0 * $1.1 } / sum
      units = known.indices.map {
        let isLost = known[$0].prediction.mean.isNaN
        return Unit(ratio: predicted[$0], residual: isLost ? .infinity : truths[$0] - factor * predicted[$0])
      }
    }

    /// The scores of the calibration units as they are without another unit.
    var scores: [Float] { units.map { Float(abs($0.residual)) } }

    /// How far below and above factor · mean the truths of a new unit lie, in its widths, that are no stranger than so many
    /// units less one.
    ///
    /// A unit of ratio a whose truth is z widths from factor · mean has the residual z ÷ (1 + a q) once it is among the
    /// others, where q = a ÷ sum; a calibration unit's goes from e to e − z aᵢ q ÷ (1 + a q). The second is as large as the
    /// first up to z = |e| (1 + a q) ÷ (1 ± aᵢ q), by the signs of e and z. Ratios are so bounded that 1 − |aᵢ q| ≥ ½.
    func reach(_ prediction: Prediction, rank: Int) -> (below: Double, above: Double) {
      let step = prediction.ratio / sum
      let grown = 1 + prediction.ratio * step
      func reach(_ side: Double) -> Double {
        units.map { abs($0.residual) * grown / (1 + side * ($0.residual < 0 ? -1 : 1) * $0.ratio * step) }
          .sorted()[rank - 1]
      }
      return (reach(-1), reach(1))
    }
  }

  /// The wanted coverages.
  public let levels: [Coverage]
  /// The threshold of each level.
  public let thresholds: [ConformalThreshold]
  /// The calibration units.
  public let units: Int64

  /// What truths are of means; nil: as much, as calibrations of earlier programs have it.
  let fit: Fit?
  /// What truths are of means; 1 in calibrations of earlier programs.
  public var factor: Double { fit?.factor ?? 1 }

  /// Intervals about the means themselves by given thresholds, as in a file of an earlier program.
  public init(levels: [Coverage], thresholds: [ConformalThreshold], units: Int64) {
    (self.levels, self.thresholds, self.units, fit) = (levels, thresholds, units, nil)
  }

  /// The intervals for units that are known.
  ///
  /// - Parameter units: what is predicted and what is true of each; units whose truth is NaN do not count.
  /// - Throws: nothing that can be for numbers and NaN.
  public init(levels: [Coverage], calibrating units: [(prediction: Prediction, truth: Double)]) throws {
    let fit = Fit(units.filter { !$0.truth.isNaN })
    let found = try conformalThresholds(fit.scores, levels: levels) { _ in }
    (self.levels, thresholds, self.units, self.fit) = (levels, found.thresholds, found.count, fit)
  }

  /// The interval of a level; all of the range when the level is infeasible or nothing is predicted.
  ///
  /// - Complexity: O(*n* log *n*) of n calibration units
  public func interval(_ prediction: Prediction, level: Int, in range: ClosedRange<Double>) -> (
    lower: Double, upper: Double
  ) {
    guard case .score(let threshold) = thresholds[level], threshold.isFinite, !prediction.mean.isNaN else {
      return (range.lowerBound, range.upperBound)
    }
    let reach =
      fit?.reach(prediction, rank: Int(levels[level].rank(of: units))) ?? (
        below: Double(threshold), above: Double(threshold)
      )
    let middle = factor * prediction.mean
    // A truth whose score rounds to the threshold is within.
    func length(_ reach: Double) -> Double { Double(Float(reach).nextUp) * prediction.width }
    return (
      min(range.upperBound, max(range.lowerBound, middle - length(reach.below))),
      max(range.lowerBound, min(range.upperBound, middle + length(reach.above)))
    )
  }
}
