// Numbers drawn from a stream. Only +, −, ×, ÷, √ and integer operations are used, which IEEE 754 makes the same on every
// machine; a system's `log` and `cos` differ between versions and processors.

extension RandomStream {
  /// A number in [0, 1), a multiple of 2⁻²⁴.
  public mutating func uniform() -> Float { Float(nextWord() >> 8) * 0x1p-24 }

  /// A number in [0, 1), a multiple of 2⁻⁵³.
  public mutating func uniformDouble() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number in the given range, its upper bound excluded unless rounding reaches it.
  public mutating func uniform(in range: Range<Float>) -> Float {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  /// A number from the standard normal distribution, by Marsaglia's polar method (doi:10.1137/1006063); the second of
  /// its pair is dropped, so that a stream's state is its position alone.
  public mutating func normal() -> Double {
    while true {
      let x = 2 * uniformDouble() - 1
      let y = 2 * uniformDouble() - 1
      let square = x * x + y * y
      if square < 1 && square > 0 { return x * (-2 * logarithm(square) / square).squareRoot() }
    }
  }

  /// A whole number in 0 ..< `bound`, each equally likely: D. Lemire, *Fast random integer generation in an interval*,
  /// doi:10.1145/3230636.
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "an integer below \(bound) does not exist")
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return Int(product.high)
  }

  /// The numbers 0 ..< `count` in random order.
  public mutating func permutation(_ count: Int) -> [Int] { sample(count, of: count) }

  /// `count` different numbers of 0 ..< `total` in random order (Fisher and Yates, stopped early).
  ///
  /// - Complexity: O(*total*).
  public mutating func sample(_ count: Int, of total: Int) -> [Int] {
    precondition(0 <= count && count <= total, "\(count) different numbers of \(total) do not exist")
    var numbers = Array(0..<total)
    for place in 0..<count { numbers.swapAt(place, place + integer(below: total - place)) }
    numbers.removeLast(total - count)
    return numbers
  }

  /// An index, each as likely as its weight says; never one of weight 0.
  ///
  /// - Parameter weights: finite, none negative, at least one positive.
  public mutating func index(weights: some Collection<Double>) -> Int {
    precondition(weights.allSatisfy { $0 >= 0 && $0.isFinite }, "a weight is negative or not finite")
    let total = weights.reduce(0, +)
    precondition(total > 0, "no weight is positive")
    let target = uniformDouble() * total
    var sum = 0.0
    var last = 0
    for (index, weight) in weights.enumerated() where weight > 0 {
      sum += weight
      last = index
      if target < sum { return index }
    }
    // Rounding of `target` can reach the sum.
    return last
  }
}

/// The natural logarithm of a positive normal number to a few units in the last place: x = m·2ᵉ with m in [√½, √2), and
/// ln m = 2 artanh f, f = (m − 1) / (m + 1), |f| < 0.172.
func logarithm(_ x: Double) -> Double {
  var exponent = Double(x.exponent)
  var mantissa = x.significand
  if mantissa > 1.4142135623730951 {
    mantissa /= 2
    exponent += 1
  }
  let f = (mantissa - 1) / (mantissa + 1)
  let square = f * f
  var series = 0.0
  for power in stride(from: 21.0, through: 3.0, by: -2.0) { series = (series + 1 / power) * square }
  return exponent * 0.6931471805599453 + 2 * (f + f * series)
}
