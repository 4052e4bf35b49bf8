import Host

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The chunks that one rank writes into a file, with what is needed to read them back.
///
/// After the first failure nothing more is written.
final class ChunkFile {
  private let path: String
  private let descriptor: Int32
  private var isOpen = true
  private var written: [StoredChunk] = []
  /// Bytes written since the disk was last told to begin.
  private var waiting = 0
  /// The first failure; nil: none.
  private(set) var failure: FileError?

  /// The disk works while chunks are made, a few megabytes behind.
  private static let mostWaiting = 4 << 20

  /// - Throws: `FileError` when the file cannot be opened.
  init(_ path: String) throws(FileError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, action: "opened for writing", code: errno) }
  }

  deinit {
    if isOpen { _ = close(descriptor) }
  }

  /// Writes a chunk of the dataset with this index. A failure is kept in `failure`.
  func write(_ chunk: PackedChunk, of dataset: Int, at offset: Int) -> StoredChunk {
    if failure == nil {
      do {
        try FileTransfer.write(chunk.bytes, to: descriptor, at: offset)
        waiting += chunk.bytes.count
        if waiting >= Self.mostWaiting {
          FileTransfer.startFlush(descriptor)
          waiting = 0
        }
      } catch {
        failure = FileError(path: path, action: "written", code: error.code)
      }
    }
    let stored = StoredChunk(chunk, of: dataset, at: offset)
    written.append(stored)
    return stored
  }

  /// Flushes the chunks to the disk and closes the file.
  ///
  /// - Throws: `FileError`, also for a write that failed before.
  func flush() throws(FileError) {
    guard isOpen else { return }
    if failure == nil, fsync(descriptor) != 0 {
      failure = FileError(path: path, action: "flushed to the disk", code: errno)
    }
    isOpen = false
    if close(descriptor) != 0, errno != EINTR, failure == nil {
      failure = FileError(path: path, action: "written", code: errno)
    }
    if let failure { throw failure }
  }

  /// Reads all chunks and compares them with what was written.
  ///
  /// - Throws: `FileError`.
  func verify() throws(FileError) {
    func error(_ code: Int32) -> FileError { FileError(path: path, action: "read back as it was written", code: code) }
    let reader = open(path, O_RDONLY | O_CLOEXEC)
    guard reader >= 0 else { throw error(errno) }
    defer { _ = close(reader) }
    let block = AlignedBuffer<UInt8>(count: written.map(\.bytes).max() ?? 0)
    for chunk in written {
      let bytes = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(block.buffer)[..<chunk.bytes])
      let count: Int
      do {
        count = try FileTransfer.read(reader, at: chunk.offset, into: bytes)
      } catch let failed {
        throw error(failed.code)
      }
      guard count == bytes.count, StoredChunk.checksum(of: UnsafeRawBufferPointer(bytes)) == chunk.checksum else {
        throw error(EIO)
      }
    }
  }
}
