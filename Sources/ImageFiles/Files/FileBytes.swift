import Host

#if canImport(Glibc)
  import Glibc
#endif

/// Bytes that are read by offset, from any number of threads.
protocol ByteSource: Sendable {
  /// The file as messages name it.
  var name: String { get }
  /// The number of bytes; `Int.max` when it is not known.
  var count: Int { get }
  /// Fills a buffer with the bytes from an offset on.
  ///
  /// - Throws: `ImageFileError` of kind `damaged` when they end before.
  func read(at offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws(ImageFileError)
}

/// An open file.
final class FileBytes: ByteSource {
  let name: String
  private let file: ReadableFile
  var count: Int { file.size }

  /// Opens a file.
  ///
  /// - Throws: `ImageFileError` when the system cannot.
  init(_ path: String, name: String) throws(ImageFileError) {
    self.name = name
    do {
      file = try ReadableFile(path)
    } catch {
      throw ImageFileError(
        error.code == ENOENT ? .missing : .system, name, "cannot be opened: \(Self.reason(error.code))")
    }
  }

  private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

  func read(at offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws(ImageFileError) {
    let read: Int
    do {
      read = try file.read(at: offset, into: bytes)
    } catch {
      throw ImageFileError(.system, name, "cannot be read: \(Self.reason(error.code))")
    }
    guard read == bytes.count else {
      throw ImageFileError(
        .damaged, name, "is cut off: it ends after \(count) bytes, but bytes up to \(offset + bytes.count) are needed")
    }
  }

  /// The first bytes of a file, at most 1024; none of a folder; nil when there is no such file.
  ///
  /// - Throws: `ImageFileError` when the system cannot read it.
  static func head(of path: String) throws(ImageFileError) -> [UInt8]? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    if status.st_mode & S_IFMT == S_IFDIR { return [] }
    return try FileBytes(path, name: path).read(at: 0, upTo: 1024)
  }

  /// Whether there is a folder of this path.
  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}

extension ByteSource {
  /// The bytes from an offset on, fewer where the file ends.
  func read(at offset: Int, upTo most: Int) throws(ImageFileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(0, min(most, count - offset)))
    let fault: ImageFileError? = bytes.withUnsafeMutableBytes { buffer in
      do throws(ImageFileError) {
        try read(at: offset, into: buffer)
        return nil
      } catch { return error }
    }
    if let fault { throw fault }
    return bytes
  }
}

/// Numbers in the bytes of a header.
struct HeaderBytes {
  let bytes: [UInt8]
  /// Whether the most significant byte comes first.
  var isBigEndian = false

  /// The number at an offset, which must be inside.
  func number<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type) -> Number {
    let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    return isBigEndian ? value.bigEndian : value.littleEndian
  }

  func float(at offset: Int) -> Float { Float(bitPattern: number(at: offset, as: UInt32.self)) }
  func double(at offset: Int) -> Double { Double(bitPattern: number(at: offset, as: UInt64.self)) }

  /// The text from an offset on, to the first zero byte.
  func text(at offset: Int, count: Int) -> String {
    String(decoding: bytes[offset..<min(bytes.count, offset + count)].prefix { $0 != 0 }, as: UTF8.self)
  }
}
