import CHDF5
import Host

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A checksum behind the data of a large HDF5 file, over all bytes but those of chunks that have checksums of their own.
///
/// So everything in the file is covered, and a reader that wants a few numbers need not read the images. HDF5 programs
/// do not see the trailer; one that changes the file removes it. Behind the HDF5 data stand, integers little-endian:
///
/// | bytes | content |
/// | --- | --- |
/// | 16 · *ranges* | the ranges of bytes that are left out, ascending: offset and length |
/// | 8 | `magic` |
/// | 8 | the length of the HDF5 data |
/// | 8 | the number of ranges |
/// | 8 | the checksum: of the covered ranges, each completed to 32-bit words, then of the trailer before it |
public enum ChecksumTrailer {
  static let magic: [UInt8] = [0x8A] + Array("TUTTI\r\t".utf8)
  static let footBytes = 32

  /// Appends the trailer to a closed file whose last change it is.
  ///
  /// - Throws: `HDF5Error` when the file cannot be read, `FileError` when it cannot be written.
  /// - Complexity: O(*bytes outside chunks* + *chunks* · log *chunks*).
  public static func append(to path: String) throws {
    let ranges: [Range<Int>] = try File.with(path) { merged(try checkedChunks(of: $0.root)) }
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, action: "opened for writing", code: errno) }
    var isOpen = true
    defer { if isOpen { _ = close(descriptor) } }
    let length = try length(of: descriptor, path)
    var trailer = ranges.flatMap { LittleEndian.bytes(UInt64($0.lowerBound)) + LittleEndian.bytes(UInt64($0.count)) }
    trailer += magic + LittleEndian.bytes(UInt64(length)) + LittleEndian.bytes(UInt64(ranges.count))
    trailer += LittleEndian.bytes(try checksum(of: descriptor, path, length: length, without: ranges, trailer))
    do {
      try FileTransfer.write(trailer, to: descriptor, at: length)
    } catch {
      throw FileError(path: path, action: "written", code: error.code)
    }
    isOpen = false
    guard close(descriptor) == 0 || errno == EINTR else { throw FileError(path: path, action: "written", code: errno) }
  }

  /// Throws unless the file at `path` has no trailer or the right one.
  ///
  /// - Throws: `HDF5Error` of kind `damaged` or `unusableFile`.
  static func verify(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    // Opening it explains what is wrong with it.
    guard descriptor >= 0 else { return }
    defer { _ = close(descriptor) }
    let size = try length(of: descriptor, path)
    guard size >= footBytes else { return }
    let foot = try bytes(of: descriptor, path, size - footBytes..<size)
    guard foot.prefix(8).elementsEqual(magic) else { return }
    let damaged = Place(file: path).error(
      .damaged,
      "the file is damaged: what stands beside the images is not what was written (the checksum is wrong); copy it"
        + " again, or make it anew")
    let (length, count) = (LittleEndian.word(foot[8..<16]), LittleEndian.word(foot[16..<24]))
    guard count <= UInt64(size / 16), length == UInt64(size - footBytes - 16 * Int(count)) else { throw damaged }
    let end = Int(length)
    let trailer = try bytes(of: descriptor, path, end..<size - 8)
    var ranges: [Range<Int>] = []
    for index in 0..<Int(count) {
      let start = LittleEndian.word(trailer[16 * index..<16 * index + 8])
      let bytes = LittleEndian.word(trailer[16 * index + 8..<16 * index + 16])
      guard start <= length, bytes <= length - start, Int(start) >= ranges.last?.upperBound ?? 0 else { throw damaged }
      ranges.append(Int(start)..<Int(start + bytes))
    }
    let expected = try checksum(of: descriptor, path, length: end, without: ranges, trailer)
    guard LittleEndian.word(foot[24..<32]) == expected else { throw damaged }
  }

  /// The bytes of the chunks of a group's datasets, and of those below, that have checksums.
  private static func checkedChunks(of group: Group) throws -> [Range<Int>] {
    try group.names().flatMap { name -> [Range<Int>] in
      switch try group.kind(of: name) {
      case .group: try checkedChunks(of: try group.group(name))
      case .dataset: try group.dataset(name).checkedChunks()
      default: []
      }
    }
  }

  /// Ranges ascending, neighbours as one.
  private static func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, last.upperBound == range.lowerBound {
        result[result.count - 1] = last.lowerBound..<range.upperBound
      } else {
        result.append(range)
      }
    }
    return result
  }

  private static func checksum(
    of descriptor: Int32, _ path: String, length: Int, without ranges: [Range<Int>], _ trailer: [UInt8]
  ) throws -> UInt64 {
    var checksum = Checksum()
    var start = 0
    for range in ranges + [length..<length] {
      while start < range.lowerBound {
        let end = min(range.lowerBound, start + 1 << 20)
        try bytes(of: descriptor, path, start..<end).withUnsafeBytes { checksum.add($0) }
        start = end
      }
      start = range.upperBound
    }
    trailer.withUnsafeBytes { checksum.add($0) }
    return checksum.value
  }

  private static func length(of descriptor: Int32, _ path: String) throws(FileError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, action: "read", code: errno) }
    return Int(status.st_size)
  }

  private static func bytes(of descriptor: Int32, _ path: String, _ range: Range<Int>) throws(FileError) -> [UInt8] {
    do {
      return try FileTransfer.read(descriptor, range)
    } catch {
      throw FileError(path: path, action: "read", code: error.code)
    }
  }
}

extension Dataset {
  /// The bytes in the file of the chunks that have checksums (`H5Dget_chunk_info_by_coord`).
  ///
  /// - Throws: `HDF5Error`.
  fileprivate func checkedChunks() throws -> [Range<Int>] {
    guard let chunk, let filter = try filters.firstIndex(of: "fletcher32") else { return [] }
    let shape = try shape
    guard !shape.contains(0) else { return [] }
    let counts = zip(shape, chunk).map { ($0 + $1 - 1) / $1 }
    return try object.use { raw in
      try (0..<counts.reduce(1, *)).compactMap { index -> Range<Int>? in
        var (rest, start) = (index, [hsize_t](repeating: 0, count: counts.count))
        for axis in counts.indices.reversed() {
          start[axis] = hsize_t(rest % counts[axis] * chunk[axis])
          rest /= counts[axis]
        }
        var (skipped, offset, size) = (UInt32(0), haddr_t(0), hsize_t(0))
        let code = H5Dget_chunk_info_by_coord(raw, start, &skipped, &offset, &size)
        try object.place.check(code, "H5Dget_chunk_info_by_coord", "look for a chunk")
        // A chunk that was never written has no bytes.
        guard size > 0, skipped >> UInt32(filter) & 1 == 0 else { return nil }
        return Int(offset)..<Int(offset) + Int(size)
      }
    }
  }
}

/// Integers as the bytes of a file.
enum LittleEndian {
  static func bytes(_ word: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }

  static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
