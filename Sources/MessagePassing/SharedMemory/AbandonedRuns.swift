import Glibc

/// What runs of this user leave behind on this node when their `mpirun` is killed by SIGKILL: Open MPI 4's shared memory
/// segments (`/dev/shm/vader_segment.HOST.…`) and the folder of the session (`/tmp/ompi.HOST.UID/pid.PID`).
///
/// A session's folder names the process of its `mpirun`, and `contact.txt` within it the number that its segments have in
/// their names. Both are removed when all of this holds: they belong to this user; the `mpirun` does not live any more;
/// no living process has one of the files open or mapped. Where processes cannot be seen (no `/proc`), nothing is.
struct AbandonedRuns {
  /// The folders that sessions may lie in.
  var temporaryFolders: [String]
  /// The folders that segments may lie in.
  var segmentFolders: [String]
  /// The node's name, as it is in the names of files.
  var host: String
  /// The user whose files are looked at.
  var user = geteuid()
  /// Whether a process of this number lives.
  var isAlive: (_ process: Int) -> Bool = isLivingProcess
  /// The files that living processes have open or mapped; nil when that cannot be told.
  var filesInUse: () -> Set<String>? = pathsInUse

  /// One session whose `mpirun` is dead.
  private struct Session {
    let folder: String
    var segments: [String] = []
  }

  /// Removes what is nobody's, and returns the paths.
  ///
  /// - Complexity: a listing of some folders; only when a session's `mpirun` is dead, also one of all processes.
  func remove() -> [String] {
    let sessions = deadSessions()
    guard !sessions.isEmpty, let used = filesInUse() else { return [] }
    var removed: [String] = []
    for session in sessions {
      let isUsed = used.contains { $0.hasPrefix(session.folder + "/") || session.segments.contains($0) }
      guard !isUsed else { continue }
      removed += session.segments.filter { unlink($0) == 0 }
      if Self.removeFolder(session.folder) { removed.append(session.folder) }
    }
    return removed
  }

  /// The sessions with their segments. Segments are listed before any process is looked at: one that is made later cannot be
  /// taken for nobody's.
  private func deadSessions() -> [Session] {
    var result: [Session] = []
    for temporary in temporaryFolders {
      let top = "\(temporary)/ompi.\(host).\(user)"
      guard isOwn(top, S_IFDIR) else { continue }
      for name in Self.entries(of: top) {
        let folder = "\(top)/\(name)"
        guard let process = Self.process(of: folder), isOwn(folder, S_IFDIR), !isAlive(process) else { continue }
        var session = Session(folder: folder)
        if let contact = Self.text(of: "\(folder)/contact.txt"), let job = UInt32(contact.prefix { $0.isNumber }) {
          session.segments = segments(ofFamily: job >> 16)
        }
        result.append(session)
      }
    }
    return result
  }

  /// The segments of all jobs that one `mpirun` started: the upper half of their numbers is the same.
  private func segments(ofFamily family: UInt32) -> [String] {
    var result: [String] = []
    for folder in segmentFolders {
      for name in Self.entries(of: folder) {
        // vader_segment.HOST.UID.JOB.RANK; windows: osc_sm.HOST.JOB.RANK.NUMBER.
        let vader = "vader_segment.\(host).\(user)."
        let window = "osc_sm.\(host)."
        guard let prefix = [vader, window].first(where: name.hasPrefix),
          let job = UInt32(name.dropFirst(prefix.count).prefix { $0 != "." }, radix: 16), job >> 16 == family,
          isOwn("\(folder)/\(name)", S_IFREG)
        else { continue }
        result.append("\(folder)/\(name)")
      }
    }
    return result
  }

  /// Whether the user owns a file of this kind there; false of links.
  private func isOwn(_ path: String, _ kind: mode_t) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == kind && status.st_uid == user
  }

  /// The number of the `mpirun` in the name of a session's folder.
  private static func process(of folder: String) -> Int? {
    let name = folder.split(separator: "/").last ?? ""
    return name.hasPrefix("pid.") ? Int(name.dropFirst(4)) : nil
  }
}

extension AbandonedRuns {
  /// Where Open MPI keeps sessions and segments on this node, as its environment variables say.
  static func here() -> AbandonedRuns {
    var name = [CChar](repeating: 0, count: 256)
    let isNamed = gethostname(&name, name.count - 1) == 0
    let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    func folders(_ names: [String], _ standard: String) -> [String] {
      var result = [standard]
      for folder in names.compactMap(ProcessEnvironment.variable) where !result.contains(folder) {
        result.append(folder)
      }
      return result
    }
    return AbandonedRuns(
      temporaryFolders: isNamed ? folders(["OMPI_MCA_orte_tmpdir_base", "TMPDIR", "TEMP", "TMP"], "/tmp") : [],
      segmentFolders: folders(
        ["OMPI_MCA_btl_vader_backing_directory", "OMPI_MCA_osc_sm_backing_directory"], "/dev/shm"),
      host: String(host.prefix { $0 != "." }))
  }

  /// Whether a process of this number lives (not as a zombie). It may have got the number of an `mpirun` that is gone: then
  /// the session is left alone.
  private static func isLivingProcess(_ process: Int) -> Bool {
    guard let status = text(of: "/proc/\(process)/stat") else { return false }
    return !(status.split(separator: ")").last ?? "").hasPrefix(" Z")
  }

  /// The files that processes have open or mapped, as far as this user may look.
  private static func pathsInUse() -> Set<String>? {
    guard text(of: "/proc/self/maps") != nil else { return nil }
    var result: Set<String> = []
    for process in entries(of: "/proc") where process.allSatisfy(\.isNumber) {
      // First what is open, then what is mapped: a file may be closed after it was mapped.
      for number in entries(of: "/proc/\(process)/fd") {
        var target = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/\(process)/fd/\(number)", &target, target.count)
        if length > 0 { result.insert(path(target.prefix(length).map { UInt8(bitPattern: $0) })) }
      }
      for line in (text(of: "/proc/\(process)/maps") ?? "").utf8.split(separator: UInt8(ascii: "\n")) {
        if let start = line.firstIndex(of: UInt8(ascii: "/")) { result.insert(path(line[start...])) }
      }
    }
    return result
  }

  private static func path(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

  /// The names in a folder; none when it cannot be read.
  private static func entries(of folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var result: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { result.append(name) }
    }
    return result
  }

  /// The text of a file; nil when it cannot be read.
  private static func text(of path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return ferror(file) == 0 ? String(decoding: bytes, as: UTF8.self) : nil
  }

  /// Removes a folder and all within; links are removed, not followed.
  private static func removeFolder(_ folder: String) -> Bool {
    for name in entries(of: folder) {
      let path = "\(folder)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR { _ = removeFolder(path) } else { unlink(path) }
    }
    return rmdir(folder) == 0
  }
}

extension MPI {
  /// Removes what this user's runs left on this node when their `mpirun` was killed: shared memory and session folders of
  /// Open MPI 4 that no living process uses. Does nothing when there is none. Needs no MPI; call it before
  /// `initialize()`, which needs the space.
  ///
  /// - Returns: the paths of files and folders removed.
  @discardableResult
  public static func removeAbandonedRuns() -> [String] { AbandonedRuns.here().remove() }
}
