import Foundation

/// Keeps two runs from working on the same results at once: a file beside them, for as long as one works.
///
/// Its owner holds an advisory lock on it (`flock`), which the system releases however the process ends. A file that a
/// dead process of this host left behind is therefore taken over.
final class RunLock {
  /// Who works, as the file says it.
  private struct Owner: Codable {
    var process: Int32
    var host: String
    var since: String
  }

  private let path: String
  private let descriptor: Int32
  /// Whether a process that ended without removing the file had it before.
  let wasLeftBehind: Bool

  /// Where the lock of some results stands.
  static func path(of results: String) -> String { results + ".lock" }

  /// Takes the lock of the results at a path, in a folder that exists.
  ///
  /// - Parameter members: lock these alone, so that several runs train some of them each; while one works on all of the
  ///   results, none begins.
  /// - Throws: `RunError.locked` when another process has it, `RunError.file` when the file cannot be written.
  convenience init(of results: String, members: ClosedRange<Int>?) throws(RunError) {
    if let members {
      try RunLock(of: results).release()
      try self.init(of: results + ".members-\(members.lowerBound)-\(members.upperBound)")
    } else {
      try self.init(of: results)
    }
  }

  /// Takes the lock of the results at a path, in a folder that exists.
  ///
  /// - Throws: `RunError.locked` when another process has it, `RunError.file` when the file cannot be written.
  init(of results: String) throws(RunError) {
    path = Self.path(of: results)
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw Self.failure(path) }
      let isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0
      let isBusy = !isLocked && errno == EWOULDBLOCK
      // Between opening and locking its owner may have removed the file: then another one is the lock.
      guard isBusy || Self.isFile(descriptor, at: path) else {
        _ = close(descriptor)
        continue
      }
      let owner = Self.owner(of: descriptor)
      // Without advisory locks, and on another host, there is only the file's word.
      let isAlive = owner.map { $0.host != Self.host || !isLocked && kill($0.process, 0) == 0 } ?? false
      if isBusy || isAlive {
        _ = close(descriptor)
        throw .locked(
          path, process: owner?.process, host: owner?.host, since: owner?.since,
          isHere: owner?.host ?? Self.host == Self.host)
      }
      let own = Owner(process: getpid(), host: Self.host, since: ISO8601DateFormatter().string(from: Date()))
      let bytes = Array((try? JSONEncoder().encode(own)) ?? Data())
      guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
        let failure = Self.failure(path)
        _ = unlink(path)
        _ = close(descriptor)
        throw failure
      }
      self.descriptor = descriptor
      wasLeftBehind = owner != nil
      return
    }
  }

  /// Removes the file.
  func release() {
    if Self.isFile(descriptor, at: path) { _ = unlink(path) }
    _ = close(descriptor)
  }

  private static var host: String { ProcessInfo.processInfo.hostName }

  private static func isFile(_ descriptor: Int32, at path: String) -> Bool {
    var (own, named) = (stat(), stat())
    return fstat(descriptor, &own) == 0 && stat(path, &named) == 0 && own.st_dev == named.st_dev
      && own.st_ino == named.st_ino
  }

  private static func owner(of descriptor: Int32) -> Owner? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    return try? JSONDecoder().decode(Owner.self, from: Data(bytes.prefix(count)))
  }

  private static func failure(_ path: String) -> RunError {
    .file(path, action: "written", reason: String(cString: strerror(errno)))
  }
}
