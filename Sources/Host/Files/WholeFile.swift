import Glibc

/// Files that are written under a temporary name and renamed when they are complete: under its own name a file is always
/// whole.
public enum WholeFile {
  /// The name that a file has, in the same folder, while it is written.
  public static func temporary(_ path: String) -> String { path + ".part" }

  /// Lets `body` write a file under the temporary name that it is given, then publishes it. When something fails, the
  /// temporary file is removed.
  ///
  /// - Throws: what `body` throws; `FileError`.
  public static func write(_ path: String, _ body: (_ temporary: String) throws -> Void) throws {
    let temporary = temporary(path)
    do {
      try body(temporary)
      try publish(temporary, as: path)
    } catch {
      _ = unlink(temporary)
      throw error
    }
  }

  /// Flushes the file at `temporary` to the disk and renames it to `path`, in the same folder (`fsync`, `rename`).
  ///
  /// - Throws: `FileError`.
  public static func publish(_ temporary: String, as path: String) throws(FileError) {
    try flush(temporary, failure: path)
    guard rename(temporary, path) == 0 else {
      throw FileError(path: path, action: "renamed from \(temporary)", code: errno)
    }
    // The folder's entry is flushed too, or a power cut may forget the new name.
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    try flush(folder, failure: path)
  }

  private static func flush(_ name: String, failure path: String) throws(FileError) {
    func failure(_ code: Int32) -> FileError { FileError(path: path, action: "flushed to the disk", code: code) }
    let descriptor = open(name, O_RDONLY)
    guard descriptor >= 0 else { throw failure(errno) }
    let code = fsync(descriptor) == 0 ? 0 : errno
    // A network's file system may report a failed write only here.
    let closing = close(descriptor) == 0 ? 0 : errno
    // Some file systems cannot flush a folder, and say so.
    guard code == 0 || code == EINVAL else { throw failure(code) }
    guard closing == 0 || closing == EINTR else { throw failure(closing) }
  }
}
