import CHDF5
import CHDF5Driver

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension File {
  /// Creates a file (`H5Fcreate`).
  ///
  /// - Parameter overwriting: whether an existing file is replaced; otherwise it is an error.
  /// - Throws: `HDF5Error` of kind `alreadyExists`, `missingFile` (its folder is missing) or `unusableFile`.
  public convenience init(creating path: String, overwriting: Bool = false) throws {
    try self.init(creating: path, overwriting: overwriting, alignment: nil)
  }

  /// The same with every object of the file at a multiple of `alignment` bytes (`H5Pset_alignment`).
  convenience init(creating path: String, overwriting: Bool, alignment: Int?) throws {
    let place = Place(file: path)
    let context = try Library.locked {
      try Library.open()
      let record = WriteRecord()
      let access = try Self.accessList(at: place, writing: record)
      if let alignment {
        try place.check(H5Pset_alignment(access.raw, 1, hsize_t(alignment)), "H5Pset_alignment", "align objects")
      }
      let creation = try Self.creationList(at: place)
      let flags = overwriting ? chdf5_truncate() : chdf5_exclusive()
      let raw = H5Fcreate(path, flags, creation.raw, access.raw)
      guard raw >= 0 else { throw Self.creationFailure(at: place, overwriting: overwriting, record) }
      return try FileContext(name: path, file: Identifier(raw, .file), record: record)
    }
    try self.init(context: context)
  }

  /// Opens an existing file (`H5Fopen`).
  ///
  /// - Throws: `HDF5Error` of kind `missingFile`, `notHDF5` or `unusableFile`.
  public convenience init(opening path: String, mode: Mode = .readOnly) throws {
    let place = Place(file: path)
    let context = try Library.locked {
      try Library.open()
      try Self.checkReadable(place)
      let record = mode == .readOnly ? nil : WriteRecord()
      let access = try Self.accessList(at: place, writing: record)
      let flags = mode == .readOnly ? chdf5_read_only() : chdf5_read_write()
      let raw = H5Fopen(path, flags, access.raw)
      guard raw >= 0 else { throw Self.openingFailure(at: place, record) }
      return try FileContext(name: path, file: Identifier(raw, .file), record: record)
    }
    try self.init(context: context)
  }

  /// Runs `body` with a file and closes it.
  ///
  /// - Throws: what `body` throws; `HDF5Error` of kind `missingFile`, `notHDF5` or `unusableFile`.
  public static func with<Result>(
    _ path: String, mode: Mode = .readOnly, _ body: (File) throws -> Result
  ) throws -> Result {
    let file = try File(opening: path, mode: mode)
    let result = try body(file)
    try file.close()
    return result
  }

  private static func accessList(at place: Place, writing record: WriteRecord?) throws -> Identifier {
    let list = try accessList(at: place)
    guard let record else { return list }
    try place.check(chdf5_set_checked_driver(list.raw, record.pointer), "H5Pset_driver", "watch what is written")
    return list
  }

  /// Throws an error that explains why a file cannot be opened; the library's own errors explain less.
  private static func checkReadable(_ place: Place) throws {
    var status = stat()
    guard stat(place.file, &status) == 0 else {
      let code = errno
      guard code == ENOENT || code == ENOTDIR else {
        throw place.error(.unusableFile, "the file cannot be reached: \(String(cString: strerror(code)))")
      }
      throw place.error(.missingFile, "there is no such file" + Suggestion.file(near: place.file))
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw place.error(.notHDF5, "this is a folder, not an HDF5 file")
    }
    guard access(place.file, R_OK) == 0 else {
      throw place.error(.unusableFile, "the file may not be read: \(String(cString: strerror(errno)))")
    }
    if H5Fis_hdf5(place.file) <= 0 {
      H5Eclear2(chdf5_error_stack())
      throw place.error(.notHDF5, "this is not an HDF5 file: \(FirstBytes.of(place.file))")
    }
  }

  private static func openingFailure(at place: Place, _ record: WriteRecord?) -> HDF5Error {
    let failure = place.failure("H5Fopen", .unusableFile, "the file could not be opened")
    let text = failure.stack.joined(separator: "\n")
    func explained(_ kind: HDF5Error.Kind, _ message: String) -> HDF5Error {
      HDF5Error(kind, file: place.file, call: "H5Fopen", stack: failure.stack, message)
    }
    if text.contains("truncated file") || text.contains("eof = ") {
      return explained(.notHDF5, "the file is cut off, its end is missing; copy or make it again")
    }
    if text.contains("lock file") || text.contains("file is already open") || record?.isLocked == true {
      return explained(.unusableFile, lockAdvice)
    }
    if record != nil, access(place.file, W_OK) != 0 {
      return explained(.unusableFile, "the file may not be written: \(String(cString: strerror(errno)))")
    }
    return record?.failure(at: place) ?? failure
  }

  private static func creationFailure(at place: Place, overwriting: Bool, _ record: WriteRecord) -> HDF5Error {
    let failure = place.failure("H5Fcreate", .unusableFile, "the file could not be created")
    func explained(_ kind: HDF5Error.Kind, _ message: String) -> HDF5Error {
      HDF5Error(kind, file: place.file, call: "H5Fcreate", stack: failure.stack, message)
    }
    let folder = Suggestion.folder(of: place.file)
    if access(folder, F_OK) != 0 {
      return explained(.missingFile, "the folder \(folder) does not exist; make it first")
    }
    if access(place.file, F_OK) == 0, !overwriting {
      return explained(
        .alreadyExists, "the file exists already and is not overwritten; remove it or choose another name")
    }
    if record.isLocked { return explained(.unusableFile, lockAdvice) }
    if access(folder, W_OK) != 0 {
      return explained(.unusableFile, "nothing may be written in \(folder): \(String(cString: strerror(errno)))")
    }
    return record.failure(at: place) ?? failure
  }

  private static let lockAdvice =
    "the file could not be locked: another program has it open (close it there), or its file system, often a network"
    + " one, cannot lock (then set HDF5_USE_FILE_LOCKING=FALSE in the environment)"
}
