import Host

/// Scores that do not stay in memory, with the units of consecutive ones: a file without a name, which ends with the process.
///
/// A failure to write is kept, and thrown by who reads.
final class ScoreFile: @unchecked Sendable {
  private let file: ScratchFile?
  private var blocks: [(offset: Int, runs: Int, values: Int)] = []
  private var end = 0
  private var failure: FileError?

  /// Makes a file.
  ///
  /// - Parameter folder: where; a failure is thrown by who reads.
  init(in folder: String) {
    do {
      file = try ScratchFile(in: folder, name: "scores")
    } catch {
      (file, failure) = (nil, error)
    }
  }

  /// A file of its own with the same scores.
  func copied(to folder: String) -> ScoreFile {
    let other = ScoreFile(in: folder)
    do {
      try forEachBlock { other.append($0, $1) }
    } catch {
      other.failure = other.failure ?? error as? FileError
    }
    return other
  }

  /// Writes scores behind those that are there.
  func append(_ runs: [UnitScores.Run], _ values: [Float]) {
    guard let file, failure == nil else { return }
    var bytes: [UInt8] = []
    runs.withUnsafeBytes { bytes += $0 }
    values.withUnsafeBytes { bytes += $0 }
    do {
      try FileTransfer.write(bytes, to: file.descriptor, at: end)
      blocks.append((end, runs.count, values.count))
      end += bytes.count
    } catch {
      failure = FileError(path: file.path, action: "written", code: error.code)
    }
  }

  /// Reads all scores, as many at a time as were written.
  ///
  /// - Throws: `FileError`, also for a write that failed before.
  func forEachBlock(_ body: ([UnitScores.Run], [Float]) throws -> Void) throws {
    if let failure { throw failure }
    guard let file else { return }
    for block in blocks {
      let width = MemoryLayout<UnitScores.Run>.stride
      let count = block.runs * width + block.values * MemoryLayout<Float>.stride
      let bytes: [UInt8]
      do {
        bytes = try FileTransfer.read(file.descriptor, block.offset..<block.offset + count)
      } catch {
        throw FileError(path: file.path, action: "read back", code: error.code)
      }
      try bytes.withUnsafeBytes { bytes in
        let runs = (0..<block.runs).map { bytes.loadUnaligned(fromByteOffset: $0 * width, as: UnitScores.Run.self) }
        let values = [Float](unsafeUninitializedCapacity: block.values) { buffer, count in
          UnsafeMutableRawBufferPointer(buffer).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[(block.runs * width)...]))
          count = block.values
        }
        try body(runs, values)
      }
    }
  }
}
