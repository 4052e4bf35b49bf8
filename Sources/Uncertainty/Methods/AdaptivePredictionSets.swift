/// The sum of the probabilities at least as large as the class's own, without randomization: sets are larger where the
/// prediction is unsure, and empty where one class alone is more probable than the threshold.
///
/// Y. Romano, M. Sesia and E. J. Candès, *Classification with valid and adaptive coverage*, arXiv 2006.02544.
struct AdaptivePredictionSets: ClassScore {
  func score(_ label: Int, _ probabilities: UnsafePointer<Float>, stride: Int, classes: Int) -> Float {
    let own = probabilities[label * stride]
    // By what is missing, so that a set of all classes scores exactly 1.
    var missing: Float = 0
    for c in 0..<classes {
      let other = probabilities[c * stride]
      if other < own { missing += other }
    }
    return own.isNaN ? own : 1 - missing
  }
}

extension ConformalMethod {
  /// Sets of classes, larger where the prediction is unsure.
  public static let aps = ConformalMethod(
    "aps",
    "adaptive prediction sets, larger where the prediction is unsure (Romano, Sesia and Candès, arXiv 2006.02544)",
    .ofClasses(AdaptivePredictionSets())
  ) { _ in "largest sum of the probabilities from the most probable class down to one in the set" }
}
