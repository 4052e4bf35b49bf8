/// The intensities that a picture shows from black to white: from the first percentile to the 99.8th, so that a few bright
/// pixels do not make all others dark.
public struct DisplayRange: Hashable, Sendable {
  /// Shown black.
  public let low: Double
  /// Shown white; `low` when all values are equal, or none is a number.
  public let high: Double

  /// The range of values; those that are no numbers do not count.
  ///
  /// - Parameter isWhole: from the smallest to the largest, as of labels.
  /// - Complexity: O(*n* log *n*).
  public init(of values: [Double], isWhole: Bool = false) {
    let sorted = values.filter { $0.isFinite }.sorted()
    guard let first = sorted.first, let last = sorted.last else {
      (low, high) = (0, 0)
      return
    }
    func percentile(_ share: Double) -> Double { sorted[Int(share * Double(sorted.count - 1))] }
    let (low, high) = isWhole ? (first, last) : (percentile(0.01), percentile(0.998))
    // Few bright pixels on an even ground are all that there is to see.
    (self.low, self.high) = high > low ? (low, high) : (first, last)
  }

  /// From 0 at the low end to 1 at the high end, and beyond; 0 when all values are equal.
  public func share(_ value: Double) -> Double { high > low ? (value - low) / (high - low) : 0 }
}
