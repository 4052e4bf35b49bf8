import Foundation

/// Keeps two runs from working on the same results at once: a file beside them, for as long as one works.
///
/// Its owner holds an advisory lock on it (`flock`), which the system releases however the process ends. A file that a
/// dead process of this host left behind is therefore taken over.
final class RunLock {
  private let path: String
  private let descriptor: Int32
  /// Whether a process that ended without removing the file had it before.
  let wasLeftBehind: Bool

  /// Where the lock of some results stands.
  static func path(of results: String) -> String { results + ".lock" }

  /// Takes the lock of the results at a path, in a folder that exists.
  ///
  /// - Parameter members: lock these alone, so that several runs train some of them each. A run that works on all of
  ///   the results and one that works on members exclude each other, as do runs that have a member in common.
  /// - Throws: `RunError.locked` when another process has it, `RunError.file` when the file cannot be written.
  convenience init(of results: String, members: ClosedRange<Int>? = nil) throws(RunError) {
    try self.init(path: members.map { Self.path(of: results, $0) } ?? Self.path(of: results))
    // Each takes its own file first and then looks at the others', so that of two at least one sees the other.
    do {
      for other in Self.others(of: results, members) { try Self.requireFree(other, removing: members == nil) }
    } catch {
      release()
      throw error
    }
  }

  private init(path: String) throws(RunError) {
    self.path = path
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw Self.failure(path) }
      let (isLocked, isBusy) = Self.lock(descriptor, LOCK_EX)
      // Between opening and locking its owner may have removed the file: then another one is the lock.
      guard isBusy || Self.isFile(descriptor, at: path) else {
        _ = close(descriptor)
        continue
      }
      let owner = Owner(of: descriptor)
      if isBusy || owner?.isAlive(lockIsFree: isLocked) ?? false {
        _ = close(descriptor)
        throw Self.taken(path, by: owner)
      }
      let bytes = Array((try? JSONEncoder().encode(Owner.current)) ?? Data())
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

  // MARK: Other runs

  private static func path(of results: String, _ members: ClosedRange<Int>) -> String {
    path(of: "\(results).members-\(members.lowerBound)-\(members.upperBound)")
  }

  /// The locks that may not be held beside one: those of members beside that of all results, that of all results and
  /// those with a member in common beside one of members.
  private static func others(of results: String, _ members: ClosedRange<Int>?) -> [String] {
    let folder = RunPaths.folder(of: results)
    let prefix = URL(fileURLWithPath: results).lastPathComponent + ".members-"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let ranges = names.compactMap { name -> ClosedRange<Int>? in
      guard name.hasPrefix(prefix), name.hasSuffix(".lock") else { return nil }
      let bounds = name.dropFirst(prefix.count).dropLast(".lock".count).split(separator: "-").compactMap { Int($0) }
      return bounds.count == 2 && bounds[0] <= bounds[1] ? bounds[0]...bounds[1] : nil
    }
    guard let members else { return ranges.map { path(of: results, $0) } }
    return [path(of: results)] + ranges.filter { $0 != members && $0.overlaps(members) }.map { path(of: results, $0) }
  }

  /// Throws when a process has the lock at a path.
  ///
  /// - Parameter removing: remove the file when nobody has it.
  private static func requireFree(_ path: String, removing: Bool) throws(RunError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return }
      throw failure(path, "read")
    }
    defer { _ = close(descriptor) }
    // Shared, so that two which look at once do not take each other for its owner.
    let (isLocked, isBusy) = lock(descriptor, LOCK_SH)
    let owner = Owner(of: descriptor)
    if isBusy || owner?.isAlive(lockIsFree: isLocked) ?? false { throw taken(path, by: owner) }
    if removing { _ = unlink(path) }
  }

  // MARK: Files

  /// Whether the process has the lock of a file now, and whether another has it; neither where there are no such locks.
  private static func lock(_ descriptor: Int32, _ kind: Int32) -> (isLocked: Bool, isBusy: Bool) {
    let isLocked = flock(descriptor, kind | LOCK_NB) == 0
    return (isLocked, !isLocked && errno == EWOULDBLOCK)
  }

  private static func isFile(_ descriptor: Int32, at path: String) -> Bool {
    var (own, named) = (stat(), stat())
    return fstat(descriptor, &own) == 0 && stat(path, &named) == 0 && own.st_dev == named.st_dev
      && own.st_ino == named.st_ino
  }

  private static func taken(_ path: String, by owner: Owner?) -> RunError {
    .locked(
      path, process: owner?.process, host: owner?.host, since: owner?.since, isHere: owner?.isHere ?? true)
  }

  private static func failure(_ path: String, _ action: String = "written") -> RunError {
    .file(path, action: action, reason: String(cString: strerror(errno)))
  }
}

extension RunLock {
  /// Who works, as the file says it.
  private struct Owner: Codable {
    var process: Int32
    var host: String
    var since: String
    /// The batch system's number of the job, and how often it was put back into the queue; nil outside of one.
    var job: String?
    var restarts: Int?

    /// This process.
    static var current: Owner {
      let environment = ProcessInfo.processInfo.environment
      return Owner(
        process: getpid(), host: ProcessInfo.processInfo.hostName, since: ISO8601DateFormatter().string(from: Date()),
        job: environment["SLURM_JOB_ID"], restarts: environment["SLURM_RESTART_COUNT"].flatMap { Int($0) })
    }

    var isHere: Bool { host == ProcessInfo.processInfo.hostName }

    /// What a file says; nil when it says nothing that can be read.
    init?(of descriptor: Int32) {
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = pread(descriptor, &bytes, bytes.count, 0)
      guard count > 0, let owner = try? JSONDecoder().decode(Owner.self, from: Data(bytes.prefix(count))) else {
        return nil
      }
      self = owner
    }

    private init(process: Int32, host: String, since: String, job: String?, restarts: Int?) {
      (self.process, self.host, self.since) = (process, host, since)
      (self.job, self.restarts) = (job, restarts)
    }

    /// Whether it may work still. On another host there is only the file's word, unless the batch system started this
    /// process after it had ended that one.
    ///
    /// - Parameter lockIsFree: whether the system gave this process the lock, which that one would hold.
    func isAlive(lockIsFree: Bool) -> Bool {
      let current = Owner.current
      if let job, job == current.job, (restarts ?? 0) < (current.restarts ?? 0) { return false }
      return !isHere || !lockIsFree && kill(process, 0) == 0
    }
  }
}
