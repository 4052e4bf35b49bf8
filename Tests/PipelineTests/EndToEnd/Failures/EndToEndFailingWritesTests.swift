import Foundation
import TestSupport
import Testing

/// Runs in which one call that writes fails (`Tests/Faults/failing_writes.c`): each ends with a message or with the right
/// files, a file under its own name is never wrong, and the same command then goes on to the right files.
@Suite("End to end: failing writes", .serialized)
struct EndToEndFailingWritesTests {
  /// What fails: one call with an error, one that writes half, or all from one on, as on a full disk.
  static let kinds = ["ENOSPC", "EIO", "short", "full"]

  /// What makes calls fail, and the files that a run without failures makes.
  private struct Bench: Sendable {
    let writes: FailingWrites
    let reference: EndToEndJob

    init() throws {
      writes = try FailingWrites()
      reference = try Bench.job("reference")
      try reference.succeed()
    }

    /// Two tiny members with a checkpoint after every epoch but the last.
    static func job(_ name: String) throws -> EndToEndJob {
      var job = try EndToEndJob.tiny(name)
      job.epochs = 3
      job.training = ", checkpoint: 0"
      try job.write()
      return job
    }

    /// How many calls each rank makes.
    func calls(ranks: Int) throws -> [Int] {
      try (0..<ranks).map { rank in
        let job = try Bench.job("count")
        let file = job.folder + "/calls"
        let ended = try writes.run(job, ranks: ranks, rank: rank, number: 0, kind: "full", count: file)
        try #require(ended.status == 0, "\(ended.errors)")
        return FailingWrites.calls(in: file)
      }
    }

    /// What is wrong with the files of a job that are there; with `all` also what is missing.
    func faults(_ job: EndToEndJob, all: Bool) throws -> [String] {
      var faults: [String] = []
      func check(_ path: String, _ isRight: () throws -> Bool) throws {
        let isThere = FileManager.default.fileExists(atPath: path)
        if isThere ? try !isRight() : all { faults.append("\(path) is \(isThere ? "wrong" : "missing")") }
      }
      for member in 0..<2 {
        try check(job.member(member)) {
          try EndToEnd.bytes(job.member(member)) == EndToEnd.bytes(reference.member(member))
        }
      }
      try check(job.calibration) { try EndToEnd.bytes(job.calibration) == EndToEnd.bytes(reference.calibration) }
      try check(job.results) { try EndToEnd.difference(job.results, reference.results).isEmpty }
      return faults
    }

    /// One run with a failure, and the same command again without.
    func trial(ranks: Int, rank: Int, number: Int, kind: String) throws {
      let what = "call \(number) of rank \(rank) of \(ranks): \(kind)"
      let job = try Bench.job("failing")
      defer { try? FileManager.default.removeItem(atPath: job.folder) }
      let ended = try writes.run(job, ranks: ranks, rank: rank, number: number, kind: kind)
      let faults = try faults(job, all: ended.status == 0)
      #expect(faults.isEmpty, "\(what), status \(ended.status): \(faults)\n\(ended.errors)")
      #expect(ended.status == 0 || ended.status == 1, "\(what): \(ended.errors)")
      if ended.status != 0 { #expect(!ended.messages.isEmpty, "\(what): \(ended.errors)") }
      // Results that are there already are right, as was seen; they are not replaced unasked.
      let more = FileManager.default.fileExists(atPath: job.results) ? ["--overwrite"] : []
      let again = try EndToEnd.run(["run", job.path, "--threads", "1"] + more, ranks: ranks)
      #expect(again.status == 0, "\(what), then without: \(again.errors)")
      let left = try self.faults(job, all: true)
      #expect(left.isEmpty, "\(what), then without: \(left)")
    }
  }

  @Test("a failing write ends in a message or in the right files, at some calls of a job on one rank and on two")
  func some() throws {
    let bench = try Bench()
    // More ranks, and every call: Tests/faults.sh.
    for (ranks, trials) in [(1, 13), (2, 6)] {
      let calls = try bench.calls(ranks: ranks)
      try #require(calls[0] > 20)
      for trial in 0..<trials {
        // Evenly over the calls, mostly of rank 0, which writes most.
        let rank = trial % 3 == 2 ? ranks - 1 : 0
        let number = 1 + (calls[rank] - 1) * trial / max(1, trials - 1)
        try bench.trial(ranks: ranks, rank: rank, number: number, kind: Self.kinds[(trial + ranks) % Self.kinds.count])
      }
    }
  }

  /// `Tests/faults.sh` runs this; it takes an hour. `TUTTI_FAULTS` holds the numbers of ranks, as in "1 2 3";
  /// "1:200" goes on from call 200.
  @Test(
    "a failing write ends in a message or in the right files, at every call of a job",
    .enabled(if: ProcessInfo.processInfo.environment["TUTTI_FAULTS"] != nil, "set TUTTI_FAULTS"))
  func all() async throws {
    let bench = try Bench()
    let text = ProcessInfo.processInfo.environment["TUTTI_FAULTS"] ?? ""
    for asked in text.split(separator: " ") {
      let numbers = asked.split(separator: ":").compactMap { Int($0) }
      let (ranks, first) = (try #require(numbers.first, "TUTTI_FAULTS is \(text)"), numbers.dropFirst().first ?? 1)
      let width = max(1, ProcessInfo.processInfo.activeProcessorCount / ranks)
      for (rank, calls) in try bench.calls(ranks: ranks).enumerated() {
        note("\(ranks) ranks: rank \(rank) makes \(calls) calls")
        // On several ranks a call fails in one way, the ways in turn.
        let trials = (first...max(first, calls)).flatMap { number in
          ranks == 1 ? Self.kinds.map { (number, $0) } : [(number, Self.kinds[(number + rank) % Self.kinds.count])]
        }
        // As many at once as there are processors for.
        for start in stride(from: 0, to: trials.count, by: width) {
          try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, kind) in trials[start..<min(start + width, trials.count)] {
              group.addTask { try bench.trial(ranks: ranks, rank: rank, number: number, kind: kind) }
            }
            try await group.waitForAll()
          }
          if start % 200 < width { note("\(start) of \(trials.count) trials are done") }
        }
      }
    }
  }
}
