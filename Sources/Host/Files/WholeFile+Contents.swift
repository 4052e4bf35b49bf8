import Glibc

extension WholeFile {
  /// Writes bytes as a file: under a temporary name, flushed to the disk, read back and compared, and then renamed.
  ///
  /// - Parameter previous: where the file goes that is replaced; nil: it is gone.
  /// - Throws: `FileError` when any call fails; at `path`, or else at `previous`, stands what stood there before.
  public static func write(_ path: String, contents: [UInt8], keeping previous: String? = nil) throws {
    try write(path) { temporary in
      try store(contents, at: temporary, for: path)
      try compare(contents, with: temporary, for: path)
      if let previous, rename(path, previous) != 0, errno != ENOENT {
        throw FileError(path: path, action: "renamed to \(previous)", code: errno)
      }
    }
  }

  private static func store(_ contents: [UInt8], at temporary: String, for path: String) throws(FileError) {
    func failure() -> FileError { FileError(path: path, action: "written", code: errno) }
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure() }
    var problem: FileError?
    var offset = 0
    while offset < contents.count, problem == nil {
      let count = contents.withUnsafeBytes { bytes in
        Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, min(bytes.count - offset, largestCall))
      }
      if count > 0 {
        offset += count
      } else if count == 0 || errno != EINTR {
        problem = failure()
      }
    }
    if problem == nil, fsync(descriptor) != 0 { problem = failure() }
    // Network file systems report failed writes here.
    if close(descriptor) != 0, errno != EINTR, problem == nil { problem = failure() }
    if let problem { throw problem }
  }

  /// Throws unless the file holds these bytes.
  private static func compare(_ contents: [UInt8], with temporary: String, for path: String) throws(FileError) {
    func failure(_ code: Int32) -> FileError {
      FileError(path: path, action: "read back as it was written", code: code)
    }
    let descriptor = open(temporary, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(errno) }
    defer { _ = close(descriptor) }
    var block = [UInt8](repeating: 0, count: 1 << 20)
    var offset = 0
    while true {
      let count = block.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(errno) }
      if count == 0 { break }
      let isSame = contents.withUnsafeBytes { bytes in
        guard offset + count <= bytes.count, let base = bytes.baseAddress else { return false }
        return block.withUnsafeBytes { $0.baseAddress.map { memcmp($0, base + offset, count) == 0 } ?? false }
      }
      guard isSame else { throw failure(EIO) }
      offset += count
    }
    guard offset == contents.count else { throw failure(EIO) }
  }

  /// The most bytes of one call: some systems refuse more than fit in 31 bits.
  private static let largestCall = 1 << 30
}
