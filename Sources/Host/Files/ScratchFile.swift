import Glibc

/// A file without a name, for what processes do not keep in memory; it ends with them.
public final class ScratchFile: @unchecked Sendable {
  /// What messages call it.
  public let path: String
  /// The open file.
  public let descriptor: Int32
  /// The name by which other processes of this host may open it; nil when it has none any more.
  public private(set) var openName: String?
  /// Where the next buffer begins.
  private var end = 0

  /// Makes a file.
  ///
  /// - Parameters:
  ///   - folder: where.
  ///   - name: what messages call it.
  ///   - isHidden: whether it has no name from the beginning.
  /// - Throws: `FileError`.
  public init(in folder: String, name: String, isHidden: Bool = true) throws(FileError) {
    path = folder + "/" + name
    var template = Array("\(path)-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw FileError(path: path, action: "made", code: errno) }
    self.descriptor = descriptor
    openName = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    if isHidden { try hide() }
  }

  /// Opens the file of another process, before that one hides it. Buffers that both make in the same order have the same
  /// memory.
  ///
  /// - Throws: `FileError`.
  public init(opening name: String, path: String) throws(FileError) {
    self.path = path
    descriptor = open(name, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, action: "opened", code: errno) }
  }

  /// Takes its name away: no process opens it after, and it ends with those that have.
  ///
  /// - Throws: `FileError`.
  public func hide() throws(FileError) {
    guard let name = openName else { return }
    openName = nil
    guard unlink(name) == 0 else { throw FileError(path: path, action: "hidden", code: errno) }
  }

  deinit {
    if let openName { _ = unlink(openName) }
    _ = close(descriptor)
  }

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
