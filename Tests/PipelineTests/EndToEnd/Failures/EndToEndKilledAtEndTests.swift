import Foundation
import TestSupport
import Testing

/// Runs that are killed when the results have their name, and what is made from them is not there yet.
@Suite("End to end: killed at the end", .serialized)
struct EndToEndKilledAtEndTests {
  private func make(_ name: String) throws -> EndToEndJob {
    let job = try EndToEndJob.tiny(name)
    let text = try String(contentsOfFile: job.path, encoding: .utf8) + "instances: {}\n"
    try text.write(toFile: job.path, atomically: true, encoding: .utf8)
    return job
  }

  private func names(_ job: EndToEndJob) throws -> [String] {
    try EndToEnd.contents(job.folder + "/results").filter { !$0.hasSuffix(".log") }
  }

  @Test("what a run makes from its results is there after the next run, wherever it was killed")
  func derivedFiles() throws {
    let writes = try FailingWrites()
    let reference = try make("reference")
    let count = reference.folder + "/calls"
    #expect(try writes.run(reference, ranks: nil, rank: nil, number: 0, kind: "kill", count: count).status == 0)
    let calls = FailingWrites.calls(in: count)
    let whole = try names(reference)
    for name in ["result.xdmf", "result.report.html", "result.instances.h5"] { #expect(whole.contains(name)) }

    /// Kills a run at a call; whether its results had their name.
    func killed(_ number: Int, then body: (EndToEndJob) throws -> Void = { _ in }) throws -> Bool {
      let job = try make("killed")
      defer { try? FileManager.default.removeItem(atPath: job.folder) }
      #expect(try writes.run(job, ranks: nil, rank: nil, number: number, kind: "kill").status != 0)
      guard FileManager.default.fileExists(atPath: job.results) else { return false }
      try body(job)
      return true
    }
    var (before, after) = (0, calls)
    while after - before > 1 {
      let middle = (before + after) / 2
      if try killed(middle) { after = middle } else { before = middle }
    }
    try #require(after + 16 < calls)
    for number in [after, after + 1, after + 4, after + 16, calls] {
      let isPublished = try killed(number) { job in
        try job.succeed(ranks: nil)
        #expect(try names(job) == whole, "killed at call \(number) of \(calls), the first after the results \(after)")
      }
      #expect(isPublished)
    }
  }

  @Test("a run that replaces results and is killed leaves no page of the results before")
  func replacedResults() throws {
    let writes = try FailingWrites()
    let first = try make("first")
    try first.succeed(ranks: nil)
    let report = "/results/result.report.html"
    let whole = try names(first)
    try Data("old".utf8).write(to: URL(fileURLWithPath: first.folder + report))
    func replace(_ job: EndToEndJob, killing number: Int) throws -> Ended {
      try writes.run(
        job, ["run", "--overwrite"], ranks: nil, rank: nil, number: number, kind: "kill", count: job.folder + "/calls")
    }
    let counted = try first.copyWithFiles("replaced")
    #expect(try replace(counted, killing: 0).status == 0)
    let calls = FailingWrites.calls(in: counted.folder + "/calls")
    for number in [calls - 1, calls - 5] {
      let job = try first.copyWithFiles("replaced")
      #expect(try replace(job, killing: number).status != 0)
      try job.succeed(ranks: nil)
      #expect(try names(job) == whole)
      #expect(try EndToEnd.bytes(job.folder + report).count > 1000, "killed at call \(number) of \(calls)")
    }
  }
}
