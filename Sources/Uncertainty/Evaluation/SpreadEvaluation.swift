import MessagePassing

#if canImport(Glibc)
  import Glibc
#endif

/// Whether the spread of members finds the errors of values: where it is large, errors should be.
///
/// Errors and spreads are those of values over the unit that their targets were divided by for training. All is counted in
/// whole numbers, so the order of values and ranks does not change a bit, and memory does not depend on their number:
/// spreads and errors are sorted into classes that are 1.6 % wide at most; those of one class count as tied.
public struct SpreadEvaluation: Hashable, Sendable {
  private static let classes = 1 << 14
  private static let unit = 1_048_576.0
  private static let productUnit = 65_536.0
  // Of each class of spread: values, and the sum of their errors; of each class of error the same; then the sums of
  // spreads, and of the squares of errors, of spreads, and of their products.
  private var counts = [Int64](repeating: 0, count: 4 * classes + 4)

  /// No values yet.
  public init() {}

  /// The class of a number that is not negative: its upper bits as they stand in a `Float`, which have its order.
  private static func place(_ value: Float) -> Int { Int(value.bitPattern >> 17) }

  /// Adds a value.
  ///
  /// - Parameters:
  ///   - error: the distance of the prediction from the truth, as is `spread`, from 0 to 256; larger ones count as 256.
  ///     Those that are no number do not count.
  public mutating func add(error: Float, spread: Float) {
    guard !error.isNaN, !spread.isNaN else { return }
    let (error, spread) = (min(abs(error), 256), min(abs(spread), 256))
    let part = Int64((Double(error) * Self.unit).rounded())
    let (own, other) = (Self.place(spread), 2 * Self.classes + Self.place(error))
    counts[own] += 1
    counts[own + Self.classes] += part
    counts[other] += 1
    counts[other + Self.classes] += part
    let last = 4 * Self.classes
    counts[last] += Int64((Double(spread) * Self.unit).rounded())
    for (place, product) in [error * error, spread * spread, error * spread].enumerated() {
      counts[last + 1 + place] += Int64((Double(product) * Self.productUnit).rounded())
    }
  }

  /// Adds up what all ranks counted.
  ///
  /// - Throws: what `sum` throws.
  public mutating func reduce(_ sum: IntegerSum) throws { try sum(&counts) }

  /// The number of values.
  public var values: Int64 { counts[0..<Self.classes].reduce(0, +) }

  /// The mean error; NaN without values.
  public var meanError: Double {
    Double(counts[Self.classes..<2 * Self.classes].reduce(0, +)) / Self.unit / Double(values)
  }

  /// Pearson's correlation of error and spread; NaN where one of both is the same everywhere.
  public var correlation: Double {
    let (n, last) = (Double(values), 4 * Self.classes)
    let mean = Double(counts[last]) / Self.unit / n
    let moments = (1...3).map { Double(counts[last + $0]) / Self.productUnit / n }
    let (errors, spreads) = (moments[0] - meanError * meanError, moments[1] - mean * mean)
    // Below this the sums' own rounding is all that is left.
    guard errors > 1e-9, spreads > 1e-9 else { return .nan }
    return (moments[2] - meanError * mean) / (errors * spreads).squareRoot()
  }

  /// The shares that are kept and their mean errors when values are rejected from the largest on of a kind of class.
  private func rejection(_ first: Int) -> [(kept: Double, error: Double)] {
    let all = Double(values)
    var (number, sum) = (Int64(0), Int64(0))
    var curve: [(kept: Double, error: Double)] = []
    for place in first..<first + Self.classes where counts[place] > 0 {
      number += counts[place]
      sum += counts[place + Self.classes]
      curve.append((Double(number) / all, Double(sum) / Self.unit / Double(number)))
    }
    return curve
  }

  /// Of the values with the least spread, in steps: the share that is kept, and its mean error.
  public var errorRejection: [(kept: Double, error: Double)] { rejection(0) }

  /// The same when those with the largest errors themselves are rejected, which no spread can do better.
  public var bestRejection: [(kept: Double, error: Double)] { rejection(2 * Self.classes) }

  /// The mean over all shares that may be kept of their mean error, when values of large spread are rejected (AURC;
  /// Geifman and El-Yaniv, arXiv 1705.08500, with the error as loss).
  public var riskArea: Double { rejectionArea(errorRejection.map { ($0.kept, $0.error) }) }

  /// How far that is above what the best order would give, over the mean error (AUSE; Ilg et al., arXiv 1802.07095): 0 for a
  /// spread in the order of the errors. NaN where there are no errors.
  public var sparsificationError: Double {
    let mean = meanError
    return mean > 0 ? (riskArea - rejectionArea(bestRejection.map { ($0.kept, $0.error) })) / mean : .nan
  }
}
