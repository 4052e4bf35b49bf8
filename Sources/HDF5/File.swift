import CHDF5

/// An HDF5 file, for one process or for all ranks of a communicator.
///
/// With a communicator every call is collective, except reading and writing of data as `Transfer.independent`: all
/// ranks make it with the same arguments and in the same order, opening and looking included, because metadata are
/// read and written by all together. Objects do not record times, so the same calls give the same file.
///
/// A file closes itself with its last object; `close()` does it at once and tells of a failure.
public final class File: Container, @unchecked Sendable {
  /// How a file is opened.
  public enum Mode: Sendable {
    case readOnly
    case readWrite
  }

  let context: FileContext
  public let object: ObjectHandle

  init(context: FileContext) throws {
    self.context = context
    guard let root = context.root else {
      throw HDF5Error(.closed, file: context.name, "the file was closed before")
    }
    object = ObjectHandle(context: context, identifier: root, path: "/")
  }

  /// The path as it was given.
  public var name: String { context.name }

  /// The root group.
  public var root: Group { Group(object: object) }

  /// Writes out what is still buffered (`H5Fflush`). Collective on a communicator.
  public func flush() throws {
    try Library.locked {
      let file = try context.open()
      guard H5Fflush(file.raw, H5F_SCOPE_LOCAL) >= 0 else {
        throw Place(file: name).failure(
          "H5Fflush", .unusableFile, "the file could not be written out; is the disk full?")
      }
    }
  }

  /// Closes the file with everything that is open in it (`H5Fclose`). Collective on a communicator.
  ///
  /// Closing twice does nothing; objects of a closed file throw `HDF5Error.Kind.closed`.
  public func close() throws {
    try Library.locked { try context.close() }
  }

  /// Lists for opening and making a file. Readers from HDF5 1.8 on understand the result.
  static func accessList(at place: Place) throws -> Identifier {
    let list = try Identifier.properties(chdf5_file_access(), at: place)
    try place.check(
      H5Pset_libver_bounds(list.raw, H5F_LIBVER_V18, H5F_LIBVER_V110), "H5Pset_libver_bounds", "choose a file format")
    // Objects that outlive their file are closed with it.
    try place.check(H5Pset_fclose_degree(list.raw, H5F_CLOSE_STRONG), "H5Pset_fclose_degree", "set how it closes")
    // Chunks kept unpacked: 16 MB a dataset, so that patches of one slab do not unpack it again and again.
    try place.check(H5Pset_cache(list.raw, 0, 4001, 16 << 20, 0.75), "H5Pset_cache", "size the chunk cache")
    return list
  }

  static func creationList(at place: Place) throws -> Identifier {
    let list = try Identifier.properties(chdf5_file_create(), at: place)
    try place.check(H5Pset_obj_track_times(list.raw, false), "H5Pset_obj_track_times", "leave times out")
    return list
  }
}
