import Foundation
import Imaging

/// An array to read as a job file writes it, `data/cement.h5:/images`: `Job.location(of:)` says where it is.
public struct DataPath: Hashable, Sendable, CustomStringConvertible {
  /// As written: relative to the job file, or absolute.
  public let description: String

  /// nil when nothing stands before or after the last colon.
  public init?(_ text: String) {
    guard !text.isEmpty, !text.hasSuffix(":"), !ArrayLocation(text).file.isEmpty else { return nil }
    description = text
  }

  /// Where the array is for a job file of the folder.
  func location(in folder: String?) -> ArrayLocation { ArrayLocation(description, in: folder) }
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
