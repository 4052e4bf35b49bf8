import CHDF5

extension File {
  /// Creates a file in memory, whose bytes `image()` returns (`H5Pset_fapl_core`).
  ///
  /// - Parameter name: its name in errors.
  /// - Throws: `HDF5Error` when the library cannot.
  public convenience init(creatingImage name: String = "image in memory") throws {
    let place = Place(file: name)
    let context = try Library.locked {
      try Library.open()
      let access = try Self.coreList(at: place)
      let creation = try Self.creationList(at: place)
      let file = try place.own(
        H5Fcreate(Self.ownName(name), chdf5_truncate(), creation.raw, access.raw), .file, "H5Fcreate",
        "make a file in memory")
      try place.check(
        H5Fset_libver_bounds(file.raw, H5F_LIBVER_V18, H5F_LIBVER_V110), "H5Fset_libver_bounds", "choose a file format")
      return try FileContext(name: name, file: file)
    }
    try self.init(context: context)
  }

  /// Opens the bytes of a file for reading; they are copied (`H5Pset_file_image`).
  ///
  /// - Parameter name: its name in errors.
  /// - Throws: `HDF5Error` of kind `notHDF5`.
  public convenience init(image: [UInt8], name: String = "image in memory") throws {
    let place = Place(file: name)
    guard !image.isEmpty else { throw place.error(.notHDF5, "the image is empty") }
    let context = try Library.locked {
      try Library.open()
      let access = try Self.coreList(at: place)
      // The library copies the bytes and does not change them, though it asks for a mutable pointer.
      let code = image.withUnsafeBytes { bytes in
        H5Pset_file_image(access.raw, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
      }
      try place.check(code, "H5Pset_file_image", "take the image")
      let raw = H5Fopen(Self.ownName(name), chdf5_read_only(), access.raw)
      guard raw >= 0 else {
        throw place.failure("H5Fopen", .notHDF5, "these \(image.count) bytes are not a whole HDF5 file")
      }
      return try FileContext(name: name, file: Identifier(raw, .file))
    }
    try self.init(context: context)
  }

  /// The bytes of the whole file (`H5Fget_file_image`).
  ///
  /// - Parameter front: zeros to put before them.
  /// - Throws: `HDF5Error` when the file is closed or memory is short.
  public func image(after front: Int = 0) throws -> [UInt8] {
    try Library.locked {
      try flush()
      let place = Place(file: name)
      let file = try context.open()
      let size = try place.check(H5Fget_file_image(file.raw, nil, 0), "H5Fget_file_image", "measure the file")
      return try [UInt8](unsafeUninitializedCapacity: front + size) { buffer, count in
        buffer[..<front].initialize(repeating: 0)
        let target = buffer.baseAddress.map { $0 + front }
        count =
          front + (try place.check(H5Fget_file_image(file.raw, target, size), "H5Fget_file_image", "copy the file"))
      }
    }
  }

  private static func coreList(at place: Place) throws -> Identifier {
    let list = try accessList(at: place)
    // `H5Fget_file_image` clears a flag in the superblock, whose newer forms hold a checksum that this breaks: so
    // the superblock has the oldest form. The contents need not.
    try place.check(
      H5Pset_libver_bounds(list.raw, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110), "H5Pset_libver_bounds",
      "choose a file format")
    // Memory grows in steps of 1 MB; nothing is written to disk.
    try place.check(H5Pset_fapl_core(list.raw, 1 << 20, false), "H5Pset_fapl_core", "keep the file in memory")
    return list
  }

  /// A unique name: the library takes files in memory of equal names for one file.
  private static func ownName(_ name: String) -> String {
    Library.locked {
      made += 1
      return "\(name)#\(made)"
    }
  }
  nonisolated(unsafe) private static var made = 0
}
