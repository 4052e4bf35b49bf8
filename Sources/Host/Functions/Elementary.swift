/// Elementary functions with the same bits everywhere: made of IEEE 754's own operations alone, where those of the C
/// library may differ in the last bit from one version or processor to the next.
///
/// All are within one unit in the last place, `exp`, `log` and `pow` within 0.51 of one. Special values are those of
/// C's functions.
///
/// - Complexity: O(1), some 50 operations, `pow` twice as many.
public enum Elementary {
  /// The exponential function.
  public static func exp(_ x: Double) -> Double { x.isNaN ? x : exponential(DoubleDouble(x)) }

  /// The exponential function less 1, within 2⁻⁴² of itself.
  public static func expm1(_ x: Double) -> Double {
    guard x.magnitude < 0x1p-10 else { return exp(x) - 1 }
    return x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5))))
  }

  /// The natural logarithm.
  public static func log(_ x: Double) -> Double {
    guard x > 0, x < .infinity else { return x == 0 ? -.infinity : x < 0 ? .nan : x }
    return logarithm(DoubleDouble(x)).high
  }

  /// The natural logarithm of 1 + x, exact to the last bits where x is small.
  public static func log1p(_ x: Double) -> Double {
    guard x > -1, x < .infinity else { return x == -1 ? -.infinity : x < -1 ? .nan : x }
    // Less than half a unit in the last place from x.
    guard x.magnitude > 0x1p-54 else { return x }
    return logarithm(.sum(1, x)).high
  }

  /// x to the power y.
  public static func pow(_ x: Double, _ y: Double) -> Double {
    if y == 0 || x == 1 { return 1 }
    if x.isNaN || y.isNaN { return .nan }
    let isInteger = y.rounded(.towardZero) == y
    let isOdd = isInteger && y.magnitude < 0x1p53 && Int64(y) & 1 == 1
    let sign = x.sign == .minus && isOdd ? -1.0 : 1.0
    let base = x.magnitude
    if base == 1 { return y.isInfinite || isInteger ? sign : .nan }
    if base == 0 || base.isInfinite { return sign * ((base == 0) == (y < 0) ? .infinity : 0) }
    if y.isInfinite { return (base > 1) == (y > 0) ? .infinity : 0 }
    guard x > 0 || isInteger else { return .nan }
    let exponent = logarithm(DoubleDouble(base)) * DoubleDouble(y)
    // Where the product overflows its lower part is none.
    return sign * exponential(exponent.high.magnitude < 0x1p20 ? exponent : DoubleDouble(exponent.high))
  }

  /// The cosine of π·x (IEEE 754-2019, cosPi).
  public static func cosPi(_ x: Double) -> Double {
    guard x.isFinite else { return .nan }
    // The nearest multiple of one half is left aside; both are exact.
    let turns = x.magnitude.truncatingRemainder(dividingBy: 2)
    let quarters = (2 * turns).rounded()
    let rest = turns - quarters / 2
    switch Int(quarters) & 3 {
    case 0: return cosine(rest)
    case 1: return -sine(rest)
    case 2: return -cosine(rest)
    default: return sine(rest)
    }
  }

  /// The sine of π·x (IEEE 754-2019, sinPi).
  public static func sinPi(_ x: Double) -> Double {
    guard x.isFinite else { return .nan }
    let turns = x.truncatingRemainder(dividingBy: 2)
    let quarters = (2 * turns).rounded()
    let rest = turns - quarters / 2
    switch Int(quarters) & 3 {
    case 0: return sine(rest)
    case 1: return cosine(rest)
    case 2: return -sine(rest)
    default: return -cosine(rest)
    }
  }
}

