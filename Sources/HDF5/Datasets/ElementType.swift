import CHDF5

/// The type of a stored element.
public enum ElementType: Sendable, Hashable, Codable, CustomStringConvertible {
  /// A whole number.
  case integer(bits: Int, signed: Bool)
  /// A floating-point number.
  case float(bits: Int)
  /// h5py's enumeration of `FALSE` and `TRUE`.
  case bool
  /// Another enumeration of integers.
  case enumeration(bits: Int)
  /// Text of a fixed number of bytes, or of any length (nil).
  case string(bytes: Int?)
  /// A type that this module does not read: compounds, references, opaque bytes, ….
  case other(String)

  /// The type in words, as error messages name it.
  public var description: String {
    switch self {
    case .integer(let bits, let signed): "\(signed ? "Int" : "UInt")\(bits)"
    case .float(let bits): "Float\(bits)"
    case .bool: "Bool"
    case .enumeration(let bits): "an enumeration of \(bits) bits"
    case .string(nil): "String"
    case .string(let bytes?): "String of \(bytes) bytes"
    case .other(let name): name
    }
  }

  /// Whether elements can be read as numbers.
  public var isNumeric: Bool {
    switch self {
    case .integer, .float, .bool, .enumeration: true
    case .string, .other: false
    }
  }

  /// The type that an identifier stands for.
  init(_ type: Identifier, at place: Place) throws {
    let bytes = Int(H5Tget_size(type.raw))
    switch H5Tget_class(type.raw) {
    case H5T_INTEGER: self = .integer(bits: 8 * bytes, signed: H5Tget_sign(type.raw) == H5T_SGN_2)
    case H5T_FLOAT: self = .float(bits: 8 * bytes)
    case H5T_STRING:
      let variable = try place.check(H5Tis_variable_str(type.raw), "H5Tis_variable_str", "read the type") > 0
      self = .string(bytes: variable ? nil : bytes)
    case H5T_ENUM: self = try Self.isBool(type, at: place) ? .bool : .enumeration(bits: 8 * bytes)
    case H5T_COMPOUND: self = .other("a compound")
    case H5T_REFERENCE: self = .other("a reference")
    case H5T_VLEN: self = .other("a sequence of variable length")
    case H5T_ARRAY: self = .other("an array type")
    case H5T_OPAQUE: self = .other("opaque bytes")
    case H5T_BITFIELD: self = .other("a bit field")
    default: throw place.failure("H5Tget_class", .call, "could not read the type")
    }
  }

  private static func isBool(_ type: Identifier, at place: Place) throws -> Bool {
    let count = try place.check(H5Tget_nmembers(type.raw), "H5Tget_nmembers", "read the enumeration")
    guard count == 2, H5Tget_size(type.raw) == 1 else { return false }
    var names: Set<String> = []
    for index in 0..<2 {
      guard let name = H5Tget_member_name(type.raw, UInt32(index)) else {
        throw place.failure("H5Tget_member_name", .call, "could not read the enumeration")
      }
      names.insert(String(cString: name))
      H5free_memory(name)
    }
    return names == ["FALSE", "TRUE"]
  }
}
