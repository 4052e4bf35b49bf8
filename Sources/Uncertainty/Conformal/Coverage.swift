/// A coverage that conformal sets shall reach, as the decimal number that was written: 0.9 means nine tenths, which a
/// `Double` is not.
public struct Coverage: Hashable, Sendable, CustomStringConvertible {
  /// The nearest number.
  public let value: Double
  private let numerator: UInt64
  private let denominator: UInt64

  /// The shortest decimal number that reads as `value`.
  ///
  /// - Throws: `UncertaintyError` when it is not between 0 and 1, or has more than 18 decimals.
  public init(_ value: Double) throws(UncertaintyError) {
    guard value > 0, value < 1 else { throw .coverageOutside(value) }
    self.value = value
    // Swift prints the shortest digits that read as the same number: 0.95, 0.0001, 1e-05, 1.25e-07.
    let parts = "\(value)".split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    let fraction = mantissa.count > 1 ? mantissa[1] : ""
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let decimals = fraction.count - exponent
    guard decimals <= 18, let digits = UInt64(mantissa[0] + fraction) else { throw .coverageTooFine(value) }
    numerator = digits
    denominator = (0..<decimals).reduce(1) { power, _ in power * 10 }
  }

  public var description: String { "\(value)" }

  /// The least number n of units for which the level is feasible: ⌈(n + 1) · coverage⌉ ≤ n.
  public var fewestUnits: Int64 {
    let missing = denominator - numerator
    return Int64(numerator / missing + (numerator.isMultiple(of: missing) ? 0 : 1))
  }

  /// The largest sum of the risks of n units, each a share of `unit`, with (Σ risks + 1) ÷ (n + 1) ≤ 1 − coverage, rounded
  /// down; nil when there is none.
  func risk(of count: Int64, inParts unit: Int64) -> Int64? {
    // (n + 1) · (1 − coverage) − 1 is a fraction of the denominator.
    let (high, low) = (UInt64(count) + 1).multipliedFullWidth(by: denominator - numerator)
    guard high > 0 || low >= denominator else { return nil }
    let (rest, borrows) = low.subtractingReportingOverflow(denominator)
    let (quotient, remainder) = denominator.dividingFullWidth((borrows ? high - 1 : high, rest))
    let part = denominator.dividingFullWidth(remainder.multipliedFullWidth(by: UInt64(unit))).quotient
    return Int64(quotient) * unit + Int64(part)
  }

  /// k = ⌈(n + 1) · coverage⌉, exact: the score that stands in this place, counted from 1 in ascending order, is the
  /// threshold. Larger than n when n scores are too few for this coverage.
  public func rank(of count: Int64) -> Int64 {
    let product = (UInt64(count) + 1).multipliedFullWidth(by: numerator)
    let (quotient, remainder) = denominator.dividingFullWidth(product)  // quotient <= n + 1, as coverage < 1
    return Int64(quotient) + (remainder > 0 ? 1 : 0)
  }
}
