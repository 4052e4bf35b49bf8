import Foundation
import ImageFiles
import Imaging
import Settings

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

extension DataPath: SettingConvertible {
  /// Stands where a path that must be given is not read yet.
  static let none = DataPath(placeholder: "")

  private init(placeholder: String) { description = placeholder }

  public init(settingValue value: SettingValue) throws(SettingError) {
    guard let path = value.text.flatMap({ DataPath($0) }) else { throw .mismatch(value, "path[:dataset]") }
    self = path
  }

  public var settingValue: SettingValue { .text(description) }
}
