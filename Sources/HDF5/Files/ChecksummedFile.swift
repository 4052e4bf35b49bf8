import Host

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Small HDF5 files with a checksum of all their bytes, written whole or not at all.
///
/// A file is built in memory, so that libhdf5 makes no call that can fail for want of room, and written by
/// `WholeFile`. In front of the HDF5 data stands a user block of 512 bytes, which HDF5 programs skip:
///
/// | bytes | content, integers little-endian |
/// | --- | --- |
/// | 0 to 7 | `magic` |
/// | 8 to 15 | the length of the file |
/// | 16 to 23 | the checksum of the file, these eight bytes taken as 0 |
/// | 24 to 511 | 0 |
///
/// The checksum is FNV-1a over the file's 32-bit words. It is compared before libhdf5 sees the file. HDF5 files without
/// such a block may have a `ChecksumTrailer`, or nothing, as earlier versions wrote them.
public enum ChecksummedFile {
  static let magic: [UInt8] = [0x8A] + Array("TUTTI\r\n".utf8)
  static let blockBytes = 512
  private static let signature: [UInt8] = [0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A]

  /// Writes a file, replacing one of that name when the new one is complete.
  ///
  /// - Throws: what `body` throws; `HDF5Error`, or `FileError` when the file cannot be written.
  public static func write(_ path: String, _ body: (File) throws -> Void) throws {
    try WholeFile.write(path, contents: contents(path, body))
  }

  /// The bytes of a file with its checksum, for `WholeFile` to write. These and no libhdf5 are needed to do so, on any
  /// thread.
  ///
  /// - Parameter path: the file's name in errors.
  /// - Throws: what `body` throws; `HDF5Error`.
  public static func contents(_ path: String, _ body: (File) throws -> Void) throws -> [UInt8] {
    let file = try File(creatingImage: path)
    try body(file)
    var contents = try file.image(after: blockBytes)
    try file.close()
    contents.replaceSubrange(0..<8, with: magic)
    contents.replaceSubrange(8..<16, with: LittleEndian.bytes(UInt64(contents.count)))
    var checksum = Checksum()
    contents.withUnsafeBytes { checksum.add($0) }
    contents.replaceSubrange(16..<24, with: LittleEndian.bytes(checksum.value))
    return contents
  }

  /// Compares a file with its checksum, opens it for `body` and closes it.
  ///
  /// - Throws: what `body` throws; `HDF5Error` of kind `damaged` or `notHDF5` when the file is not as it was written, of
  ///   kind `missingFile` or `unusableFile` when it cannot be opened.
  public static func read<Result>(_ path: String, _ body: (File) throws -> Result) throws -> Result {
    try verify(path)
    return try File.with(path, body)
  }

  /// Whether the file at `path` begins as those that `write` makes.
  public static func isOne(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { _ = close(descriptor) }
    var head = [UInt8](repeating: 0, count: magic.count)
    return (try? fill(&head, from: descriptor, at: 0, Place(file: path))) == magic.count && head == magic
  }

  /// Throws unless the file at `path` has no checksum or the right one; also of a `ChecksumTrailer`.
  ///
  /// - Throws: `HDF5Error` of kind `damaged`, `notHDF5` or `unusableFile`.
  /// - Complexity: O(*bytes*), in constant memory.
  public static func verify(_ path: String) throws {
    let place = Place(file: path)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    // Opening it explains what is wrong with it.
    guard descriptor >= 0 else { return }
    defer { _ = close(descriptor) }
    var block = [UInt8](repeating: 0, count: 1 << 20)
    var (checksum, expected, length, total) = (Checksum(), UInt64(0), UInt64(0), UInt64(0))
    while true {
      let count = try fill(&block, from: descriptor, at: Int(total), place)
      if total == 0 {
        if block.prefix(min(count, 8)).elementsEqual(signature) { return try ChecksumTrailer.verify(path) }
        guard count >= blockBytes, block.prefix(8).elementsEqual(magic) else {
          throw place.error(.notHDF5, "this is not an HDF5 file: \(FirstBytes.of(path)); or its beginning is damaged")
        }
        (length, expected) = (LittleEndian.word(block[8..<16]), LittleEndian.word(block[16..<24]))
        block.replaceSubrange(16..<24, with: repeatElement(0, count: 8))
      }
      block.withUnsafeBytes { checksum.add(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      total += UInt64(count)
      if count < block.count { break }
    }
    guard total >= length else {
      throw place.error(
        .notHDF5, "the file is cut off, its end is missing; copy it again, or remove it to make it anew")
    }
    guard total == length, checksum.value == expected else {
      throw place.error(
        .damaged,
        "the file is damaged: its content is not what was written (the checksum is wrong); copy it again, or"
          + " remove it to make it anew")
    }
  }

  /// Reads until the block is full or the file ends; returns the bytes read.
  private static func fill(
    _ block: inout [UInt8], from descriptor: Int32, at offset: Int, _ place: Place
  ) throws -> Int {
    let result = block.withUnsafeMutableBytes { bytes in
      Result { () throws(FileTransfer.Failure) in try FileTransfer.read(descriptor, at: offset, into: bytes) }
    }
    do throws(FileTransfer.Failure) {
      return try result.get()
    } catch {
      throw place.error(.unusableFile, "the file could not be read: \(String(cString: strerror(error.code)))")
    }
  }
}

/// FNV-1a over little-endian 32-bit words; bytes after the last whole word are completed with zeros.
struct Checksum {
  private var hash = FNV1a()

  var value: UInt64 { hash.value }

  /// Adds bytes. All additions but the last are of whole words.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    while offset + 4 <= bytes.count {
      hash.add(UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))))
      offset += 4
    }
    guard offset < bytes.count else { return }
    var word: UInt64 = 0
    for index in offset..<bytes.count { word |= UInt64(bytes[index]) << (8 * (index - offset)) }
    hash.add(word)
  }
}
