import Glibc

/// A call of the operating system on a file that failed.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file that was wanted.
  public let path: String
  /// What could not be done with it, as a participle: ‘flushed to the disk’.
  public let action: String
  /// The system's error code (`errno`).
  public let code: Int32

  /// A failure with the system's code for it.
  public init(path: String, action: String, code: Int32) {
    self.path = path
    self.action = action
    self.code = code
  }

  public var description: String { "\(path): the file could not be \(action): \(String(cString: strerror(code)))." }
}
