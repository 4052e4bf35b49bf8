/// λ and k of regularized adaptive sets: what a class costs beyond the k likeliest ones.
public struct SetRegularization: Hashable, Sendable {
  /// λ
  public var penalty: Float
  /// k
  public var free: Int

  /// As given.
  public init(penalty: Float, free: Int) { (self.penalty, self.free) = (penalty, free) }

  /// The λ that are tried.
  public static let penalties: [Float] = [0.001, 0.01, 0.1, 0.2, 0.5]

  /// λ and k for pixels that do not calibrate (Angelopoulos et al., arXiv 2009.14193, appendix E, algorithms 4 and 5): k is
  /// the ⌈(n + 1) · level⌉-th smallest rank of the true class among the classes, or the largest where there is none; λ is
  /// that of a grid (`penalties`) with the smallest sets on these pixels, the first of equals.
  ///
  /// - Parameters:
  ///   - probabilities: `[pixel, class]`.
  ///   - labels: `[pixel]`.
  ///   - penalty: λ where it is given, as is `free`, k.
  /// - Throws: `UncertaintyError.notANumber`.
  /// - Complexity: O(*pixels* · *classes*²).
  public static func tuned(
    _ method: ConformalMethod, _ probabilities: [Float], labels: [Int], classes: Int, coverage: Coverage,
    penalty: Float? = nil, free: Int? = nil
  ) throws -> SetRegularization {
    let pixels = labels.count
    let ranks = labels.indices.map { pixel -> Int in
      let first = pixel * classes
      let own = probabilities[first + labels[pixel]]
      return (first..<first + classes).count { !(probabilities[$0] < own) }
    }.sorted()
    let rank = Int(min(coverage.rank(of: Int64(pixels)), Int64(pixels)))
    let free = free ?? (pixels > 0 ? ranks[rank - 1] : max(1, classes / 10))
    if let penalty { return SetRegularization(penalty: penalty, free: free) }
    guard pixels > 0 else { return SetRegularization(penalty: 0.1, free: free) }
    var best: (size: Int, regularization: SetRegularization)?
    for penalty in penalties {
      let regularization = SetRegularization(penalty: penalty, free: free)
      let score = method.regularized(by: regularization).requiredClassScore
      var size = 0
      try probabilities.withUnsafeBufferPointer { values in
        guard let first = values.baseAddress else { return }
        let own = labels.indices.map { score.score(labels[$0], first + $0 * classes, stride: 1, classes: classes) }
        guard case .score(let threshold) = try conformalThresholds(own, levels: [coverage], sum: { _ in }).thresholds[0]
        else {
          size = pixels * classes
          return
        }
        for pixel in labels.indices {
          for label in 0..<classes
          where score.score(label, first + pixel * classes, stride: 1, classes: classes) <= threshold { size += 1 }
        }
      }
      if best.map({ size < $0.size }) ?? true { best = (size, regularization) }
    }
    return best?.regularization ?? SetRegularization(penalty: 0.1, free: free)
  }
}
