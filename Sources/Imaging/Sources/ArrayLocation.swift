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
  /// - Parameter folder: what a relative path is relative to; the working directory when `nil`.
  public init(_ text: String, in folder: String? = nil) {
    var path = text[...]
    var dataset: String?
    if let colon = text.lastIndex(of: ":"), text.index(after: colon) < text.endIndex {
      path = text[..<colon]
      dataset = String(text[text.index(after: colon)...])
    }
    let isRelative = !path.hasPrefix("/")
    let file = if let folder, isRelative { "\(folder)/\(path)" } else { String(path) }
    self.init(file: file, dataset: dataset, name: String(path))
  }

  /// The same file with another dataset.
  func dataset(_ dataset: String) -> ArrayLocation { ArrayLocation(file: file, dataset: dataset, name: name) }
}

extension ArrayLocation: CustomStringConvertible {
  public var description: String { dataset.map { "\(name):\($0)" } ?? name }
}
