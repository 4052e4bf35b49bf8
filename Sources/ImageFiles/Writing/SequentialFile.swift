import Host

#if canImport(Glibc)
  import Glibc
#endif

/// A file that is written from its start to its end.
final class SequentialFile {
  private let path: String
  private var descriptor: Int32

  /// - Parameter path: as messages name it.
  private init(_ temporary: String, for path: String) throws(FileError) {
    self.path = path
    descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path: path, action: "written", code: errno) }
  }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  /// Writes a file under a temporary name, then gives it its own.
  ///
  /// - Throws: what `body` throws; `FileError`.
  static func write(_ path: String, _ body: (SequentialFile) throws -> Void) throws {
    try WholeFile.write(path) { temporary in
      let file = try SequentialFile(temporary, for: path)
      try body(file)
      try file.close()
    }
  }

  /// Writes a file of a folder that has not its name yet, and is flushed as one.
  ///
  /// - Throws: `FileError`.
  static func write(_ bytes: UnsafeRawBufferPointer, toNew path: String) throws(FileError) {
    let file = try SequentialFile(path, for: path)
    try file.write(bytes)
    // The disk works while the next file is made. Whether it could is known when the folder is flushed.
    FileTransfer.startFlush(file.descriptor)
    try file.close()
  }

  /// The same of an array of bytes.
  static func write(_ bytes: [UInt8], toNew path: String) throws(FileError) {
    let fault: FileError? = bytes.withUnsafeBytes { buffer in
      do throws(FileError) {
        try write(buffer, toNew: path)
        return nil
      } catch { return error }
    }
    if let fault { throw fault }
  }

  private func close() throws(FileError) {
    let code = Glibc.close(descriptor)
    descriptor = -1
    guard code == 0 else { throw FileError(path: path, action: "written", code: errno) }
  }

  /// Adds bytes.
  func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var done = 0
    while done < bytes.count, let base = bytes.baseAddress {
      let count = Glibc.write(descriptor, base + done, min(bytes.count - done, 1 << 30))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw FileError(path: path, action: "written", code: errno) }
      done += count
    }
  }

  /// Adds bytes.
  func write(_ bytes: [UInt8]) throws(FileError) {
    var fault: FileError?
    bytes.withUnsafeBytes { buffer in
      do throws(FileError) { try write(buffer) } catch { fault = error }
    }
    if let fault { throw fault }
  }
}

/// The bytes of a header that is written, little-endian.
struct HeaderWriter {
  private(set) var bytes: [UInt8]

  init(count: Int) { bytes = [UInt8](repeating: 0, count: count) }

  mutating func put<Number: FixedWidthInteger>(_ value: Number, at offset: Int) {
    withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
  }
  mutating func put(_ value: Float, at offset: Int) { put(value.bitPattern, at: offset) }
  mutating func put(_ text: String, at offset: Int, most: Int) {
    let utf8 = Array(text.utf8.prefix(most))
    bytes.replaceSubrange(offset..<offset + utf8.count, with: utf8)
  }
}
