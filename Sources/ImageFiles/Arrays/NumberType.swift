import HDF5

/// The types of numbers that arrays are read as.
public enum NumberType: Sendable, Hashable {
  case uint8, uint16, int32, int64, float, double

  /// The type that holds the numbers of a file with the fewest bytes; 32 bits where none holds them all.
  public init(of stored: ElementType) {
    self =
      switch stored {
      case .integer(8, false), .bool, .enumeration(8): .uint8
      case .integer(16, false): .uint16
      case .float(64): .double
      case .float: .float
      default: .int32
      }
  }

  /// The bytes of a number.
  public var bytes: Int {
    switch self {
    case .uint8: 1
    case .uint16: 2
    case .int32, .float: 4
    case .int64, .double: 8
    }
  }
}

/// A number that arrays are read as: `UInt8`, `UInt16`, `Int32`, `Int`, `Float` or `Double`.
public protocol ImageScalar: HDF5Scalar {
  /// Which of the types it is.
  static var numberType: NumberType { get }
  /// The number nearest to a whole one; nil when the type has none near it.
  static func converted<Source: FixedWidthInteger>(_ value: Source) -> Self?
  /// The number nearest to another; nil when the type has none near it.
  static func converted<Source: BinaryFloatingPoint>(_ value: Source) -> Self?
}

extension ImageScalar where Self: FixedWidthInteger {
  @inline(__always)
  public static func converted<Source: FixedWidthInteger>(_ value: Source) -> Self? { Self(exactly: value) }
  @inline(__always)
  public static func converted<Source: BinaryFloatingPoint>(_ value: Source) -> Self? { Self(exactly: Double(value)) }
}

extension UInt8: ImageScalar { public static var numberType: NumberType { .uint8 } }
extension UInt16: ImageScalar { public static var numberType: NumberType { .uint16 } }
extension Int32: ImageScalar { public static var numberType: NumberType { .int32 } }
extension Int: ImageScalar { public static var numberType: NumberType { .int64 } }
extension Float: ImageScalar {
  public static var numberType: NumberType { .float }
  @inline(__always)
  public static func converted<Source: FixedWidthInteger>(_ value: Source) -> Float? { Float(value) }
  @inline(__always)
  public static func converted<Source: BinaryFloatingPoint>(_ value: Source) -> Float? {
    let result = Float(value)
    return result.isInfinite && value.isFinite ? nil : result
  }
}
extension Double: ImageScalar {
  public static var numberType: NumberType { .double }
  @inline(__always)
  public static func converted<Source: FixedWidthInteger>(_ value: Source) -> Double? { Double(value) }
  @inline(__always)
  public static func converted<Source: BinaryFloatingPoint>(_ value: Source) -> Double? { Double(value) }
}
