import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Whole reads and writes at an offset of an open file: what a signal interrupts, or the system does in parts, goes on.
public enum FileTransfer {
  /// The system's code (`errno`) of a call that failed.
  public struct Failure: Error {
    public let code: Int32
  }

  /// The most bytes of one call: some systems refuse more than fit in 31 bits.
  private static let largestCall = 1 << 30

  /// Reads until the buffer is full or the file ends (`pread`).
  ///
  /// - Returns: the bytes read; fewer than asked for where the file ends.
  /// - Throws: `Failure` when the system cannot.
  public static func read(
    _ descriptor: Int32, at offset: Int, into bytes: UnsafeMutableRawBufferPointer
  ) throws(Failure) -> Int {
    var done = 0
    while done < bytes.count, let base = bytes.baseAddress {
      let count = pread(descriptor, base + done, min(bytes.count - done, largestCall), off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure(code: errno) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Reads bytes that the file must hold.
  ///
  /// - Throws: `Failure` when the system cannot; of code `EIO` when the file ends before.
  public static func read(_ descriptor: Int32, _ range: Range<Int>) throws(Failure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    let result = bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(Failure) in try read(descriptor, at: range.lowerBound, into: buffer) }
    }
    guard try result.get() == range.count else { throw Failure(code: EIO) }
    return bytes
  }

  /// Writes all of the bytes (`pwrite`).
  ///
  /// - Throws: `Failure` when the system cannot.
  public static func write(_ bytes: [UInt8], to descriptor: Int32, at offset: Int) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        pwrite(
          descriptor, buffer.baseAddress.map { $0 + done }, min(buffer.count - done, largestCall), off_t(offset + done))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Failure(code: count == 0 ? EIO : errno) }
      done += count
    }
  }

  /// Lets the system begin to write to the disk what it has of a file in memory, without waiting, so that a flush at the end has
  /// less to wait for. A hint: what a disk refuses, the flush tells.
  public static func startFlush(_ descriptor: Int32) {
    tutti_start_flush(descriptor)
  }
}
