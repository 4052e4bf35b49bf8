import CHDF5

/// A failure to do with an HDF5 file: which file, where in it, why, and what to do.
public struct HDF5Error: Error, CustomStringConvertible, Sendable {
  /// What kind of failure it is, for programs; people read `description`.
  public enum Kind: Sendable, Hashable {
    /// There is no such file, or a folder of its path is missing.
    case missingFile
    /// The file is not an HDF5 file, or is truncated.
    case notHDF5
    /// The content differs from what was written: a checksum is wrong, or sizes contradict each other.
    case damaged
    /// The file could not be created, opened, flushed or closed.
    case unusableFile
    /// There is no object at this path of the file.
    case missingObject
    /// The object has no such attribute.
    case missingAttribute
    /// There is a group where a dataset was expected, or the reverse.
    case wrongKind
    /// The elements cannot be converted from or to the type asked for.
    case wrongType
    /// A shape or a selection does not fit.
    case wrongShape
    /// There is an object or a file of this name already.
    case alreadyExists
    /// The file was closed before.
    case closed
    /// A library call failed for another reason.
    case call
  }

  /// What kind of failure it is.
  public let kind: Kind
  /// The file's path as it was given, or the name of a file in memory.
  public let file: String
  /// The path inside the file; empty when the error is about the whole file.
  public let path: String
  /// What is wrong and what to do.
  public let message: String
  /// The library call that failed; empty when none was made.
  public let call: String
  /// The library's error stack, innermost call first.
  public let stack: [String]

  init(
    _ kind: Kind, file: String, path: String = "", call: String = "", stack: [String] = [], _ message: String
  ) {
    self.kind = kind
    self.file = file
    self.path = path
    self.message = message
    self.call = call
    self.stack = stack
  }

  /// The message for people: file, path, problem, and the failed call.
  public var description: String {
    var text = file
    if !path.isEmpty { text += ":\(path)" }
    text += text.isEmpty ? message : ": \(message)"
    if !call.isEmpty { text += " (\(call) failed" + (stack.first.map { "; \($0)" } ?? "") + ")" }
    return text
  }
}

/// A file and a path in it, for error messages.
struct Place {
  let file: String
  var path = ""

  /// An error about this place.
  func error(_ kind: HDF5Error.Kind, _ message: String) -> HDF5Error {
    HDF5Error(kind, file: file, path: path, message)
  }

  /// The error for a library call that just failed, with the library's error stack.
  func failure(_ call: String, _ kind: HDF5Error.Kind = .call, _ message: String) -> HDF5Error {
    HDF5Error(kind, file: file, path: path, call: call, stack: Library.takeErrorStack(), message)
  }

  /// Returns the code of a library call; throws when it is negative.
  @discardableResult
  func check<Code: SignedInteger>(_ code: Code, _ call: String, _ doing: String) throws -> Code {
    guard code >= 0 else { throw failure(call, .call, "could not \(doing)") }
    return code
  }

  /// Takes ownership of an identifier; throws when it is negative.
  func own(_ raw: hid_t, _ kind: Identifier.Kind, _ call: String, _ doing: String) throws -> Identifier {
    Identifier(try check(raw, call, doing), kind)
  }

  /// The names that one of the shim's listings finds, sorted.
  func listing(
    _ call: String, _ doing: String, _ list: (UnsafeMutablePointer<chdf5_listing>) -> herr_t
  ) throws -> [String] {
    final class Names { var all: [String] = [] }
    let names = Names()
    let code = withExtendedLifetime(names) {
      var listing = chdf5_listing(
        found: { name, context in
          guard let name, let context else { return }
          Unmanaged<Names>.fromOpaque(context).takeUnretainedValue().all.append(String(cString: name))
        }, context: Unmanaged.passUnretained(names).toOpaque())
      return list(&listing)
    }
    try check(code, call, doing)
    return names.all.sorted()
  }
}
