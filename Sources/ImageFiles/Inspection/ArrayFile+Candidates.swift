import Foundation

extension ArrayFile {
  /// What a user may mean by a location: the location itself, or of a folder that is not one series of images the files in
  /// it that are read. Files whose names differ in their last number are one, by a pattern.
  ///
  /// - Throws: `ImageFileError` of a folder without such files.
  public static func candidates(at location: ArrayLocation) throws -> [ArrayLocation] {
    let folder = location.file
    guard location.others.isEmpty, location.dataset == nil, FileBytes.isFolder(folder),
      !ImageFormats.all.contains(where: { $0.recognizes([], path: folder) })
    else { return [location] }
    let names = FileNames.natural((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
      !$0.hasPrefix(".") && isRead("\(folder)/\($0)")
    }
    let groups = FileNames.series(names)
    guard groups.count > 1 || !isImages(location) else { return [location] }
    // Names without numbers are one set of images when all are alike.
    if groups.allSatisfy({ $0.count == 1 }), files(of: location).count == names.count, isImages(location) {
      return [location]
    }
    guard !groups.isEmpty else { return [location] }
    return groups.flatMap { group -> [ArrayLocation] in
      func at(_ name: String) -> ArrayLocation {
        ArrayLocation(
          file: "\(folder)/\(name)", dataset: nil, name: "\(location.name)/\(name)", slices: location.slices)
      }
      guard group.count > 1, let pattern = FileNames.pattern(of: group),
        FileNames.matching("\(folder)/\(pattern)").count == group.count, (try? open(at(pattern))) != nil
      else { return group.map(at) }
      return [at(pattern)]
    }
  }

  /// Whether a file, or a folder that is one image, is of a format that is read.
  private static func isRead(_ path: String) -> Bool {
    let head = FileBytes.isFolder(path) ? [] : (try? FileBytes.head(of: path)) ?? nil
    return head.map { head in ImageFormats.all.contains { $0.recognizes(head, path: path) } } ?? false
  }

  /// Whether a folder is read as images in a row, each of two dimensions.
  private static func isImages(_ folder: ArrayLocation) -> Bool {
    guard let array = try? open(folder).1 else { return false }
    let axes = array.facts.shape.count - (array.facts.axes?.contains("c") == true ? 1 : 0)
    return axes <= 3
  }
}
