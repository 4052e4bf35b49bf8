import CMPI

/// A number that MPI can send, reduce and share between ranks.
public protocol MPIScalar: BitwiseCopyable, Sendable {
  /// MPI's name of this type.
  static var datatype: CMPIDatatype { get }
}

extension Float: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_float() }
}

extension Double: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_double() }
}

extension Int8: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_int8() }
}

extension UInt8: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_uint8() }
}

extension Int16: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_int16() }
}

extension UInt16: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_uint16() }
}

extension Int32: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_int32() }
}

extension UInt32: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_uint32() }
}

extension Int64: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_int64() }
}

extension UInt64: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_uint64() }
}

extension Int: MPIScalar {
  public static var datatype: CMPIDatatype { cmpi_int64() }
}
