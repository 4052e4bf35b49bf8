import Host
import Synchronization

/// Pieces of a file that are read and unpacked on several threads.
enum Unpacking {
  /// Threads that wait for the next pieces, started at the first.
  private static let team = Mutex<ThreadTeam?>(nil)
  /// Calls `body` once for every piece in 0 ..< `count`, on at most `ArrayFile.threads` threads, and returns when all are done.
  /// The caller does them alone while another thread reads so.
  ///
  /// - Parameters:
  ///   - bytes: what a piece takes in memory; where threads would hold more than `ArrayFile.cacheBytes`, there are fewer.
  ///   - body: runs on several threads at a time.
  /// - Throws: what `body` throws for the first of the pieces that fail.
  static func run(count: Int, bytes: Int, _ body: (Int) throws -> Void) throws {
    let threads = min(ArrayFile.threads, ArrayFile.cacheBytes / max(1, bytes))
    let fault = Mutex<(piece: Int, error: any Error)?>(nil)
    let isDone =
      threads < 2 || count < 2
      ? nil
      : team.withLockIfAvailable { team in
        if team?.size != threads { team = try? ThreadTeam(size: threads) }
        team?.run(count: count) { piece, _ in
          guard fault.withLock({ $0.map { piece < $0.piece } ?? true }) else { return }
          do {
            try body(piece)
          } catch {
            fault.withLock { if $0.map({ piece < $0.piece }) ?? true { $0 = (piece, error) } }
          }
        }
        return team != nil
      }
    guard isDone == true else { return try (0..<count).forEach(body) }
    if let error = fault.withLock({ $0?.error }) { throw error }
  }
}
