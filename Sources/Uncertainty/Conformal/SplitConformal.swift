import MessagePassing

/// Split conformal prediction sets: the classes whose score is at most a threshold.
///
/// Pixels that are exchangeable with the calibration pixels have their true class in the set with at least the given
/// probability (Angelopoulos and Bates, arXiv 2107.07511, section 1), with thresholds by class also among the pixels
/// of each class (section 4.2).
public struct SplitConformal: Hashable, Sendable {
  /// The method, one of classes.
  public let method: ConformalMethod
  /// The wanted coverages.
  public let levels: [Coverage]
  /// `[level]`, or `[level, class]` when each class has a threshold of its own.
  public let thresholds: [ConformalThreshold]
  /// The number of calibration scores on all ranks.
  public let scores: Int64
  /// Whether a set may be empty; if not, the likeliest class is in it, which covers no less.
  public var allowsEmpty = true

  /// Sets by given thresholds, as read from a model's file.
  public init(
    _ method: ConformalMethod = .standard(ofClasses: true), levels: [Coverage], thresholds: [ConformalThreshold],
    scores: Int64
  ) {
    precondition(
      !levels.isEmpty && !thresholds.isEmpty && thresholds.count.isMultiple(of: levels.count),
      "\(thresholds.count) thresholds for \(levels.count) levels")
    precondition(method.isOfClasses, "\(method.name) is not a method of classes")
    self.method = method
    self.levels = levels
    self.thresholds = thresholds
    self.scores = scores
  }

  /// The thresholds for calibration scores that are spread over ranks.
  ///
  /// - Parameters:
  ///   - scores: this rank's.
  ///   - levels: equal on all ranks.
  ///   - sum: adds integers over the ranks; called one to three times a class, equally often on all ranks.
  /// - Throws: `UncertaintyError.notANumber`, on all ranks, when a score is NaN; what `sum` throws.
  public init(calibrating scores: CalibrationScores, levels: [Coverage], sum: IntegerSum) throws {
    let groups = try scores.groups.map { try conformalThresholds($0, levels: levels, sum: sum) }
    self.init(
      scores.method, levels: levels,
      thresholds: levels.indices.flatMap { level in groups.map { $0.thresholds[level] } },
      scores: groups.reduce(0) { $0 + $1.count })
  }

  /// The thresholds for scores that are spread over the ranks of a communicator. Collective.
  ///
  /// - Throws: `UncertaintyError.notANumber`, `MPIError`.
  public init(calibrating scores: CalibrationScores, levels: [Coverage], over communicator: Communicator) throws {
    try self.init(calibrating: scores, levels: levels, sum: communicator.integerSum)
  }

  /// Whether each class has thresholds of its own.
  public var isByClass: Bool { thresholds.count > levels.count }

  /// The threshold of a class at a level.
  public func threshold(level: Int, class label: Int) -> ConformalThreshold {
    isByClass ? thresholds[level * (thresholds.count / levels.count) + label] : thresholds[level]
  }

  /// The most classes whose sets are written: their sizes have one byte.
  public static let mostClasses = 255

  /// Writes the prediction sets of one level.
  ///
  /// - Parameters:
  ///   - probabilities: `[class, pixel]`, as for calibration; NaN is in no set (but an infeasible threshold's).
  ///   - set: `[class, pixel]`, 1 where the class is in the set, else 0.
  ///   - sizes: `[pixel]`, the number of classes in the set.
  /// - Throws: `UncertaintyError.tooManyClasses`.
  public func writeSets(
    _ probabilities: UnsafePointer<Float>, classes: Int, pixels: Int, level: Int,
    set: UnsafeMutablePointer<UInt8>, sizes: UnsafeMutablePointer<UInt8>
  ) throws(UncertaintyError) {
    guard classes <= Self.mostClasses else { throw .tooManyClasses(classes, most: Self.mostClasses) }
    precondition(!isByClass || thresholds.count == levels.count * classes, "thresholds of other classes")
    let score = method.requiredClassScore
    sizes.update(repeating: 0, count: pixels)
    for c in 0..<classes {
      let inSet = set + c * pixels
      guard case .score(let threshold) = threshold(level: level, class: c) else {
        inSet.update(repeating: 1, count: pixels)
        for i in 0..<pixels { sizes[i] &+= 1 }
        continue
      }
      score.writeSet(
        of: c, upTo: threshold, probabilities, classes: classes, pixels: pixels, set: inSet, sizes: sizes)
    }
    guard !allowsEmpty else { return }
    for i in 0..<pixels where sizes[i] == 0 {
      var best = 0
      for c in 1..<max(1, classes) where probabilities[c * pixels + i] > probabilities[best * pixels + i] { best = c }
      set[best * pixels + i] = 1
      sizes[i] = 1
    }
  }
}
