import CHDF5
import MessagePassing

/// An open file, shared by all objects in it.
final class FileContext: @unchecked Sendable {
  /// The path as it was given.
  let name: String
  /// The ranks that opened the file together; nil: this process alone.
  let ranks: Communicator?
  /// Nil once closed; accessed under the library's lock.
  private var file: Identifier?
  /// Nil once closed.
  private(set) var root: Identifier?

  init(name: String, file: Identifier, ranks: Communicator?) throws {
    self.name = name
    self.file = file
    self.ranks = ranks
    root = try Place(file: name).own(
      H5Gopen2(file.raw, "/", chdf5_default()), .group, "H5Gopen2", "open the root group")
  }

  /// The file's identifier; throws after `close`.
  func open() throws -> Identifier {
    guard let file else {
      throw HDF5Error(.closed, file: name, "the file was closed before; open it again")
    }
    return file
  }

  /// Closes the file and all that is open in it.
  func close() throws {
    guard let file else { return }
    let place = Place(file: name)
    root = nil
    self.file = nil
    guard H5Fclose(file.raw) >= 0 else {
      throw place.failure(
        "H5Fclose", .unusableFile, "the file could not be closed, what was written last may be lost; is the disk full?")
    }
  }
}

/// An open object of a file, on which `File`, `Group` and `Dataset` build.
public struct ObjectHandle: Sendable {
  let context: FileContext
  let identifier: Identifier
  /// The absolute path in the file.
  public let path: String

  var place: Place { Place(file: context.name, path: path) }

  /// A place below this one.
  func place(_ below: String) -> Place { Place(file: context.name, path: joined(below)) }

  /// The absolute path of `below`, which is relative to this object or absolute already.
  func joined(_ below: String) -> String {
    if below.hasPrefix("/") { return below }
    return path == "/" ? "/" + below : path + "/" + below
  }

  /// Runs `body` under the lock with the identifier of the object, if its file is still open.
  func use<Result>(_ body: (hid_t) throws -> Result) throws -> Result {
    try Library.locked {
      _ = try context.open()
      return try body(identifier.raw)
    }
  }
}

/// An object that can have attributes: `File` (its root group), `Group`, `Dataset`.
public protocol Attributed: Sendable {
  /// The open object.
  var object: ObjectHandle { get }
}

/// An object that holds groups and datasets: `File` and `Group`. Paths are relative to it unless they begin with `/`.
public protocol Container: Attributed {}

extension Attributed {
  /// The absolute path in the file.
  public var path: String { object.path }
}