extension Elementary {
  /// The exponential function, within 0.5001 units in the last place.
  public static func exp(_ x: Float) -> Float {
    guard x > -104 else { return x.isNaN ? x : 0 }
    guard x < 89 else { return .infinity }
    let x = Double(x)
    let k = (x * 0x1.71547652b82fep0).rounded()
    let r = x - k * 0x1.62e42fefa39efp-1
    var series = 1.0 / 3_628_800
    series = series * r + 1 / 362_880
    series = series * r + 1 / 40_320
    series = series * r + 1 / 5_040
    series = series * r + 1 / 720
    series = series * r + 1 / 120
    series = series * r + 1 / 24
    series = series * r + 1 / 6
    series = series * r + 0.5
    series = series * r + 1
    series = series * r + 1
    return Float(series * Double(sign: .plus, exponent: Int(k), significand: 1))
  }

  /// The natural logarithm, within 0.5001 units in the last place.
  public static func log(_ x: Float) -> Float {
    guard x > 0, x < .infinity else { return x == 0 ? -.infinity : x < 0 ? .nan : x }
    return Float(shortLogarithm(Double(x)))
  }

  /// The natural logarithm of 1 + x, within 0.5001 units in the last place.
  public static func log1p(_ x: Float) -> Float {
    guard x > -1, x < .infinity else { return x == -1 ? -.infinity : x < -1 ? .nan : x }
    // 1 + x is exact in a double from here on; before, the series' next term no longer counts.
    guard x.magnitude > 0x1p-26 else { return x }
    return Float(shortLogarithm(1 + Double(x)))
  }

  /// The logarithm of a positive finite number, exact to about 45 bits of what x differs from a power of two by.
  private static func shortLogarithm(_ x: Double) -> Double {
    let isLarge = x.significand > 0x1.6a09e667f3bcdp0
    let difference = (isLarge ? x.significand / 2 : x.significand) - 1
    let s = difference / (2 + difference)
    let t = s * s
    var series = 1.0 / 19
    series = series * t + 1 / 17
    series = series * t + 1 / 15
    series = series * t + 1 / 13
    series = series * t + 1 / 11
    series = series * t + 1 / 9
    series = series * t + 1 / 7
    series = series * t + 1 / 5
    series = series * t + 1 / 3
    series = series * t + 1
    return Double(Int(x.exponent) + (isLarge ? 1 : 0)) * 0x1.62e42fefa39efp-1 + 2 * s * series
  }
}

extension Elementary {
  /// ln 2 in three parts, the first of 42 bits, so that its product with an exponent is exact.
  private static var logarithmOf2: (high: Double, middle: Double, low: Double) {
    (0x1.62e42fefa38p-1, 0x1.ef35793c7673p-45, 0x1.f97b57a079a19p-103)
  }
  private static var pi: DoubleDouble { DoubleDouble(0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53) }
  /// The first coefficients of artanh(s) / s = 1 + s²/3 + s⁴/5 + …
  private static var third: DoubleDouble { DoubleDouble(0x1.5555555555555p-2, 0x1.5555555555555p-56) }
  private static var fifth: DoubleDouble { DoubleDouble(0x1.999999999999ap-3, -0x1.999999999999ap-57) }

  /// The logarithm of a positive finite number, exact to about 66 bits: x = 2^e·m with m from √½ to √2,
  /// ln m = 2·artanh(s) and s = (m − 1) / (m + 1).
  private static func logarithm(_ x: DoubleDouble) -> DoubleDouble {
    var exponent = x.high.exponent
    var scaled = x.high.significand
    if scaled > 0x1.6a09e667f3bcdp0 {
      scaled /= 2
      exponent += 1
    }
    let low = x.low == 0 ? 0 : Double(sign: .plus, exponent: -exponent, significand: x.low)
    let difference = DoubleDouble.sum(scaled - 1, low)
    let total = DoubleDouble.sum(2, difference.high) + DoubleDouble(difference.low)
    var s = difference.high / total
    s = .sum(larger: s.high, s.low + difference.low / total.high)
    let square = s * s
    let t = square.high
    // The terms from s⁷/7 on, whose error no longer counts.
    var tail = 1.0 / 23
    tail = tail * t + 1 / 21
    tail = tail * t + 1 / 19
    tail = tail * t + 1 / 17
    tail = tail * t + 1 / 15
    tail = tail * t + 1 / 13
    tail = tail * t + 1 / 11
    tail = tail * t + 1 / 9
    tail = tail * t + 1 / 7
    let series = square * (third + square * (fifth + DoubleDouble(tail * t)))
    let half = s + s * series
    let ofMantissa = DoubleDouble(2 * half.high, 2 * half.low)
    guard exponent != 0 else { return ofMantissa }
    let e = Double(exponent)
    let ofPower = DoubleDouble(e * logarithmOf2.high) + DoubleDouble.product(e, logarithmOf2.middle)
    return ofPower + DoubleDouble(e * logarithmOf2.low) + ofMantissa
  }

