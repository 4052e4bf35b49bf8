import Foundation
import Synchronization

/// The file beside the results that keeps what is said: on rank 0 everything, on others what they say for themselves.
enum LogFile {
  private struct State {
    var path: String?
    /// Of other ranks than the first, before their lines.
    var prefix = ""
    /// Opened when there is something to write.
    var file: FileHandle?
    var hasFailed = false
  }

  private static let state = Mutex(State())

  /// Where it is; nil: nothing is kept.
  static var path: String? { state.withLock { $0.path } }

  /// Names the file to append to. One that cannot be opened keeps nothing.
  ///
  /// - Parameters:
  ///   - rank: that of this process. The first one notes the command.
  ///   - earlier: what was said before there was a file.
  static func open(_ path: String, rank: Int, earlier: [String]) {
    state.withLock { ($0.path, $0.prefix) = (path, rank == 0 ? "" : "rank \(rank): ") }
    if rank == 0 {
      write("— " + CommandLine.arguments.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " "))
    }
    for text in earlier { write(text) }
  }

  /// Adds lines, each with the time.
  ///
  /// Ranks on several hosts write to the file: a lock keeps one from writing where another does, as file systems of a
  /// network do not see to that. Where no lock can be had it is written without.
  static func write(_ text: String) {
    state.withLock { state in
      guard let path = state.path, !state.hasFailed else { return }
      if state.file == nil {
        let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        state.hasFailed = descriptor < 0
        if descriptor >= 0 { state.file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true) }
      }
      guard let file = state.file else { return }
      let stamp = Date().formatted(.iso8601)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
        "\(stamp)  \(state.prefix)\($0)\n"
      }
      let isLocked = lock(file.fileDescriptor)
      // What cannot be written is not kept.
      try? file.write(contentsOf: Data(lines.joined().utf8))
      if isLocked { _ = lockf(start(of: file.fileDescriptor), F_ULOCK, 0) }
    }
  }

  /// Locks the whole of a file; false where another rank holds it for long, or there are no locks.
  private static func lock(_ descriptor: CInt) -> Bool {
    for _ in 0..<50 {
      if lockf(start(of: descriptor), F_TLOCK, 0) == 0 { return true }
      guard errno == EAGAIN || errno == EACCES else { return false }
      usleep(2000)
    }
    return false
  }

  /// The same file at its beginning, where locks are to begin; what is written is appended all the same.
  private static func start(of descriptor: CInt) -> CInt {
    lseek(descriptor, 0, SEEK_SET)
    return descriptor
  }
}
