#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file whose bytes are read at any place, as long as this is there, from any number of threads.
public final class ReadableFile: Sendable {
  private let descriptor: Int32
  /// Bytes of the file when it was opened.
  public let size: Int

  /// Opens a file.
  ///
  /// - Throws: `FileTransfer.Failure` when the system cannot.
  public init(_ path: String) throws(FileTransfer.Failure) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileTransfer.Failure(code: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      _ = close(descriptor)
      throw FileTransfer.Failure(code: code)
    }
    size = Int(status.st_size)
  }

  deinit { _ = close(descriptor) }

  /// Fills a buffer with the bytes from a place on.
  ///
  /// - Returns: the bytes read; fewer than asked for where the file ends.
  /// - Throws: `FileTransfer.Failure` when the system cannot.
  public func read(at place: Int, into bytes: UnsafeMutableRawBufferPointer) throws(FileTransfer.Failure) -> Int {
    try FileTransfer.read(descriptor, at: place, into: bytes)
  }

  /// So many bytes from a place on; nil when the file does not hold them all, or they cannot be read.
  public func bytes(at place: Int, count: Int) -> [UInt8]? {
    guard place >= 0, count >= 0, count <= size, place <= size - count else { return nil }
    return try? FileTransfer.read(descriptor, place..<place + count)
  }
}
