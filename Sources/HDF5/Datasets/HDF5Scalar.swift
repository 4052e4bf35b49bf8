import CHDF5

/// A number or truth value that datasets and attributes can hold: `Int8` … `UInt64`, `Int`, `Float16`, `Float`, `Double`, `Bool`.
///
/// `Bool` is stored as h5py does it, an enumeration of `FALSE` and `TRUE` over one byte.
public protocol HDF5Scalar: AttributeElement, BitwiseCopyable {
  /// The value of new arrays before they are read into.
  static var zero: Self { get }
  /// The library's type for it in memory.
  static var memoryType: MemoryType { get }
}

/// The element types of arrays in memory.
public enum MemoryType: Sendable, Hashable {
  case int8, int16, int32, int64, uint8, uint16, uint32, uint64, half, float, double, bool

  /// The library's identifier of the type.
  func identifier(at place: Place) throws -> Identifier {
    switch self {
    case .int8: return Identifier(chdf5_int8(), .borrowed)
    case .int16: return Identifier(chdf5_int16(), .borrowed)
    case .int32: return Identifier(chdf5_int32(), .borrowed)
    case .int64: return Identifier(chdf5_int64(), .borrowed)
    case .uint8: return Identifier(chdf5_uint8(), .borrowed)
    case .uint16: return Identifier(chdf5_uint16(), .borrowed)
    case .uint32: return Identifier(chdf5_uint32(), .borrowed)
    case .uint64: return Identifier(chdf5_uint64(), .borrowed)
    case .half: return try place.own(chdf5_half(), .type, "H5Tset_fields", "make the type of 16-bit numbers")
    case .float: return Identifier(chdf5_float(), .borrowed)
    case .double: return Identifier(chdf5_double(), .borrowed)
    case .bool:
      let type = try place.own(H5Tenum_create(chdf5_int8()), .type, "H5Tenum_create", "make the Boolean type")
      for (name, member) in [("FALSE", Int8(0)), ("TRUE", Int8(1))] {
        var value = member
        try place.check(H5Tenum_insert(type.raw, name, &value), "H5Tenum_insert", "make the Boolean type")
      }
      return type
    }
  }
}

extension Int8: HDF5Scalar { public static var memoryType: MemoryType { .int8 } }
extension Int16: HDF5Scalar { public static var memoryType: MemoryType { .int16 } }
extension Int32: HDF5Scalar { public static var memoryType: MemoryType { .int32 } }
extension Int64: HDF5Scalar { public static var memoryType: MemoryType { .int64 } }
extension Int: HDF5Scalar { public static var memoryType: MemoryType { .int64 } }
extension UInt8: HDF5Scalar { public static var memoryType: MemoryType { .uint8 } }
extension UInt16: HDF5Scalar { public static var memoryType: MemoryType { .uint16 } }
extension UInt32: HDF5Scalar { public static var memoryType: MemoryType { .uint32 } }
extension UInt64: HDF5Scalar { public static var memoryType: MemoryType { .uint64 } }
extension Float16: HDF5Scalar { public static var memoryType: MemoryType { .half } }
extension Float: HDF5Scalar { public static var memoryType: MemoryType { .float } }
extension Double: HDF5Scalar { public static var memoryType: MemoryType { .double } }
extension Bool: HDF5Scalar {
  public static var zero: Bool { false }
  public static var memoryType: MemoryType { .bool }
}
