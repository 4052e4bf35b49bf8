import Glibc

/// A file of records of whole numbers that one process appends, each with a checksum.
///
/// When the process ends in the middle of a record, those before it can be read; a record is either whole or none. A
/// record is the count of its numbers, the numbers and their FNV-1a, 64-bit words in the processor's order.
public final class RecordFile {
  private let path: String
  private let descriptor: Int32
  private var end = 0

  /// Creates an empty file; one of that name is emptied.
  ///
  /// - Throws: `FileError`.
  public init(creating path: String) throws(FileError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path: path, action: "opened for writing", code: errno) }
  }

  deinit { _ = close(descriptor) }

  /// Appends a record. It is not flushed to the disk: after a power cut the last records may be missing.
  ///
  /// - Throws: `FileError`.
  public func append(_ numbers: [Int]) throws(FileError) {
    let words = [numbers.count] + numbers + [Self.checksum(numbers)]
    do {
      try FileTransfer.write(words.withUnsafeBytes { Array($0) }, to: descriptor, at: end)
    } catch {
      throw FileError(path: path, action: "written", code: error.code)
    }
    end += 8 * words.count
  }

  fileprivate static func checksum(_ numbers: some Sequence<Int>) -> Int {
    var hash = FNV1a()
    for number in numbers { hash.add(UInt64(bitPattern: Int64(number))) }
    return Int(truncatingIfNeeded: hash.value)
  }
}

extension RecordFile {
  /// Reads the records of a file.
  public struct Reader {
    private let file: ReadableFile

    /// Nil when the file cannot be opened.
    public init?(_ path: String) {
      guard let file = try? ReadableFile(path) else { return nil }
      self.file = file
    }

    /// The record that begins at a place, and where the next one begins; nil when none does that is whole.
    public func record(at place: Int) -> (numbers: [Int], next: Int)? {
      func words(_ first: Int, _ count: Int) -> [Int]? {
        file.bytes(at: first, count: 8 * count)?.withUnsafeBytes { bytes in
          (0..<count).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int.self) }
        }
      }
      guard let count = words(place, 1)?[0], (0...file.size / 8).contains(count),
        let content = words(place + 8, count + 1)
      else { return nil }
      let numbers = Array(content.dropLast())
      guard content.last == RecordFile.checksum(numbers) else { return nil }
      return (numbers, place + 8 * (count + 2))
    }
  }
}
