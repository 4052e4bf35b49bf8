import Foundation
import Host

/// Writes files on a thread of its own, one after another, while training goes on.
///
/// It is given finished bytes and makes no call of libhdf5, so that it needs no lock.
final class CheckpointWriter {
  /// A file on its way to the disk; the thread alone has it until `isDone` is signalled.
  private final class Job: @unchecked Sendable {
    let contents: [UInt8]
    let path: String
    let previous: String
    let isDone = DispatchSemaphore(value: 0)
    var failure: (any Error)?

    init(_ contents: [UInt8], path: String, previous: String) {
      (self.contents, self.path, self.previous) = (contents, path, previous)
    }
  }

  private var job: Job?

  /// Whether a file is being written.
  var isBusy: Bool {
    guard let job else { return false }
    guard job.isDone.wait(timeout: .now()) == .success else { return true }
    job.isDone.signal()
    return false
  }

  /// Begins to write a file, when the one before is done.
  ///
  /// - Parameter previous: where the file goes that is replaced.
  /// - Returns: why the file before could not be written; nil when it was.
  func start(_ contents: [UInt8], path: String, previous: String) -> (any Error)? {
    let failure = finish()
    let job = Job(contents, path: path, previous: previous)
    self.job = job
    let thread = Thread {
      do {
        try WholeFile.write(job.path, contents: job.contents, keeping: job.previous)
      } catch {
        job.failure = error
      }
      job.isDone.signal()
    }
    thread.name = "tutti-checkpoint"
    thread.start()
    return failure
  }

  /// Waits until the last file is written.
  ///
  /// - Returns: why it could not be; nil when it was, or when there is none.
  func finish() -> (any Error)? {
    guard let job else { return nil }
    job.isDone.wait()
    self.job = nil
    return job.failure
  }
}
