import Foundation
import Synchronization
import Testing

@testable import Pipeline

/// Who may work on the results of a job at once.
@Suite("Locks of runs")
struct RunLockTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tutti-lock-\(UUID())").path
  private var results: String { folder + "/results.h5" }

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

  private func remove() { try? FileManager.default.removeItem(atPath: folder) }
  private var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

  /// Whether the lock can be taken now; it is released.
  private func isFree(_ members: ClosedRange<Int>? = nil) throws -> Bool {
    do {
      try RunLock(of: results, members: members).release()
      return true
    } catch .locked {
      return false
    }
  }

  @Test("runs that train other members begin at once: none takes another for a run of the whole job")
  func atOnce() throws {
    defer { remove() }
    let results = results
    let failures = Mutex(0)
    for _ in 0..<100 {
      DispatchQueue.concurrentPerform(iterations: 4) { number in
        do { try RunLock(of: results, members: 2 * number...2 * number + 1).release() } catch {
          failures.withLock { $0 += 1 }
        }
      }
    }
    #expect(failures.withLock { $0 } == 0)
    #expect(files.isEmpty)
  }

  @Test("a run of the whole job and one of members exclude each other, as do runs with a member in common")
  func exclusion() throws {
    defer { remove() }
    let whole = try RunLock(of: results)
    #expect(try !isFree() && !isFree(0...0) && !isFree(3...9))
    whole.release()
    let members = try RunLock(of: results, members: 2...4)
    #expect(try !isFree() && !isFree(2...4) && !isFree(4...5) && !isFree(0...9))
    #expect(try isFree(0...1) && isFree(5...9))
    members.release()
    #expect(try isFree() && isFree(2...4))
    #expect(files.isEmpty)
  }

  @Test("what dead runs of members left behind is removed by a run of the whole job")
  func leftBehind() throws {
    defer { remove() }
    let host = ProcessInfo.processInfo.hostName
    try #"{"process":999999999,"host":"\#(host)","since":"2026-01-01T00:00:00Z"}"#.write(
      toFile: results + ".members-0-3.lock", atomically: true, encoding: .utf8)
    #expect(try isFree(2...2))
    #expect(try isFree())
    #expect(files.isEmpty)
  }

  @Test("a lock of another host is taken over when it is an earlier start of the same batch job, and only then")
  func requeued() throws {
    defer { remove() }
    defer {
      unsetenv("SLURM_JOB_ID")
      unsetenv("SLURM_RESTART_COUNT")
    }
    func leave(_ rest: String) throws {
      try #"{"process":7,"host":"elsewhere","since":"2026-01-01T00:00:00Z"\#(rest)}"#.write(
        toFile: results + ".lock", atomically: true, encoding: .utf8)
    }
    setenv("SLURM_JOB_ID", "41", 1)
    setenv("SLURM_RESTART_COUNT", "1", 1)
    try leave(#","job":"41","restarts":1"#)
    #expect(try !isFree(), "another step of this start")
    try leave(#","job":"42""#)
    #expect(try !isFree(), "another job")
    try leave("")
    #expect(try !isFree(), "no job")
    try leave(#","job":"41""#)
    #expect(try isFree())
    #expect(files.isEmpty)
  }
}
