/// A number of about 106 bits: the sum of two doubles, the second at most half a unit in the last place of the first.
///
/// Sums and products are those of Dekker, *A floating-point technique for extending the available precision*, 1971, with
/// the fused multiply-add, which IEEE 754 defines to the last bit.
struct DoubleDouble {
  var high: Double
  var low: Double

  init(_ high: Double, _ low: Double = 0) {
    self.high = high
    self.low = low
  }

  /// The exact sum of two doubles.
  static func sum(_ a: Double, _ b: Double) -> DoubleDouble {
    let high = a + b
    let part = high - a
    return DoubleDouble(high, (a - (high - part)) + (b - part))
  }

  /// The exact sum of two doubles of which the first is not the smaller one, or of a number to be normalized.
  static func sum(larger a: Double, _ b: Double) -> DoubleDouble {
    let high = a + b
    return DoubleDouble(high, b - (high - a))
  }

  /// The exact product of two doubles.
  static func product(_ a: Double, _ b: Double) -> DoubleDouble {
    let high = a * b
    return DoubleDouble(high, (-high).addingProduct(a, b))
  }

  static func + (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let (high, low) = (sum(a.high, b.high), sum(a.low, b.low))
    let middle = sum(larger: high.high, high.low + low.high)
    return sum(larger: middle.high, middle.low + low.low)
  }

  static func * (a: DoubleDouble, b: DoubleDouble) -> DoubleDouble {
    let product = product(a.high, b.high)
    return sum(larger: product.high, product.low.addingProduct(a.high, b.low).addingProduct(a.low, b.high))
  }

  static func * (a: DoubleDouble, b: Double) -> DoubleDouble { a * DoubleDouble(b) }

  static func / (a: Double, b: DoubleDouble) -> DoubleDouble {
    let high = a / b.high
    let rest = a.addingProduct(-high, b.high).addingProduct(-high, b.low)
    return sum(larger: high, rest / b.high)
  }
}
