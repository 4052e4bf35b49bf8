import Foundation

/// A file and, where it holds several, the dataset in it: `data/cement.h5:/images`.
public struct DataPath: Hashable, Sendable, CustomStringConvertible {
  /// As written: relative to the job file, or absolute.
  public var file: String
  public var dataset: String?

  public init(file: String, dataset: String? = nil) {
    self.file = file
    self.dataset = dataset
  }

  /// Splits `path[:dataset]` at its last colon; nil when nothing stands before or after that.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else {
      guard !text.isEmpty else { return nil }
      self.init(file: text)
      return
    }
    let dataset = text[text.index(after: colon)...]
    guard colon > text.startIndex, !dataset.isEmpty else { return nil }
    self.init(file: String(text[..<colon]), dataset: String(dataset))
  }

  public var description: String { dataset.map { "\(file):\($0)" } ?? file }
}

extension DataPath: Codable {
  public init(from decoder: Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let path = DataPath(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "‘\(text)’ is not path[:dataset]")
    }
    self = path
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Job {
  /// Where the file of a path is: relative paths start at the job file's folder.
  public func location(of path: DataPath) -> String { Self.location(of: path.file, in: folder) }

  /// Where the results file is.
  public var outputFile: String { Self.location(of: output, in: folder) }

  static func location(of path: String, in folder: String?) -> String {
    guard let folder, !path.hasPrefix("/") else { return path }
    return URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: folder, isDirectory: true))
      .standardizedFileURL.path
  }
}
