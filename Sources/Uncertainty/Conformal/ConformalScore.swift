/// How unlike a class a prediction is: what conformal sets are thresholds of.
public enum ConformalScore: String, Codable, Hashable, Sendable, CaseIterable {
  /// 1 − p(class): least ambiguous set-valued classifiers (Sadinle, Lei and Wasserman, arXiv 1609.00451), the smallest sets on average.
  case lac
  /// The sum of the probabilities at least as large as the class's own, without randomisation: adaptive prediction sets (Romano, Sesia and
  /// Candès, arXiv 2006.02544), larger where the prediction is unsure, and empty where one
  /// class alone is more probable than the threshold.
  case aps

  /// The score of a class of one pixel. Calibration and prediction use this same arithmetic.
  ///
  /// - Parameters:
  ///   - probabilities: of the pixel's classes, `stride` floats apart.
  @inlinable
  public func score(
    _ label: Int, _ probabilities: UnsafePointer<Float>, stride: Int, classes: Int
  ) -> Float {
    let own = probabilities[label * stride]
    switch self {
    case .lac: return 1 - own
    case .aps:
      // By what is missing, so that a set of all classes scores exactly 1.
      var missing: Float = 0
      for c in 0..<classes {
        let other = probabilities[c * stride]
        if other < own { missing += other }
      }
      return own.isNaN ? own : 1 - missing
    }
  }
}

/// The calibration scores of this rank: one of each labelled pixel, all together or by class.
public struct CalibrationScores: Sendable {
  public let score: ConformalScore
  /// In the order in which pixels were added; one list, or with class-conditional thresholds one for each class.
  public private(set) var groups: [[Float]]

  /// No pixels yet.
  ///
  /// - Parameter classes: their number, when each is to have a threshold of its own (Vovk's Mondrian taxonomy).
  public init(_ score: ConformalScore = .lac, byClass classes: Int? = nil) {
    self.score = score
    groups = Array(repeating: [], count: classes ?? 1)
  }

  /// Scores that are there already, for thresholds that are not by class.
  public init(_ score: ConformalScore = .lac, values: [Float]) {
    self.score = score
    groups = [values]
  }

  /// Adds what other pixels scored.
  public mutating func append(_ other: CalibrationScores) {
    precondition(other.score == score && other.groups.count == groups.count, "scores of another form")
    for index in groups.indices { groups[index] += other.groups[index] }
  }

  /// All scores, where thresholds are not by class.
  public var values: [Float] { groups[0] }

  /// Adds the score of the label of every labelled pixel.
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
    let isByClass = groups.count > 1
    if !isByClass {
      groups[0].reserveCapacity(
        max(groups[0].count + labelled, min(2 * groups[0].capacity, groups[0].count + 8 * labelled)))
    }
    for i in 0..<pixels where labels[i] != ignore {
      let label = Int(labels[i])
      groups[isByClass ? label : 0].append(score.score(label, probabilities + i, stride: pixels, classes: classes))
    }
  }
}
