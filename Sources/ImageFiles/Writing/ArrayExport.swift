import Host

/// Writes arrays as files of other formats.
public enum ArrayExport {
  /// Who writes: several ranks, each its share, where the format allows it; and whether numbers are packed.
  public struct Share: Sendable {
    /// This rank.
    public var rank = 0
    /// The number of ranks.
    public var count = 1
    /// Whether chunks of OME-Zarr are packed with zstd, where the program was built with it.
    public var isPacked = true

    /// The share of a rank.
    public init(rank: Int = 0, count: Int = 1, isPacked: Bool = true) {
      (self.rank, self.count, self.isPacked) = (rank, count, isPacked && Packing.hasZstd)
    }
  }

  /// Every format that is written. To add one, write a file with a type that conforms, and name it here; the first that
  /// knows the path's ending writes.
  private static var writers: [any ArrayWriter.Type] {
    [
      OMETIFFWriter.self, TIFFWriter.self, NPYWriter.self, MRCWriter.self, NIfTIWriter.self, ZarrWriter.self,
      PNGWriter.self,
    ]
  }

  /// Whether all ranks write files of this ending; else the first does.
  public static func isShared(_ path: String) -> Bool { ZarrWriter.writes(path) }

  /// Writes an array to a file whose ending tells the format: `.tif`, `.ome.tif`, `.npy`, `.mrc`, `.nii`, `.nii.gz`,
  /// `.zarr`, or PNG files of a pattern such as `slices/%04d.png`.
  ///
  /// Under its own name a file is always whole; `finish` gives it this name.
  ///
  /// - Parameter name: what the array is called in the file.
  /// - Returns: what is to be told, such as how numbers were scaled.
  /// - Throws: `ImageFileError`, `HDF5Error`, `FileError`.
  public static func write(
    _ array: any StoredArray, named name: String, to path: String, share: Share = Share()
  ) throws -> [String] {
    let writer = try writer(of: path)
    let exported = try ExportedArray(array, name: name, order: writer.order, of: writer.name)
    return try writer.write(exported, to: path, share)
  }

  /// Removes what an earlier writing of a file that all ranks write left unfinished. One rank does it before all write.
  ///
  /// - Throws: `ImageFileError`.
  public static func begin(_ path: String) throws {
    if ZarrWriter.writes(path) { try ZarrWriter.begin(path) }
  }

  /// Writes several images into one OME-Zarr folder: of each its scales, of labels what they mean.
  ///
  /// - Parameter about: texts that the folder's attribute `tutti` has.
  /// - Throws: `ImageFileError`, `HDF5Error`, `FileError`.
  public static func write(
    _ parts: [ZarrPart], about: [String: String], to path: String, share: Share = Share()
  ) throws {
    try ZarrWriter.write(parts, about: about, to: path, share)
  }

  /// The texts that `write(_:about:to:share:)` gave an OME-Zarr folder; nil when there is none.
  public static func about(_ path: String) -> [String: String]? {
    guard FileBytes.isFolder(path), let node = try? ZarrNode(path, "", ArrayLocation(path)) else { return nil }
    return node.attributes["tutti"] as? [String: String]
  }

  /// Gives a file that all ranks wrote its name, in place of another; nothing of others. One rank does it after all have
  /// written.
  ///
  /// - Throws: `ImageFileError`.
  public static func finish(_ path: String) throws {
    if ZarrWriter.writes(path) { try ZarrWriter.finish(path) }
  }

  private static func writer(of path: String) throws(ImageFileError) -> any ArrayWriter.Type {
    if let writer = writers.first(where: { $0.writes(path) }) { return writer }
    throw ImageFileError(
      .unsupported, path,
      "has an ending that is not known; write .tif, .ome.tif, .npy, .mrc, .nii, .nii.gz, .zarr or a pattern such as "
        + "slices/%04d.png")
  }
}

/// A format of files that are written.
protocol ArrayWriter {
  /// The name, as in "a TIFF file".
  static var name: String { get }
  /// The axes that a file may have, the slowest first.
  static var order: String { get }
  /// Whether a path's ending is this format's.
  static func writes(_ path: String) -> Bool
  /// Writes an array; what is returned is told to the user.
  static func write(_ array: ExportedArray, to path: String, _ share: ArrayExport.Share) throws -> [String]
}
