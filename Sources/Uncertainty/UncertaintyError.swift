/// Input that calibration or its evaluation cannot use.
public enum UncertaintyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A coverage is not between 0 and 1.
  case coverageOutside(Double)
  /// A coverage has more decimals than are counted exactly.
  case coverageTooFine(Double)
  /// A label is none of the classes.
  case labelOutside(label: Int, pixel: Int, classes: Int)
  /// There are more classes than the size of a set, in one byte, can count.
  case tooManyClasses(Int, most: Int)
  /// Calibration scores are NaN; so many of so many.
  case notANumber(scores: Int64, of: Int64)
  /// Another rank could not read its scores.
  case lostScores

  public var description: String {
    switch self {
    case .coverageOutside(let value):
      "uncertainty.coverage: \(value) is not between 0 and 1; write for instance 0.9 for nine pixels of ten"
    case .coverageTooFine(let value):
      "uncertainty.coverage: \(value) has more than 18 decimals; write fewer"
    case .labelOutside(let label, let pixel, let classes):
      "pixel \(pixel) has label \(label), but there are \(classes) classes (0 … \(classes - 1)); "
        + "correct the labels, or name this one as data.ignore"
    case .tooManyClasses(let classes, let most):
      "there are \(classes) classes, but prediction sets of at most \(most) can be written; merge some"
    case .lostScores:
      "another rank could not read back the calibration scores that it keeps beside the results; see its message, and whether "
        + "the disk is full"
    case .notANumber(let scores, let count):
      "\(scores) of \(count) calibration scores are NaN, so no threshold can be found; "
        + "a member that predicts NaN must be left out of the ensemble"
    }
  }
}
