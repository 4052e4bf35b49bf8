import Foundation
import Synchronization

/// The file beside the results that keeps what this process says.
enum LogFile {
  private static let file = Mutex<FileHandle?>(nil)
  private static let pathHeld = Mutex<String?>(nil)

  /// Where it is; nil: nothing is kept.
  static var path: String? { pathHeld.withLock { $0 } }

  /// Opens a file to append to. One that cannot be opened keeps nothing.
  ///
  /// - Parameter earlier: what was said before there was a file.
  static func open(_ path: String, earlier: [String]) {
    let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { return }
    file.withLock { $0 = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true) }
    pathHeld.withLock { $0 = path }
    write("— " + CommandLine.arguments.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " "))
    for text in earlier { write(text) }
  }

  /// Adds lines, each with the time.
  static func write(_ text: String) {
    file.withLock { file in
      guard let file else { return }
      let stamp = Date().formatted(.iso8601)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { "\(stamp)  \($0)\n" }
      // What cannot be written is not kept.
      try? file.write(contentsOf: Data(lines.joined().utf8))
    }
  }
}
