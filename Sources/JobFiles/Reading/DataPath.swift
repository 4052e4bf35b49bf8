import Foundation
import ImageFiles
import Imaging
import Settings

/// An array to read as a job file writes it, `data/cement.h5:/images`, or several in a row: `Job.location(of:)` says
/// where they are.
public struct DataPath: Hashable, Sendable, CustomStringConvertible {
  /// As written: relative to the job file, or absolute.
  public let paths: [String]

  /// nil when nothing stands before or after the last colon.
  public init?(_ text: String) {
    guard !text.isEmpty, !text.hasSuffix(":"), !ArrayLocation(text).file.isEmpty else { return nil }
    paths = [text]
  }

  public var description: String { paths.joined(separator: ", ") }

  /// Where the arrays are for a job file of the folder.
  func location(in folder: String?) -> ArrayLocation {
    ArrayLocation(joining: paths.map { ArrayLocation($0, in: folder) })
  }
}

extension DataPath: SettingConvertible {
  /// Stands where a path that must be given is not read yet.
  static let none = DataPath(paths: [""])

  /// One path, or a list of them.
  static let kind = SettingDeclaration.Kind.or([.dataPath, .list(of: .dataPath, 1...)])

  private init(paths: [String]) { self.paths = paths }

  public init(settingValue value: SettingValue) throws(SettingError) {
    let texts = value.list.map { $0.map(\.text) } ?? [value.text]
    let paths = texts.compactMap { $0.flatMap { DataPath($0) } }
    guard !paths.isEmpty, paths.count == texts.count else {
      throw .mismatch(value, "path[:dataset], or a list of them,")
    }
    self.init(paths: paths.flatMap(\.paths))
  }

  /// One path as a text, as it was before there were several.
  public var settingValue: SettingValue { paths.count == 1 ? .text(paths[0]) : .list(paths.map { .text($0) }) }
}
