/// An amount of memory as people write it: `2GiB`, `500 MB`, `1.5G`.
public struct ByteCount: Hashable, Sendable, CustomStringConvertible {
  /// The number of bytes, at least 1.
  public let bytes: Int
  /// As it was written.
  public let description: String

  /// The amount that a text names; nil when it names none, or more than 2⁶² bytes.
  ///
  /// `KB`, `MB`, `GB`, `TB` are powers of 1000; `KiB`, `MiB`, …, and `K`, `M`, … alone, of 1024. A number alone is of
  /// bytes.
  public init?(_ text: String) {
    let digits = text.prefix { $0.isNumber || $0 == "." }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
    guard let number = Double(digits), let factor = Self.factor(unit) else { return nil }
    let bytes = (number * factor).rounded()
    guard bytes >= 1, bytes <= 0x1p62 else { return nil }
    self.bytes = Int(bytes)
    description = text
  }

  private static func factor(_ unit: String) -> Double? {
    if unit.isEmpty || unit == "b" { return 1 }
    guard let power = ["k", "m", "g", "t"].firstIndex(of: String(unit.prefix(1))) else { return nil }
    let base: Double
    switch unit.dropFirst() {
    case "", "ib": base = 1024
    case "b": base = 1000
    default: return nil
    }
    return (0...power).reduce(1) { product, _ in product * base }
  }
}
