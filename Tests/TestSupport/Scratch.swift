import Foundation

/// A folder for one test's files, removed with the object.
public final class Scratch {
  /// Its path.
  public let folder: String

  /// Makes the folder.
  public init() throws {
    folder = NSTemporaryDirectory() + "scratch-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }
}

/// The text of the error that a closure throws; empty when it throws none.
public func messageOfError(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch {
    return "\(error)"
  }
}
