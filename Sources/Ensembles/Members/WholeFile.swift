#if canImport(Glibc)
  import Glibc
#endif

/// Files that are written under a temporary name and get their own when they are whole: there never stands half a file.
public enum WholeFile {
  /// The name that a file has beside `path` while it is written.
  public static func temporary(_ path: String) -> String { path + ".part" }

  /// Lets `body` write a file under the temporary name that it is given, and then publishes it; nothing is left when it
  /// fails.
  ///
  /// - Throws: what `body` throws, `MemberFileError`.
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
  public static func publish(_ temporary: String, as path: String) throws(MemberFileError) {
    try flush(temporary, failure: path)
    guard rename(temporary, path) == 0 else { throw failure("renamed from \(temporary)", path) }
    // The folder's entry is flushed too, or a power cut may forget the new name.
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    try flush(folder, failure: path)
  }

  private static func flush(_ name: String, failure path: String) throws(MemberFileError) {
    let descriptor = open(name, O_RDONLY)
    guard descriptor >= 0 else { throw failure("flushed to the disk", path) }
    let code = fsync(descriptor)
    let fault = errno
    _ = close(descriptor)
    // Some file systems cannot flush a folder, and say so.
    guard code == 0 || fault == EINVAL else {
      errno = fault
      throw failure("flushed to the disk", path)
    }
  }

  private static func failure(_ action: String, _ path: String) -> MemberFileError {
    MemberFileError(path: path, problem: "the file could not be \(action): \(String(cString: strerror(errno))).")
  }
}
