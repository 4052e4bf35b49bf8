import Foundation

/// Where the files of this project are that tests read.
public enum Repository {
  /// The repository's own folder.
  public static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The path of a file or folder below it.
  public static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
}