  /// The exponential of a number: 2^k·e^r with r of at most ½·ln 2, by the series of e^r.
  private static func exponential(_ x: DoubleDouble) -> Double {
    guard x.high < 710 else { return .infinity }
    guard x.high > -746 else { return 0 }
    let k = (x.high * 0x1.71547652b82fep0).rounded()
    let first = DoubleDouble.sum(x.high - k * logarithmOf2.high, -k * logarithmOf2.middle)
    let r = DoubleDouble.sum(larger: first.high, first.low + x.low)
    // e^r = 1 + r + r²/2 + r³·(1/3! + r/4! + …), of which the first three need more than a double's bits.
    var tail = 1.0 / 6_402_373_705_728_000
    tail = tail * r.high + 1 / 355_687_428_096_000
    tail = tail * r.high + 1 / 20_922_789_888_000
    tail = tail * r.high + 1 / 1_307_674_368_000
    tail = tail * r.high + 1 / 87_178_291_200
    tail = tail * r.high + 1 / 6_227_020_800
    tail = tail * r.high + 1 / 479_001_600
    tail = tail * r.high + 1 / 39_916_800
    tail = tail * r.high + 1 / 3_628_800
    tail = tail * r.high + 1 / 362_880
    tail = tail * r.high + 1 / 40_320
    tail = tail * r.high + 1 / 5_040
    tail = tail * r.high + 1 / 720
    tail = tail * r.high + 1 / 120
    tail = tail * r.high + 1 / 24
    tail = tail * r.high + 1 / 6
    let square = DoubleDouble.product(r.high, r.high / 2)
    let linear = DoubleDouble.sum(larger: 1, r.high)
    let sum = DoubleDouble.sum(larger: linear.high, square.high)
    let small = r.low * (1 + r.high) + square.low + r.high * 2 * square.high * tail
    return scaled(sum.high + (sum.low + linear.low + small), by: Int(k))
  }

  /// value·2^k, rounded once where that is subnormal.
  private static func scaled(_ value: Double, by k: Int) -> Double {
    let half = k / 2
    return k >= -1021
      ? value * Double(sign: .plus, exponent: half, significand: 1)
        * Double(sign: .plus, exponent: k - half, significand: 1)
      : value * Double(sign: .plus, exponent: k + 200, significand: 1) * 0x1p-200
  }

  /// cos(π·x) for x of at most ¼.
  private static func cosine(_ x: Double) -> Double {
    let angle = pi * x
    let square = angle.high * angle.high
    var series = 0.0
    for n in stride(from: 20.0, through: 4, by: -2) { series = (1 - series * square) / (n * (n - 1)) }
    // series is now 1/12 − x²/360 + …: cos x = 1 − x²/2·(1 − x²·series).
    let half = DoubleDouble.product(angle.high, angle.high / 2)
    let one = DoubleDouble.sum(larger: 1, -half.high)
    return one.high + (one.low - half.low - angle.high * angle.low + half.high * square * series)
  }

  /// sin(π·x) for x of at most ¼.
  private static func sine(_ x: Double) -> Double {
    let angle = pi * x
    let square = angle.high * angle.high
    var series = 0.0
    for n in stride(from: 21.0, through: 3, by: -2) { series = (1 - series * square) / (n * (n - 1)) }
    // series is now 1/6 − x²/120 + …: sin x = x − x³·series.
    return angle.high + (angle.low - angle.high * square * series)
  }
}
