/// A format of files that hold arrays. To add one, write a file with a type that conforms, and name it in `all`.
protocol ImageFormat {
  /// The name, as in "a TIFF file".
  static var name: String { get }

  /// Whether the file is of this format, by its content.
  ///
  /// - Parameter head: the first bytes, 1024 of them or all; empty of a folder.
  static func recognizes(_ head: [UInt8], path: String) -> Bool

  /// Opens the array that the location names, or the only one; its slices are not looked at.
  ///
  /// - Returns: the array, and its location with the array's name in the file.
  /// - Throws: `ImageFileError`, `HDF5Error`.
  static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray)

  /// The names of the arrays of numbers in a file; nil when its format holds only one, without a name.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error`.
  static func arrays(in location: ArrayLocation) throws -> [String]?
}

extension ImageFormat {
  static func arrays(in location: ArrayLocation) throws -> [String]? { nil }

  /// Throws when a dataset is named in a file that holds one array only.
  static func requireNoDataset(_ location: ArrayLocation) throws(ImageFileError) {
    guard let dataset = location.dataset else { return }
    throw ImageFileError(
      .notNamed, location.name, "is a \(name) file, which holds one array without a name; leave out ‘:\(dataset)’")
  }
}

/// Every format that is read.
enum ImageFormats {
  static var all: [any ImageFormat.Type] {
    [
      HDF5Format.self,
      TIFFFormat.self,
      NPYFormat.self,
      MRCFormat.self,
      NIfTIFormat.self,
      PNGFormat.self,
      ZarrFormat.self,
    ]
  }
}
