extension ArrayFile {
  /// What the array at a location is like; all arrays of a file that holds several, when none is named, and with the image
  /// of an OME-Zarr folder its labels.
  ///
  /// - Parameter preview: where a picture of the middle plane goes, of one array alone; nil: nowhere.
  /// - Throws: `ImageFileError`, `HDF5Error`.
  public static func summaries(of location: ArrayLocation, preview: String? = nil) throws -> [ArraySummary] {
    let found: ArrayLocation
    let array: any StoredArray
    do {
      (found, array) = try open(location)
    } catch let error as ImageFileError where error.kind == .notNamed && location.dataset == nil && preview == nil {
      // Of several files, those of the first.
      let first = ArrayLocation(file: files(of: location).first ?? location.file, dataset: nil, name: location.name)
      guard let names = try arrays(in: first), !names.isEmpty else { throw error }
      return try names.map { name in
        let (found, array) = try open(location.dataset(name))
        return try ArraySummary(found, array)
      }
    }
    let summary = try ArraySummary(found, array)
    if let preview {
      try Preview.write(summary, of: array, to: preview)
      return [summary]
    }
    guard location.dataset == nil, location.slices == nil, location.others.isEmpty, FileBytes.isFolder(location.file),
      ZarrFormat.recognizes([], path: location.file)
    else { return [summary] }
    let labels = try (arrays(in: location) ?? []).filter { $0.hasPrefix("labels/") && $0 != found.dataset }
    return try [summary]
      + labels.map { name in
        let (found, array) = try open(location.dataset(name))
        return try ArraySummary(found, array)
      }
  }
}
