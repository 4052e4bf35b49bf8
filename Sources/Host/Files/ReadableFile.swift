#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file whose bytes are read at any place, as long as this is there.
public final class ReadableFile: Sendable {
  private let descriptor: Int32
  /// Bytes of the file when it was opened.
  public let size: Int

  /// Nil when the file cannot be opened.
  public init?(_ path: String) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  deinit { if descriptor >= 0 { _ = close(descriptor) } }

  /// So many bytes from a place on; nil when the file does not hold them all, or they cannot be read.
  public func bytes(at place: Int, count: Int) -> [UInt8]? {
    guard place >= 0, count >= 0, count <= size, place <= size - count else { return nil }
    return try? FileTransfer.read(descriptor, place..<place + count)
  }
}
