import Glibc

/// A file without a name, for what a process does not keep in memory; it ends with the process.
public final class ScratchFile: @unchecked Sendable {
  /// What messages call it.
  public let path: String
  /// The open file.
  public let descriptor: Int32
  /// Where the next buffer begins.
  private var end = 0

  /// Makes a file.
  ///
  /// - Parameters:
  ///   - folder: where.
  ///   - name: what messages call it.
  /// - Throws: `FileError`.
  public init(in folder: String, name: String) throws(FileError) {
    path = folder + "/" + name
    var template = Array("\(path)-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw FileError(path: path, action: "made", code: errno) }
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    guard unlink(template) == 0 else { throw FileError(path: path, action: "hidden", code: errno) }
  }

  deinit { _ = close(descriptor) }

  /// Zeroed pages of the file, for which the disk has room. The system writes them out and reads them again as it needs
  /// its memory for others.
  ///
  /// - Parameter bytes: a multiple of the page size, above 0.
  /// - Returns: what `munmap` takes back.
  /// - Throws: `FileError`, of a full disk too: later, a write to a page without room would end the process.
  func map(bytes: Int) throws(FileError) -> UnsafeMutableRawPointer {
    let code = posix_fallocate(descriptor, off_t(end), off_t(bytes))
    guard code == 0 else { throw FileError(path: path, action: "made \(bytes / 1_000_000) MB larger", code: code) }
    guard let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, off_t(end)), start != MAP_FAILED
    else { throw FileError(path: path, action: "mapped into memory", code: errno) }
    end += bytes
    return start
  }
}
