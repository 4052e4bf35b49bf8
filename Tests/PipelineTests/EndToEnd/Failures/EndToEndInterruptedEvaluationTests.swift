import Foundation
import HDF5
import TestSupport
import Testing

/// Runs that end in their evaluation or before: the next one has all figures, bit for bit, of one that was never interrupted.
@Suite("End to end: interrupted before figures", .serialized)
struct EndToEndInterruptedEvaluationTests {
  /// A job, and what it gives when nothing interrupts it.
  private struct Bench {
    let writes: FailingWrites
    let name: String
    let trained: EndToEndJob
    let reference: EndToEndJob
    let table: String
    /// Calls that write in a run of the trained job; up to and with the one that gives the results their name.
    let (calls, published): (Int, Int)

    /// - Parameter text: of the job file, of the tiny job's.
    init(_ name: String, _ text: (EndToEndJob) -> String) throws {
      writes = try FailingWrites()
      self.name = name
      trained = try EndToEndJob.tiny(name)
      try text(trained).write(toFile: trained.path, atomically: true, encoding: .utf8)
      try trained.succeed("train", ranks: nil)
      reference = try trained.copyWithFiles("reference")
      let count = reference.folder + "/calls"
      let ended = try writes.run(reference, ranks: nil, rank: nil, number: 0, kind: "kill", count: count)
      try #require(ended.status == 0, "\(ended.errors)")
      table = Self.table(ended)
      calls = FailingWrites.calls(in: count)
      var (before, after) = (0, calls)
      while after - before > 1 {
        let middle = (before + after) / 2
        let job = try trained.copyWithFiles("search")
        _ = try writes.run(job, ranks: nil, rank: nil, number: middle, kind: "kill")
        if FileManager.default.fileExists(atPath: job.results) { after = middle } else { before = middle }
        try FileManager.default.removeItem(atPath: job.folder)
      }
      published = before
    }

    static func table(_ ended: Ended) -> String {
      ended.output.components(separatedBy: "\n\nResults: ").first ?? ""
    }

    /// Kills a run at a call, lets other ranks go on, and compares all that it makes with the reference.
    func trial(at number: Int, then ranks: Int?) throws {
      let job = try trained.copyWithFiles("ended")
      defer { try? FileManager.default.removeItem(atPath: job.folder) }
      #expect(try writes.run(job, ranks: nil, rank: nil, number: number, kind: "kill").status != 0)
      let again = try job.succeed(ranks: ranks)
      let place = Comment(rawValue: "\(name): killed at call \(number) of \(calls), then \(ranks ?? 1) ranks")
      #expect(Self.table(again) == table, place)
      for (path, other) in [
        (job.results, reference.results),
        (
          job.results.replacing("result.h5", with: "result.instances.h5"),
          reference.results.replacing("result.h5", with: "result.instances.h5")
        ),
      ] where FileManager.default.fileExists(atPath: other) {
        #expect(try EndToEnd.difference(path, other) == "", place)
      }
      let left = try EndToEnd.contents(job.folder).filter { $0.contains(".part") || $0.contains(".earlier") }
      #expect(left == [], place)
      #expect(
        try EndToEnd.contents(job.folder + "/results") == EndToEnd.contents(reference.folder + "/results"), place)
    }

