#if canImport(Glibc)
  import Glibc
#endif

/// Where an array is: a file, and a dataset in it.
public struct ArrayLocation: Hashable, Sendable {
  /// The path that is opened.
  public let file: String
  /// The dataset's path within the file; `nil` when the file has only one.
  public let dataset: String?
  /// The file as messages name it.
  public let name: String

  /// A location whose file is shown as `name`, or as its path.
  public init(file: String, dataset: String?, name: String? = nil) {
    self.file = file
    self.dataset = dataset
    self.name = name ?? file
  }

  /// The location that a text `path[:dataset]` names, such as `data/cement.h5:/images`.
  ///
  /// Names may hold colons too. The path is then the longest one at which there is a file; where there is none, what
  /// stands before the first `:/`, or else before the last colon.
  ///
  /// - Parameter folder: what a relative path is relative to; the working directory when `nil`.
  public init(_ text: String, in folder: String? = nil) {
    func file(_ path: Substring) -> String {
      if let folder, !path.hasPrefix("/") { "\(folder)/\(path)" } else { String(path) }
    }
    // A colon with something on both sides may part the path from the dataset.
    let colons = text.indices.dropFirst().filter { text[$0] == ":" && text.index(after: $0) < text.endIndex }
    let ends = [text.endIndex] + colons.reversed()
    let usual = colons.first { text[text.index(after: $0)] == "/" } ?? colons.last ?? text.endIndex
    let end = colons.isEmpty ? text.endIndex : ends.first { Self.isFile(file(text[..<$0])) } ?? usual
    let path = text[..<end]
    self.init(
      file: file(path), dataset: end == text.endIndex ? nil : String(text[text.index(after: end)...]),
      name: String(path))
  }

  private static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// The same file with another dataset.
  func dataset(_ dataset: String) -> ArrayLocation { ArrayLocation(file: file, dataset: dataset, name: name) }
}

extension ArrayLocation: CustomStringConvertible {
  public var description: String { dataset.map { "\(name):\($0)" } ?? name }
}
