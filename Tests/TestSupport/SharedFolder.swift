import Foundation
import MessagePassing

/// A folder that all ranks of a communicator write into.
public enum SharedFolder {
  /// Runs `body` on all ranks with one fresh folder, which is removed afterwards. Collective.
  public static func with<Result>(_ ranks: Communicator, _ body: (String) throws -> Result) throws -> Result {
    let own = FileManager.default.temporaryDirectory.appendingPathComponent("tutti-\(UUID().uuidString)").path
    let folder = try ranks.broadcast(own, from: 0)
    try ranks.agree {
      if ranks.rank == 0 { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    }
    // A rank that fails tells the others here, which else would wait for it.
    let result = Swift.Result { try body(folder) }
    let agreed = Swift.Result { try ranks.agree(result) }
    if ranks.rank == 0 { try FileManager.default.removeItem(atPath: folder) }
    return try agreed.get()
  }
}
