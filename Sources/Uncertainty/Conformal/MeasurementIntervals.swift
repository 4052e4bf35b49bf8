/// Split conformal intervals of a number that is measured of each unit (an image, a group of images): |truth − mean| in
/// widths that the members' spread gives.
///
/// The width is spread + |mean| ÷ 20 + resolution, a function of the prediction alone, so that scores of calibration units
/// and of new ones are exchangeable (Papadopoulos et al., doi:10.1613/jair.3198, normalize by a spread plus a constant).
/// The other terms keep intervals open where all members agree.
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

    /// What differences from the mean are measured in.
    var width: Double { spread + abs(mean) / 20 + resolution }

    /// How far a truth is from it; infinite when nothing is predicted.
    func score(_ truth: Double) -> Float { mean.isNaN ? .infinity : Float(abs(truth - mean) / width) }
  }

  /// The wanted coverages.
  public let levels: [Coverage]
  /// The threshold of each level.
  public let thresholds: [ConformalThreshold]
  /// The calibration units.
  public let units: Int64

  /// Intervals by given thresholds, as read from a file.
  public init(levels: [Coverage], thresholds: [ConformalThreshold], units: Int64) {
    (self.levels, self.thresholds, self.units) = (levels, thresholds, units)
  }

  /// The thresholds for units that are known.
  ///
  /// - Parameter units: what is predicted and what is true of each; units whose truth is NaN do not count.
  /// - Throws: nothing that can be for numbers and NaN.
  public init(levels: [Coverage], calibrating units: [(prediction: Prediction, truth: Double)]) throws {
    let scores = units.filter { !$0.truth.isNaN }.map { $0.prediction.score($0.truth) }
    let found = try conformalThresholds(scores, levels: levels) { _ in }
    self.init(levels: levels, thresholds: found.thresholds, units: found.count)
  }

  /// The interval of a level; all of the range when the level is infeasible or nothing is predicted.
  public func interval(_ prediction: Prediction, level: Int, in range: ClosedRange<Double>) -> (
    lower: Double, upper: Double
  ) {
    guard case .score(let threshold) = thresholds[level], threshold.isFinite, !prediction.mean.isNaN else {
      return (range.lowerBound, range.upperBound)
    }
    // A truth whose score rounds to the threshold is within.
    let reach = Double(threshold.nextUp) * prediction.width
    return (
      max(range.lowerBound, prediction.mean - reach), min(range.upperBound, prediction.mean + reach)
    )
  }
}
