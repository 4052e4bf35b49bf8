// Counts of elements and operations stay at `Int.max` where they would overflow, so that impossible networks can be
// described and refused instead of trapping.

extension Int {
  /// The product of two counts, at most `Int.max`.
  func saturatingMultiplied(by other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }

  /// The sum of two counts, at most `Int.max`.
  func saturatingAdded(to other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

extension [Int] {
  /// The product of counts, at most `Int.max`.
  var saturatingProduct: Int { reduce(1) { $0.saturatingMultiplied(by: $1) } }
}