    /// Kills runs in all stages, and at the calls before the results have their name, in which they are evaluated.
    func killed() throws {
      try #require(published > 60, "\(published)")
      let early = [0.2, 0.5, 0.8].map { Int($0 * Double(published)) }
      for (place, number) in (early + [40, 25, 12, 6, 3, 1, 0].map { published - $0 }).enumerated() {
        try trial(at: number, then: [2, nil, 3][place % 3])
      }
    }
  }

  private static let small = "network: {family: smsnet, nodes: 2, dilations: [1]}\nprediction: {tile: [4, 4]}"

  @Test("figures of classes, masks, measurements and objects")
  func classes() throws {
    let bench = try Bench("classes") { job in
      job.text.replacing("network: {family: smsnet, nodes: 2}", with: Self.small)
        .replacing("unit: pixel}", with: "unit: image, masks: [{class: void, kind: outer}]}")
        + "measurements: [fraction, {name: count, class: void}]\ninstances: {}\nresults: {write: [labels]}\n"
    }
    try bench.killed()
  }

  @Test("figures of values, whose sums are rounded")
  func values() throws {
    let bench = try Bench("values") { job in
      job.text.replacing("network: {family: smsnet, nodes: 2}", with: Self.small)
        .replacing("task: segmentation", with: "task: regression")
        .replacing("labels: data.h5:/labels", with: "targets: data.h5:/labels")
        .replacing("  classes: [paste, void]\n", with: "").replacing("method: lac, ", with: "")
        + "results: {number-type: float16}\n"
    }
    try bench.killed()
  }

  @Test("a signal within the evaluation stops it with status 75; what is predicted stays, and the figures are the same")
  func stopped() throws {
    let trained = try EndToEndJob.tiny("stopped")
    try trained.text.replacing("network: {family: smsnet, nodes: 2}", with: Self.small)
      .write(toFile: trained.path, atomically: true, encoding: .utf8)
    for stage in ["train", "calibrate"] { try trained.succeed(stage, ranks: nil) }
    /// Runs a job; the given read of the unfinished results brings a signal.
    func run(_ job: EndToEndJob, signalAt read: Int) throws -> (ended: Ended, reads: Int) {
      let count = job.folder + "/reads"
      let ended = try EndToEnd.execute(
        [
          "/usr/bin/env", "LD_PRELOAD=\(try EndToEndFailingReadsTests.shim.get())", "FAIL_READS_OF=result.h5.part",
          "FAIL_READS_FROM=\(read)", "FAIL_READS_KIND=term", "FAIL_READS_COUNT=\(count)", EndToEnd.tutti, "run",
          job.path, "--threads",
          "1",
        ])
      let text = try String(contentsOfFile: count, encoding: .utf8)
      return (ended, try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines))))
    }
    let reference = try trained.copyWithFiles("straight")
    let (straight, reads) = try run(reference, signalAt: 0)
    try #require(straight.status == 0, "\(straight.errors)")
    // Stopped at the first read, it ends before it evaluates: the next read is the evaluation's.
    let (early, before) = try run(trained.copyWithFiles("early"), signalAt: 1)
    #expect(early.status == 75 && before < reads - 100, "\(before) of \(reads) reads: \(early.errors)")
    for (place, ranks) in [nil, 2, 3].enumerated() {
      let job = try trained.copyWithFiles("stopped")
      let (ended, done) = try run(job, signalAt: before + 1 + place * (reads - before) / 12)
      #expect(ended.status == 75 && !FileManager.default.fileExists(atPath: job.results), "\(ended.errors)")
      #expect(done > before)
      let again = try job.succeed(ranks: ranks)
      #expect(again.errors.contains("48 of 48 tiles are predicted already"), "\(again.errors)")
      #expect(try EndToEnd.difference(job.results, reference.results) == "")
      #expect(Bench.table(again) == Bench.table(straight))
    }
  }

  @Test("an evaluation by itself that is killed leaves the results as they were, and the next one has the same figures")
  func evaluate() throws {
    let writes = try FailingWrites()
    let job = try EndToEndJob.tiny("evaluate")
    try job.succeed(ranks: nil)
    let before = try EndToEnd.bytes(job.results)
    let counted = try job.copyWithFiles("count")
    let count = counted.folder + "/calls"
    let whole = try writes.run(counted, ["evaluate"], ranks: nil, rank: nil, number: 0, kind: "kill", count: count)
    try #require(whole.status == 0, "\(whole.errors)")
    #expect(try EndToEnd.difference(counted.results, job.results) == "")
    let calls = FailingWrites.calls(in: count)
    for number in [1, calls / 3, calls * 2 / 3] {
      let other = try job.copyWithFiles("killed")
      let ended = try writes.run(other, ["evaluate"], ranks: nil, rank: nil, number: number, kind: "kill")
      #expect(ended.status != 0)
      #expect(try EndToEnd.bytes(other.results) == before, "killed at call \(number) of \(calls)")
      try other.succeed("evaluate", ranks: 2)
      #expect(try EndToEnd.difference(other.results, job.results) == "")
      // A run that finds the results done sees to what is left.
      _ = try writes.run(other, ["evaluate"], ranks: nil, rank: nil, number: number, kind: "kill")
      try other.succeed(ranks: nil)
      #expect(try EndToEnd.difference(other.results, job.results) == "")
      #expect(try EndToEnd.contents(other.folder).filter { $0.contains(".part") } == [])
    }
  }
}
