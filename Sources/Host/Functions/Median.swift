extension Sequence<Double> {
  /// The middle one of an odd count of numbers, the mean of the two middle ones of an even count; nil of none.
  ///
  /// None of them may be NaN.
  ///
  /// - Complexity: O(*n* log *n*).
  public var median: Double? {
    let sorted = sorted()
    guard !sorted.isEmpty else { return nil }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
