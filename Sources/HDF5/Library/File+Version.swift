import CHDF5

extension File {
  /// The version of the HDF5 library in use (`H5get_libversion`), such as `1.10.8`.
  ///
  /// - Throws: `HDF5Error` when the library does not tell it.
  public static func libraryVersion() throws -> String {
    try Library.locked {
      try Library.open()
      var version: (major: UInt32, minor: UInt32, release: UInt32) = (0, 0, 0)
      guard H5get_libversion(&version.major, &version.minor, &version.release) >= 0 else {
        throw HDF5Error(.call, file: "", call: "H5get_libversion", "the HDF5 library does not tell its version")
      }
      return "\(version.major).\(version.minor).\(version.release)"
    }
  }
}
