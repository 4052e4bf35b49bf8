import CHDF5

/// An open HDF5 file of this process.
///
/// Objects record no times, so the same calls give the same file. A file that was written is whole only after
/// `close()`; one that is released without it stays incomplete.
public final class File: Container, @unchecked Sendable {
  /// How a file is opened.
  public enum Mode: Sendable {
    /// For reading; several programs may have the file open.
    case readOnly
    /// For reading and writing.
    case readWrite
  }

  let context: FileContext
  /// The root group, open.
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

  /// Writes buffered changes to the operating system (`H5Fflush`).
  ///
  /// - Throws: `HDF5Error` of kind `unusableFile` when a write failed.
  public func flush() throws {
    try object.use { _ in
      let file = try context.open()
      try Place(file: name).check(H5Fflush(file.raw, H5F_SCOPE_LOCAL), "H5Fflush", "write the file")
    }
  }

  /// Closes the file with everything that is open in it (`H5Fclose`).
  ///
  /// Closing twice does nothing; objects of a closed file throw errors of kind `closed`.
  ///
  /// - Throws: `HDF5Error` of kind `unusableFile` when a write failed: the file is not whole.
  public func close() throws {
    try Library.locked { try context.close() }
  }

  /// The file access property list. Readers from HDF5 1.8 on understand the files.
  static func accessList(at place: Place) throws -> Identifier {
    let list = try Identifier.properties(chdf5_file_access(), at: place)
    try place.check(
      H5Pset_libver_bounds(list.raw, H5F_LIBVER_V18, H5F_LIBVER_V110), "H5Pset_libver_bounds", "choose a file format")
    // Closing the file closes all objects that are still open in it.
    try place.check(H5Pset_fclose_degree(list.raw, H5F_CLOSE_STRONG), "H5Pset_fclose_degree", "set how it closes")
    // 16 MB of decompressed chunks a dataset, so that reading patches of one slab does not decompress it repeatedly.
    try place.check(H5Pset_cache(list.raw, 0, 4001, 16 << 20, 0.75), "H5Pset_cache", "size the chunk cache")
    return list
  }

  static func creationList(at place: Place) throws -> Identifier {
    let list = try Identifier.properties(chdf5_file_create(), at: place)
    try place.check(H5Pset_obj_track_times(list.raw, false), "H5Pset_obj_track_times", "leave times out")
    return list
  }
}
