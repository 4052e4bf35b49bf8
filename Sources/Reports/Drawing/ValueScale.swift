#if canImport(Glibc)
  import Glibc
#endif

/// A scale of an axis: the position of each value, and the ticks.
struct ValueScale: Hashable, Sendable {
  enum Kind: Hashable, Sendable { case linear, logarithmic }

  let kind: Kind
  /// The ends of the axis.
  let low: Double
  let high: Double
  /// Ascending.
  let ticks: [Double]

  /// A scale that shows all of the values that are finite: logarithmic when that is asked for, all are above 0, and
  /// they span more than a factor of 10.
  init(showing values: [Double], preferring kind: Kind = .linear) {
    let known = values.filter(\.isFinite)
    let least = known.min() ?? 0
    let greatest = known.max() ?? 1
    if kind == .logarithmic, least > 0, greatest > 10 * least {
      self.kind = .logarithmic
      low = least / 1.15
      high = greatest * 1.15
      ticks = Self.decadeTicks(low, high)
      return
    }
    self.kind = .linear
    // A constant gets some room around it.
    let span = greatest > least ? greatest - least : greatest == 0 ? 1 : abs(greatest)
    let middle = (least + greatest) / 2
    let (bottom, top) = (middle - 0.54 * span, middle + 0.54 * span)
    // No room below 0 where nothing is below it.
    low = least >= 0 ? max(0, bottom) : bottom
    high = top
    ticks = Self.evenTicks(low, high, most: 6)
  }

  /// A linear scale with these ends.
  init(_ ends: ClosedRange<Double>) {
    kind = .linear
    (low, high) = (ends.lowerBound, max(ends.upperBound, ends.lowerBound.nextUp))
    ticks = Self.evenTicks(low, high, most: 6)
  }

  /// The scale of epochs 1 to `count`, with ticks at whole numbers.
  init(epochs count: Int) {
    let (first, last) = count > 1 ? (1, Double(count)) : (0.5, 1.5)
    let step = max(1, Self.evenStep(last - first, most: 10))
    ticks = (step > 1 ? [1] : []) + stride(from: step, through: last, by: step)
    kind = .linear
    low = first
    high = last
  }

  /// Where a value stands, from 0 at the low end to 1 at the high end.
  func place(of value: Double) -> Double {
    switch kind {
    case .linear: (value - low) / (high - low)
    case .logarithmic: (log(value) - log(low)) / (log(high) - log(low))
    }
  }

  /// 1, 2 or 5 times a power of 10.
  static func evenStep(_ span: Double, most: Int) -> Double {
    let rough = span / Double(most)
    let power = pow(10, floor(log10(rough)))
    let factor = [1, 2, 5, 10].first { $0 * power >= rough * (1 - 1e-9) } ?? 10
    return factor * power
  }

  private static func evenTicks(_ low: Double, _ high: Double, most: Int) -> [Double] {
    let step = evenStep(high - low, most: most)
    let first = Int((low / step - 1e-9).rounded(.up))
    let last = Int((high / step + 1e-9).rounded(.down))
    // A step of 0.2 is a fifth: 3 × 0.2 is not 0.6.
    func tick(_ index: Int) -> Double { step < 1 ? Double(index) / (1 / step).rounded() : Double(index) * step }
    return first <= last ? (first...last).map(tick) : []
  }

  /// Powers of 10, where there are few of them also 2 and 5 times these, where there are many only some.
  private static func decadeTicks(_ low: Double, _ high: Double) -> [Double] {
    let decades = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    let factors: [Double] = log10(high / low) < 2.5 ? [1, 2, 5] : [1]
    let step = max(1, decades.count / 8)
    return decades.filter { $0 % step == 0 }.flatMap { power in
      factors.map { $0 * pow(10, Double(power)) }
    }.filter { $0 >= low && $0 <= high }
  }

  /// A tick as people write it: 0.05, 1500, 2·10⁻⁵.
  static func label(_ value: Double) -> String {
    guard value != 0 else { return "0" }
    let exponent = Int(floor(log10(abs(value)) + 1e-9))
    guard (-3...4).contains(exponent) else {
      let mantissa = trimmed(value / pow(10, Double(exponent)))
      let power = "10" + String(exponent).map { superscripts[$0] ?? $0 }
      return mantissa == "1" ? power : "\(mantissa)·\(power)"
    }
    return trimmed(value)
  }

  /// Six digits, without zeros at the end.
  private static func trimmed(_ value: Double) -> String {
    let scale = pow(10, 6 - 1 - floor(log10(abs(value))))
    let rounded = (value * scale).rounded() / scale
    return Int(exactly: rounded).map { "\($0)" } ?? "\(rounded)"
  }

  private static let superscripts: [Character: Character] = [
    "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
  ]
}
