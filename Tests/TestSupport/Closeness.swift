import Testing

/// The largest difference of two arrays and where it is.
public struct Difference: Sendable, CustomStringConvertible {
  public var index = 0
  public var actual = 0.0
  public var expected = 0.0
  /// |actual − expected| there; NaN when either is.
  public var magnitude = 0.0
  /// The largest magnitude of the expected values.
  public var largestExpected = 0.0
  /// How many elements differ by more than the tolerance.
  public var beyond = 0

  public var description: String {
    "largest difference \(magnitude) at element \(index): \(actual) instead of \(expected)"
      + " (largest expected magnitude \(largestExpected))"
  }
}

/// What is wrong with an array; nil when |a − b| ≤ `relative`·max|b| + `absolute` for all elements, b being the expected ones.
public func difference<Scalar: BinaryFloatingPoint>(
  _ actual: [Scalar], _ expected: [Scalar], relative: Double, absolute: Double = 0
) -> String? {
  guard actual.count == expected.count else { return "\(actual.count) elements instead of \(expected.count)" }
  var worst = Difference()
  for value in expected where value.isFinite { worst.largestExpected = max(worst.largestExpected, Double(abs(value))) }
  let tolerance = relative * worst.largestExpected + absolute
  for index in actual.indices {
    let difference = abs(Double(actual[index]) - Double(expected[index]))
    // Written so that NaN counts as beyond and as worst.
    if !(difference <= tolerance), actual[index] != expected[index] { worst.beyond += 1 }
    if !(difference <= worst.magnitude), !worst.magnitude.isNaN {
      worst.magnitude = difference
      worst.index = index
      worst.actual = Double(actual[index])
      worst.expected = Double(expected[index])
    }
  }
  guard worst.beyond > 0 else { return nil }
  return "\(worst.beyond) of \(actual.count) elements differ by more than \(tolerance); \(worst)"
}

/// Records an issue unless |a − b| ≤ `relative`·max|b| + `absolute` for all elements, b being the expected ones.
///
/// - Parameter what: which array this is, for the message.
/// - Returns: whether they are close.
@discardableResult
public func expectClose<Scalar: BinaryFloatingPoint>(
  _ actual: [Scalar], _ expected: [Scalar], relative: Double = 1e-4, absolute: Double = 0, _ what: String = "values",
  sourceLocation: SourceLocation = #_sourceLocation
) -> Bool {
  guard let problem = difference(actual, expected, relative: relative, absolute: absolute) else { return true }
  Issue.record("\(what): \(problem)", sourceLocation: sourceLocation)
  return false
}

/// Outputs of a network or an operation: |a − b| ≤ 1e-4·max|b|.
@discardableResult
public func expectOutputClose(
  _ actual: [Float], _ expected: [Float], _ what: String = "output",
  sourceLocation: SourceLocation = #_sourceLocation
) -> Bool {
  expectClose(actual, expected, relative: 1e-4, what, sourceLocation: sourceLocation)
}

/// Gradients: |a − b| ≤ 5e-4·max|b| + 5e-6·`largest`, the largest gradient of the group. A bias before a batch
/// normalization has gradient 0, and the reference holds rounding noise there.
@discardableResult
public func expectGradientClose(
  _ actual: [Float], _ expected: [Float], largest: Float, _ what: String = "gradient",
  sourceLocation: SourceLocation = #_sourceLocation
) -> Bool {
  expectClose(
    actual, expected, relative: 5e-4, absolute: 5e-6 * Double(largest), what, sourceLocation: sourceLocation)
}
