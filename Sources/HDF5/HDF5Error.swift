import CHDF5

/// What went wrong with an HDF5 file: which file, where in it, why, and what to do.
public struct HDF5Error: Error, CustomStringConvertible, Sendable {
  /// The sort of failure, for programs; people read `description`.
  public enum Kind: Sendable, Hashable {
    /// There is no such file, or a folder of its path is missing.
    case missingFile
    /// The file is something else, or is cut off.
    case notHDF5
    /// The file could not be created, opened, flushed or closed.
    case unusableFile
    /// Nothing stands at this path of the file.
    case missingObject
    /// The object has no such attribute.
    case missingAttribute
    /// A group stands where a dataset was expected, or the reverse.
    case wrongKind
    /// The elements are of a type that cannot be read or written as the one asked for.
    case wrongType
    /// A shape or a selection does not fit.
    case wrongShape
    /// Something of this name is there already.
    case alreadyExists
    /// The file was closed before.
    case closed
    /// A call into the library failed for another reason.
    case call
  }

  public let kind: Kind
  /// The file's path as it was given, or a name for an image in memory.
  public let file: String
  /// The path inside the file; empty when the error is about the whole file.
  public let path: String
  /// What is wrong and what to do.
  public let message: String
  /// The library's call that failed, empty when the error was found before any.
  public let call: String
  /// The library's own error stack, the first cause first.
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

  public var description: String {
    var text = file
    if !path.isEmpty { text += ":\(path)" }
    text += text.isEmpty ? message : ": \(message)"
    if !call.isEmpty { text += " (\(call) failed" + (stack.first.map { "; \($0)" } ?? "") + ")" }
    return text
  }
}

/// The file and the path in it that a call is about.
struct Place {
  let file: String
  var path = ""

  /// An error found here.
  func error(_ kind: HDF5Error.Kind, _ message: String) -> HDF5Error {
    HDF5Error(kind, file: file, path: path, message)
  }

  /// The error of a call that just failed, with the library's stack.
  func failure(_ call: String, _ kind: HDF5Error.Kind = .call, _ message: String) -> HDF5Error {
    HDF5Error(kind, file: file, path: path, call: call, stack: Library.takeErrorStack(), message)
  }

  /// Passes a code that says success and throws for a negative one.
  @discardableResult
  func check<Code: SignedInteger>(_ code: Code, _ call: String, _ doing: String) throws -> Code {
    guard code >= 0 else { throw failure(call, .call, "could not \(doing)") }
    return code
  }

  /// Takes ownership of an identifier, throws for a negative one.
  func own(_ raw: hid_t, _ kind: Identifier.Kind, _ call: String, _ doing: String) throws -> Identifier {
    Identifier(try check(raw, call, doing), kind)
  }

  /// The names that one of the shim's listings hands out, sorted.
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
