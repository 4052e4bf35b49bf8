import CHDF5

/// An open file, shared by all objects in it.
///
/// A file that was written is whole only after `close()`. One that is released without it, or of which a write has failed, is
/// abandoned: what libhdf5 has not written by then is dropped, and the file stays open in the library, some 100 KB, until the
/// process ends.
final class FileContext: @unchecked Sendable {
  /// The path as it was given.
  let name: String
  /// The failed writes of a file on disk that is open for writing; nil of others.
  let record: WriteRecord?
  /// Nil once closed; accessed under the library's lock.
  private var file: Identifier?
  /// Nil once closed.
  private(set) var root: Identifier?

  init(name: String, file: Identifier, record: WriteRecord? = nil) throws {
    self.name = name
    self.file = file
    self.record = record
    do {
      root = try Place(file: name).own(
        H5Gopen2(file.raw, "/", chdf5_default()), .group, "H5Gopen2", "open the root group")
    } catch {
      record?.abandon(file)
      throw error
    }
  }

  deinit {
    if let file { Library.locked { record?.abandon(file) } }
  }

  /// The file's identifier; throws after `close`.
  func open() throws -> Identifier {
    guard let file else {
      throw HDF5Error(.closed, file: name, "the file was closed before; open it again")
    }
    return file
  }

  /// Throws when a write of this file failed.
  func requireWritten() throws {
    if let failure = record?.failure(at: Place(file: name)) { throw failure }
  }

  /// Closes the file and all that is open in it.
  func close() throws {
    guard let file else { return }
    root = nil
    self.file = nil
    do { try requireWritten() } catch {
      record?.abandon(file)
      throw error
    }
    let code = H5Fclose(file.raw)
    if code < 0 {
      // It is not closed a second time: what is left of it in the library is lost.
      file.release()
      record?.isLeaked = true
    }
    try requireWritten()
    guard code >= 0 else {
      throw Place(file: name).failure("H5Fclose", .unusableFile, "the file could not be closed")
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
  ///
  /// - Throws: what `body` throws; `HDF5Error` when a write failed, now or before.
  func use<Result>(_ body: (hid_t) throws -> Result) throws -> Result {
    try Library.locked {
      _ = try context.open()
      let result = Swift.Result { try body(identifier.raw) }
      try context.requireWritten()
      return try result.get()
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
