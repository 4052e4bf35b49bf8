import Host

/// The calibration scores of this rank: one of each labelled pixel, all together or by class.
public struct CalibrationScores: Sendable {
  /// The method whose scores they are.
  public let method: ConformalMethod
  private let score: any ClassScore
  /// In the order in which pixels were added; one list, or with class-conditional thresholds one for each class.
  public private(set) var groups: [[Float]]

  /// No pixels yet.
  ///
  /// - Parameter classes: their number, when each is to have a threshold of its own (Vovk's Mondrian taxonomy).
  /// - Precondition: the method is one of classes.
  public init(_ method: ConformalMethod = .standard(ofClasses: true), byClass classes: Int? = nil) {
    self.method = method
    score = method.requiredClassScore
    groups = Array(repeating: [], count: classes ?? 1)
  }

  /// Scores that are there already, for thresholds that are not by class.
  ///
  /// - Precondition: the method is one of classes.
  public init(_ method: ConformalMethod = .standard(ofClasses: true), values: [Float]) {
    self.method = method
    score = method.requiredClassScore
    groups = [values]
  }

  /// Adds what other pixels scored.
  public mutating func append(_ other: CalibrationScores) {
    precondition(other.method == method && other.groups.count == groups.count, "scores of another form")
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
    probabilities: UnsafePointer<Float>, labels: UnsafePointer<UInt8>, classes: Int, pixels: Int,
    ignore: UInt8? = Label.ignored
  ) throws(UncertaintyError) {
    var labelled = 0
    for i in 0..<pixels where labels[i] != ignore {
      guard Int(labels[i]) < classes else {
        throw .labelOutside(label: Int(labels[i]), pixel: i, classes: classes)
      }
      labelled += 1
    }
    if groups.count == 1 {
      groups[0].reserveCapacity(
        max(groups[0].count + labelled, min(2 * groups[0].capacity, groups[0].count + 8 * labelled)))
    }
    score.appendScores(
      of: labels, ignore: ignore, probabilities, classes: classes, pixels: pixels, to: &groups)
  }
}

extension ConformalMethod {
  /// The score of classes.
  var requiredClassScore: any ClassScore {
    guard let classScore else { preconditionFailure("\(name) is not a method of classes") }
    return classScore
  }

  /// The score of values.
  var requiredValueScore: any ValueScore {
    guard let valueScore else { preconditionFailure("\(name) is not a method of values") }
    return valueScore
  }
}
