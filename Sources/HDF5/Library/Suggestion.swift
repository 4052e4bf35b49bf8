import Settings

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The part of an error message that suggests a name.
enum Suggestion {
  /// "; did you mean ‘a’?", or the names that are there.
  static func name(near wanted: String, among names: [String]) -> String {
    if let best = Spelling.nearest(to: wanted, among: names) { return "; did you mean ‘\(best)’?" }
    if names.isEmpty { return "; nothing is there" }
    let shown = names.prefix(12).map { "‘\($0)’" }.joined(separator: ", ")
    let rest = names.count > 12 ? " and \(names.count - 12) more" : ""
    return "; what is there: \(shown)\(rest)"
  }

  /// The same for a file, among those in its folder.
  static func file(near path: String) -> String {
    let folder = folder(of: path)
    guard let directory = opendir(folder) else { return "; the folder \(folder) does not exist either" }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    let wanted = path.split(separator: "/").last.map(String.init) ?? path
    return Spelling.nearest(to: wanted, among: names.sorted()).map { "; did you mean ‘\($0)’?" } ?? ""
  }

  /// The folder of a path.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

/// Names the format of a file that is not HDF5, by its first bytes.
enum FirstBytes {
  static func of(_ path: String) -> String {
    guard let file = fopen(path, "rb") else { return "it cannot be read" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 8)
    let count = fread(&bytes, 1, 8, file)
    let known: [(String, [UInt8])] = [
      ("a TIFF image", [0x49, 0x49, 0x2A, 0x00]), ("a TIFF image", [0x4D, 0x4D, 0x00, 0x2A]),
      ("a TIFF image", [0x49, 0x49, 0x2B, 0x00]), ("a PNG image", [0x89, 0x50, 0x4E, 0x47]),
      ("a NumPy array", [0x93, 0x4E, 0x55, 0x4D]), ("a ZIP archive", [0x50, 0x4B, 0x03, 0x04]),
      ("gzip data", [0x1F, 0x8B]), ("a netCDF-3 file", [0x43, 0x44, 0x46]),
      ("a Git LFS pointer, whose content was not fetched", Array("version ".utf8)),
    ]
    if count == 0 { return "it is empty" }
    if let (name, _) = known.first(where: { bytes.starts(with: $0.1) }) { return "it looks like \(name)" }
    return "it does not begin as one"
  }
}
