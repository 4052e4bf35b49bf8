#if canImport(Glibc)
  import Glibc
#endif

/// Gives a finished file its name, so that at this name never stands half a file.
public enum WholeFile {
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
