import CMPI

/// A call of the MPI library that returned an error.
public struct MPIError: Error, CustomStringConvertible {
  /// The name of the MPI call.
  public let call: String
  /// The code it returned.
  public let code: CInt
  /// The standard's class of the code (`MPI_ERR_TRUNCATE`, …).
  public let errorClass: CInt
  /// The library's own words.
  public let message: String

  public var description: String {
    "\(call) failed: \(message) (code \(code)). The messages of the other ranks and of the MPI library tell more."
  }

  init(call: StaticString, code: CInt) {
    self.call = "\(call)"
    self.code = code
    var kind: CInt = MPI_ERR_UNKNOWN
    if MPI_Error_class(code, &kind) != MPI_SUCCESS { kind = MPI_ERR_UNKNOWN }
    errorClass = kind
    message = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_ERROR_STRING) + 1) { text in
      text.initialize(repeating: 0)
      var length: CInt = 0
      guard MPI_Error_string(code, text.baseAddress, &length) == MPI_SUCCESS else { return "unknown error" }
      return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
}

/// Turns the code of an MPI call into an error that names the call.
@inline(__always)
func check(_ call: StaticString, _ code: CInt) throws {
  if code != MPI_SUCCESS { throw MPIError(call: call, code: code) }
}
