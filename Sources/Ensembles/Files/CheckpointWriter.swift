import Host

/// Writes files on a thread of its own, one after another, while training goes on.
///
/// It is given finished bytes and makes no call of libhdf5, so that it needs no lock.
final class CheckpointWriter {
  private let thread = BackgroundThread()

  /// Whether a file is being written.
  var isBusy: Bool { thread.isBusy }

  /// Begins to write a file, when the one before is done.
  ///
  /// - Parameter previous: where the file goes that is replaced.
  /// - Returns: why the file before could not be written; nil when it was.
  func start(_ contents: [UInt8], path: String, previous: String) -> (any Error)? {
    let failure = finish()
    thread.start { try WholeFile.write(path, contents: contents, keeping: previous) }
    return failure
  }

  /// Waits until the last file is written.
  ///
  /// - Returns: why it could not be; nil when it was, or when there is none.
  func finish() -> (any Error)? {
    do {
      try thread.finish()
      return nil
    } catch {
      return error
    }
  }
}
