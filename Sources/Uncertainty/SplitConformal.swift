import MessagePassing

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

/// Split conformal prediction sets by the score 1 − p(class) (LAC: least ambiguous set-valued classifiers).
///
/// Pixels that are exchangeable with the calibration pixels have their true class in the set with at least the given
/// probability (Sadinle, Lei and Wasserman, arXiv 1609.00451; Angelopoulos and Bates, arXiv 2107.07511, section 1).
public struct SplitConformal: Hashable, Sendable {
  /// The wanted coverages.
  public let levels: [Coverage]
  /// The threshold of each level.
  public let thresholds: [ConformalThreshold]
  /// The number of calibration scores on all ranks.
  public let scores: Int64

  /// The score of a class with this probability. Calibration and prediction use this same arithmetic.
  @inlinable
  public static func score(_ probability: Float) -> Float { 1 - probability }

  /// Sets by given thresholds, one a level, as read from a model's file.
  public init(levels: [Coverage], thresholds: [ConformalThreshold], scores: Int64) {
    precondition(levels.count == thresholds.count, "\(thresholds.count) thresholds for \(levels.count) levels")
    self.levels = levels
    self.thresholds = thresholds
    self.scores = scores
  }

  /// The thresholds for calibration scores that are spread over ranks: of n scores the ⌈(n + 1) · coverage⌉-th
  /// smallest, exact, and the same however the scores are spread.
  ///
  /// - Parameters:
  ///   - scores: this rank's (`CalibrationScores`).
  ///   - levels: equal on all ranks.
  ///   - sum: adds integers over the ranks; called one to three times, equally often on all ranks.
  /// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
  public init(calibrating scores: [Float], levels: [Coverage], sum: IntegerSum) throws {
    var counts = [Int64(scores.count), Int64(scores.count { $0.isNaN })]
    try sum(&counts)
    guard counts[1] == 0 else { throw UncertaintyError.notANumber(scores: counts[1], of: counts[0]) }
    let ranks = levels.map { $0.rank(of: counts[0]) }
    let feasible = ranks.filter { $0 <= counts[0] }
    var values = try scores.withUnsafeBufferPointer { try orderStatistics(feasible, of: $0, sum: sum) }[...]
    let thresholds = ranks.map { rank -> ConformalThreshold in
      rank <= counts[0] ? values.popFirst().map { .score($0) } ?? .infeasible : .infeasible
    }
    self.init(levels: levels, thresholds: thresholds, scores: counts[0])
  }

  /// The thresholds for scores that are spread over the ranks of a communicator. Collective.
  public init(calibrating scores: [Float], levels: [Coverage], over communicator: Communicator) throws {
    try self.init(calibrating: scores, levels: levels, sum: communicator.integerSum)
  }

  /// Writes the prediction sets of one level.
  ///
  /// - Parameters:
  ///   - probabilities: `[class, pixel]`, as for calibration; NaN is in no set (but an infeasible level's).
  ///   - set: `[class, pixel]`, 1 where the class is in the set, else 0.
  ///   - sizes: `[pixel]`, the number of classes in the set.
  public func writeSets(
    _ probabilities: UnsafePointer<Float>, classes: Int, pixels: Int, level: Int,
    set: UnsafeMutablePointer<UInt8>, sizes: UnsafeMutablePointer<UInt8>
  ) {
    precondition(classes <= 255, "\(classes) classes do not fit into a set size of one byte")
    guard case .score(let threshold) = thresholds[level] else {
      set.update(repeating: 1, count: classes * pixels)
      sizes.update(repeating: UInt8(classes), count: pixels)
      return
    }
    sizes.update(repeating: 0, count: pixels)
    for c in 0..<classes {
      let (p, inSet) = (probabilities + c * pixels, set + c * pixels)
      for i in 0..<pixels {
        let isIn: UInt8 = Self.score(p[i]) <= threshold ? 1 : 0
        inSet[i] = isIn
        sizes[i] &+= isIn
      }
    }
  }
}

/// The calibration scores of this rank: one of each labelled pixel.
public struct CalibrationScores: Sendable {
  /// In the order in which pixels were added.
  public private(set) var values: [Float] = []

  public init() {}

  /// Adds 1 − p(label) of every labelled pixel.
  ///
  /// - Parameters:
  ///   - probabilities: `[class, pixel]`.
  ///   - labels: `[pixel]`; those equal to `ignore` are passed over.
  /// - Throws: `UncertaintyError.labelOutside`; then nothing was added.
  public mutating func add(
    probabilities: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, classes: Int, pixels: Int, ignore: UInt8? = 255
  ) throws(UncertaintyError) {
    var labelled = 0
    for i in 0..<pixels where labels[i] != ignore {
      guard Int(labels[i]) < classes else {
        throw .labelOutside(label: Int(labels[i]), pixel: i, classes: classes)
      }
      labelled += 1
    }
    values.reserveCapacity(max(values.count + labelled, min(2 * values.capacity, values.count + 8 * labelled)))
    for i in 0..<pixels where labels[i] != ignore {
      values.append(SplitConformal.score(probabilities[Int(labels[i]) * pixels + i]))
    }
  }
}
