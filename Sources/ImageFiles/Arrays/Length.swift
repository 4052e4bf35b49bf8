/// A distance with its unit.
public struct Length: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The number before the unit.
  public var value: Double
  /// The unit's usual abbreviation (`nm`, `µm`, `mm`, `Å`, `s`); empty when the file names none.
  public var unit: String

  /// A distance as given.
  public init(_ value: Double, _ unit: String) {
    self.value = value
    self.unit = unit
  }

  public var description: String {
    let number = value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    return unit.isEmpty ? number : "\(number) \(unit)"
  }
}

extension Length {
  /// A unit by its usual abbreviation: `µm` of micron, um, micrometer and ImageJ's `\u00B5m`.
  public static func unit(_ text: String) -> String {
    let text = text.replacing("\\u00B5", with: "µ").replacing("\u{03BC}", with: "µ").trimmed
    switch text.lowercased() {
    case "micron", "microns", "um", "µm", "micrometer", "micrometre", "micrometers": return "µm"
    case "nanometer", "nanometre", "nanometers", "nm": return "nm"
    case "millimeter", "millimetre", "millimeters", "mm": return "mm"
    case "centimeter", "centimetre", "cm": return "cm"
    case "meter", "metre", "m": return "m"
    case "angstrom", "ångström", "å", "a": return "Å"
    case "inch", "inches", "in", "\"": return "in"
    case "second", "seconds", "sec", "s": return "s"
    case "pixel", "pixels", "": return ""
    default: return text
    }
  }

  /// The same distance in the unit of metres that needs few zeros.
  var readable: Length {
    guard let factor = Self.metres[unit], value > 0 else { return self }
    let distance = value * factor
    let unit = distance >= 1 ? "m" : distance >= 1e-3 ? "mm" : distance >= 1e-6 ? "µm" : "nm"
    return Length(Length(distance / (Self.metres[unit] ?? 1), unit).rounded, unit)
  }

  /// The number, above 0, in seven digits, as many as the file's own, a float32, has.
  public var rounded: Double {
    let power = Self.power(value)
    return (value / power * 1e6).rounded() / 1e6 * power
  }

  private static func power(_ value: Double) -> Double {
    var power = 1.0
    while value / power >= 10 { power *= 10 }
    while value / power < 1 { power /= 10 }
    return power
  }

  /// A distance as people write it, `4 nm` or `0.05 µm`; nil without a number above 0 or without a unit of length.
  public init?(_ text: String) {
    let number = text.prefix { $0.isNumber || ".+-eE".contains($0) }
    let unit = Self.unit(String(text[number.endIndex...]))
    guard let value = Double(number), value > 0, value.isFinite, Self.metres[unit] != nil else { return nil }
    self.init(value, unit)
  }

  /// Metres of a unit.
  private static let metres: [String: Double] = [
    "m": 1, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "nm": 1e-9, "Å": 1e-10, "in": 0.0254,
  ]

  /// The same distance as a number of another unit; nil when one of the two is no length.
  public func value(in unit: String) -> Double? {
    guard let own = Self.metres[self.unit], let other = Self.metres[unit] else { return nil }
    return own == other ? value : Length(value * (own / other), unit).rounded
  }

  /// The unit in letters that UDUNITS, and so NeXus, knows.
  public var plainUnit: String { ["µm": "um", "Å": "angstrom"][unit] ?? unit }
}
