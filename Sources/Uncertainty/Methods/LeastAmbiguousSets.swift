/// 1 − p(class): the smallest sets on average.
///
/// M. Sadinle, J. Lei and L. Wasserman, *Least ambiguous set-valued classifiers with bounded error levels*, arXiv
/// 1609.00451.
struct LeastAmbiguousSets: ClassScore {
  func score(_ label: Int, _ probabilities: UnsafePointer<Float>, stride: Int, classes: Int) -> Float {
    1 - probabilities[label * stride]
  }
}

extension ConformalMethod {
  /// Sets of classes, the smallest on average.
  public static let lac = ConformalMethod(
    "lac",
    "the least ambiguous set-valued classifier, split conformal (Sadinle, Lei and Wasserman, arXiv 1609.00451)",
    .ofClasses(LeastAmbiguousSets())
  ) { _ in "largest score 1 - p(class) of a class in the set" }
}
