import Host

/// The temperature by which averaged probabilities are made sharper or softer: the one with the least negative log-likelihood
/// of known labels (Guo et al., arXiv 1706.04599, section 4.2).
public enum TemperatureScaling {
  /// The temperatures that are looked at.
  public static let range = 0.01...100.0

  /// The best temperature of labelled pixels; 1 without any.
  ///
  /// The likelihood is convex in 1 ÷ T, so there is one minimum: Newton's steps, halved intervals where they leave what is
  /// known. A temperature at an end of `range` says that no minimum lies within.
  ///
  /// - Parameters:
  ///   - probabilities: `[pixel, class]`.
  ///   - labels: `[pixel]`.
  /// - Complexity: O(*pixels* · *classes*), some 20 passes.
  public static func fitted(_ probabilities: [Float], labels: [Int], classes: Int) -> Double {
    guard !labels.isEmpty else { return 1 }
    let logits = probabilities.map { logarithm($0) }
    /// The first and second derivative of the mean loss by β = 1 ÷ T.
    func derivatives(_ beta: Double) -> (first: Double, second: Double) {
      var (first, second) = (0.0, 0.0)
      var own = [Double](repeating: 0, count: classes)
      for pixel in labels.indices {
        let start = pixel * classes
        for c in 0..<classes { own[c] = beta * logits[start + c] }
        softmax(&own)
        var (mean, square) = (0.0, 0.0)
        for c in 0..<classes {
          mean += own[c] * logits[start + c]
          square += own[c] * logits[start + c] * logits[start + c]
        }
        first += mean - logits[start + labels[pixel]]
        second += square - mean * mean
      }
      return (first / Double(labels.count), second / Double(labels.count))
    }
    var (low, high) = (1 / range.upperBound, 1 / range.lowerBound)
    if derivatives(low).first >= 0 { return range.upperBound }
    if derivatives(high).first <= 0 { return range.lowerBound }
    var beta = 1.0
    for _ in 0..<100 {
      let (first, second) = derivatives(beta)
      if first == 0 { break }
      if first < 0 { low = beta } else { high = beta }
      let step = beta - first / second
      let next = step > low && step < high ? step : (low * high).squareRoot()
      let isThere = abs(next - beta) <= 1e-12 * beta
      beta = next
      if isThere { break }
    }
    return 1 / beta
  }

  /// Probabilities of one pixel at a temperature.
  ///
  /// - Parameters:
  ///   - temperature: the one that is wanted.
  ///   - present: that which they are at. From another than 1 they are found to the precision of what they were rounded to.
  public static func scaled(
    _ probabilities: [Float], by temperature: Double, from present: Double = 1
  ) -> [Float] {
    guard temperature != present else { return probabilities }
    let least = present == 1 ? MemberCombination.leastProbability : Double(Float.leastNormalMagnitude)
    var own = probabilities.map { logarithm($0, least: least) / (temperature / present) }
    softmax(&own)
    return own.map { Float($0) }
  }
}
