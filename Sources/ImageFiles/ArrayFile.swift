import HDF5
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Files of any known format.
public enum ArrayFile {
  /// Bytes of unpacked chunks of an HDF5 dataset with filters that are held in memory, so that a chunk that neighbouring
  /// tiles share is unpacked once.
  /// It holds for the whole process, and for datasets that are opened from then on.
  public static var cacheBytes: Int {
    get { storedCacheBytes.load(ordering: .relaxed) }
    set { storedCacheBytes.store(newValue, ordering: .relaxed) }
  }
  private static let storedCacheBytes = Atomic(64 << 20)

  /// The threads that unpack chunks of OME-Zarr and blocks of TIFF files; the same numbers are read on any number. It holds for
  /// the whole process.
  public static var threads: Int {
    get { storedThreads.load(ordering: .relaxed) }
    set { storedThreads.store(newValue, ordering: .relaxed) }
  }
  private static let storedThreads = Atomic(1)

  /// Opens the array at a location, or the only one of its file. The format is told by the file's content. Arrays of
  /// locations that are joined follow each other along their first axis.
  ///
  /// - Returns: the array, and its location with the dataset's name.
  /// - Throws: `ImageFileError`; `HDF5Error` of HDF5 files and of files that do not exist.
  public static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    guard location.others.isEmpty else {
      let parts = try openEach(location)
      let joined = ArrayLocation(joining: parts.map(\.0))
      return (joined, try JoinedArray(parts.map(\.1), at: joined))
    }
    if let files = try series(location) {
      return (location, try sliced(try FileSeries(try OpenFiles(files)), location))
    }
    let (found, array) = try openOne(location)
    return (found, try sliced(array, found))
  }

  /// Opens the arrays of joined locations one by one, and those of files that a folder or pattern means where they
  /// differ in shape or type. Of many files, one at a time is open.
  ///
  /// - Returns: each with its location. An array of a folder or pattern has a first axis of images, of one element where
  ///   the files differ.
  /// - Throws: as `open(_:)`.
  public static func openEach(_ location: ArrayLocation) throws -> [(ArrayLocation, any StoredArray)] {
    let all = location.all
    let folders = try all.map { try series($0) }
    guard all.count > 1 || folders[0] != nil else { return [try open(location)] }
    // Single files of the list are opened together.
    let files = try OpenFiles(all.indices.filter { folders[$0] == nil }.map { all[$0] })
    var next = 0
    return try all.indices.flatMap { index -> [(ArrayLocation, any StoredArray)] in
      guard let names = folders[index] else {
        defer { next += 1 }
        return [(files.locations[next], try sliced(FileOfMany(files, next), files.locations[next]))]
      }
      let files = try OpenFiles(names)
      guard !files.areAlike, all[index].slices == nil else {
        return [(all[index], try sliced(try FileSeries(files), all[index]))]
      }
      return files.locations.indices.map { (files.locations[$0], files.image($0)) }
    }
  }

  /// The part of an array that its location means.
  private static func sliced(_ array: any StoredArray, _ location: ArrayLocation) throws -> any StoredArray {
    try checkSize(array.shape, of: location)
    return try location.slices.map { try SlicedArray(array, $0, of: location) } ?? array
  }

  /// The files that a location means, of which there may be many, as paths.
  public static func files(of location: ArrayLocation) -> [String] {
    location.all.flatMap { one in ((try? series(one)) ?? nil)?.map(\.file) ?? [one.file] }
  }

  /// What is to be said of the folders and patterns in a location whose files have gaps in their numbers: a line each.
  public static func gaps(in location: ArrayLocation) -> [String] {
    location.all.compactMap { one in
      let files = (try? series(one)) ?? nil
      return files.flatMap { FileNames.noteOfGaps(in: $0.map(\.name)) }.map { "\(one.name): \($0)." }
    }
  }

  /// Whether a location means several files, or a folder that is an image: a folder of slices, a pattern, a Zarr folder.
  public static func isSeries(_ location: ArrayLocation) -> Bool {
    let isImage =
      FileBytes.isFolder(location.file) && ImageFormats.all.contains { $0.recognizes([], path: location.file) }
    return isImage || (try? series(location)) ?? nil != nil
  }

  /// Opens the array of one file, all of it.
  static func openOne(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    try format(of: location).open(location)
  }

  /// The files of a folder of slices, or those that a pattern means; nil of one file.
  ///
  /// - Throws: `ImageFileError` when there are none.
  private static func series(_ location: ArrayLocation) throws(ImageFileError) -> [ArrayLocation]? {
    let path = location.file
    var files: [String]
    if FileBytes.isFolder(path) {
      if ImageFormats.all.contains(where: { $0.recognizes([], path: path) }) { return nil }
      let endings: Set<Substring> = ["tif", "tiff", "png", "npy", "mrc", "nii"]
      let names = FileNames.inFolder(path)
      let ending = names.lazy.compactMap { $0.lowercased().split(separator: ".").last }.first { endings.contains($0) }
      files = names.filter { $0.lowercased().split(separator: ".").last == ending }.map { "\(path)/\($0)" }
      guard ending != nil else {
        throw ImageFileError(
          .missing, location.name, "is a folder without images; name a file, or a pattern such as *.tif")
      }
    } else if path.contains(where: { "*?[".contains($0) }), try FileBytes.head(of: path) == nil {
      files = FileNames.matching(path)
      guard !files.isEmpty else { throw ImageFileError(.missing, location.name, "is a pattern that no file fits") }
    } else {
      return nil
    }
    // Messages name files as the location does.
    let hidden = path.hasSuffix(location.name) ? path.count - location.name.count : 0
    return files.map {
      ArrayLocation(file: $0, dataset: location.dataset, name: String($0.dropFirst(hidden)))
    }
  }

  /// The names of the arrays of numbers in a file; nil when its format holds one without a name.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error`.
  public static func arrays(in location: ArrayLocation) throws -> [String]? {
    try format(of: location).arrays(in: location)
  }

  /// The format of a file, by its content.
  ///
  /// - Throws: `HDF5Error` when there is no such file; `ImageFileError` when it is of no known format.
  static func format(of location: ArrayLocation) throws -> any ImageFormat.Type {
    let head = try FileBytes.head(of: location.file)
    guard let head else { return HDF5Format.self }  // Its error looks for names nearby.
    if let format = ImageFormats.all.first(where: { $0.recognizes(head, path: location.file) }) { return format }
    let ending = location.file.split(separator: "/").last?.split(separator: ".").dropFirst().last?.lowercased() ?? ""
    if ["", "h5", "hdf5", "hdf", "nxs", "he5", "nx5"].contains(ending) { return HDF5Format.self }
    throw unknown(head, location)
  }

  private static func unknown(_ head: [UInt8], _ location: ArrayLocation) -> ImageFileError {
    let known: [([UInt8], String)] = [
      (
        [0xFF, 0xD8, 0xFF],
        "a JPEG image, which has lost what its compression dropped; use the original, or convert it to PNG"
      ),
      (Array("PK".utf8), "a ZIP archive (as .npz is); write its arrays as .npy (numpy.save) or HDF5"),
      (Array("version ".utf8), "a Git LFS pointer, whose content was not fetched (git lfs pull)"),
      (Array("BM".utf8), "a BMP image; convert it to PNG or TIFF"),
      (Array("DDDD".utf8), "an unknown format"),
    ]
    let what =
      head.isEmpty
      ? "is empty" : known.first { head.starts(with: $0.0) }.map { "is \($0.1)" } ?? "is of no known format"
    let names = ImageFormats.all.map { $0.name }.joined(separator: ", ")
    return ImageFileError(.unknownFormat, location.name, "\(what); formats that are read: \(names)")
  }

  /// Throws when an array claims a petabyte or more, as a damaged file may.
  private static func checkSize(_ shape: [Int], of location: ArrayLocation) throws(ImageFileError) {
    var bytes = 8
    for extent in shape {
      let (product, overflows) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflows, product < 1 << 50 else {
        throw ImageFileError(
          .wrongShape, location, "has shape \(shape), which is a petabyte or more; is the file damaged?")
      }
      bytes = product
    }
  }
}
