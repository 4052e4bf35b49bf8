import Foundation
import HDF5
import TestSupport
import Testing

/// Predictions that are stopped or killed: the next one takes over the tiles that were written, and has the same bits.
@Suite("End to end: interrupted predictions", .serialized)
struct EndToEndInterruptedPredictionTests {
  /// A job that is trained and calibrated, and in another folder predicted too.
  private struct Bench {
    let writes: FailingWrites
    let trained: EndToEndJob
    let reference: EndToEndJob

    init(_ job: EndToEndJob, text: String) throws {
      writes = try FailingWrites()
      trained = job
      try text.write(toFile: job.path, atomically: true, encoding: .utf8)
      for stage in ["train", "calibrate"] { try job.succeed(stage, ranks: nil) }
      reference = try job.copyWithFiles("reference")
      try reference.succeed("predict", ranks: nil)
    }

    /// Predicts while a call that writes kills the last rank; 0: none.
    func predict(_ job: EndToEndJob, ranks: Int, killing number: Int, count: String? = nil) throws -> Ended {
      try writes.run(job, ["predict"], ranks: ranks, rank: ranks - 1, number: number, kind: "kill", count: count)
    }

    /// Kills predictions at some calls, and sees that the next ones, on as many ranks as each says, end as the reference.
    ///
    /// - Returns: of each trial how many tiles were taken over.
    func trials(ranks: Int, parts: [Double], then: [Int]) throws -> [Int] {
      let counted = try trained.copyWithFiles("count")
      let count = counted.folder + "/calls"
      #expect(try predict(counted, ranks: ranks, killing: 0, count: count).status == 0)
      let calls = FailingWrites.calls(in: count)
      return try zip(parts, then).map { part, others in
        let job = try trained.copyWithFiles("killed")
        defer { try? FileManager.default.removeItem(atPath: job.folder) }
        let killed = try predict(job, ranks: ranks, killing: max(1, Int(part * Double(calls))))
        #expect(killed.status != 0 && !FileManager.default.fileExists(atPath: job.results), "\(killed.errors)")
        return try goOn(job, ranks: others)
      }
    }

    /// Predicts, and compares with the reference.
    ///
    /// - Returns: how many tiles were taken over.
    func goOn(_ job: EndToEndJob, ranks: Int) throws -> Int {
      let ended = try job.succeed("predict", ranks: ranks)
      #expect(try EndToEnd.difference(job.results, reference.results) == "")
      let left = try EndToEnd.contents(job.folder).filter { $0.contains(".part") || $0.contains(".earlier") }
      #expect(left == [])
      let words = ended.errors.split(separator: "\n").first { $0.contains("tiles are predicted already") }
      return words.flatMap { $0.split(separator: " ").compactMap { Int($0) }.first } ?? 0
    }
  }

  /// Three images of 16 × 16 in sixteen tiles each.
  private static func text(_ job: EndToEndJob) -> String {
    job.text.replacing(
      "network: {family: smsnet, nodes: 2}",
      with: "network: {family: smsnet, nodes: 2, dilations: [1]}\nprediction: {tile: [4, 4]}")
  }

  @Test("a prediction that was killed goes on from its tiles, with other ranks and the same bits and figures")
  func killed() throws {
    let job = try EndToEndJob.tiny("segmentation")
    let bench = try Bench(
      job, text: Self.text(job) + "measurements: [fraction, {name: count, class: void}]\nresults: {write: [labels]}\n")
    let alone = try bench.trials(ranks: 1, parts: [0.5, 0.9], then: [2, 1])
    #expect(alone[0] > 0 && alone[1] > alone[0], "\(alone)")
    let together = try bench.trials(ranks: 2, parts: [0.7], then: [3])
    #expect(together[0] > 0 && together[0] < 48, "\(together)")
  }

  @Test("figures of values, whose sums are rounded, are the same too")
  func values() throws {
    let job = try EndToEndJob.tiny("regression")
    let text = Self.text(job).replacing("task: segmentation", with: "task: regression")
      .replacing("labels: data.h5:/labels", with: "targets: data.h5:/labels")
      .replacing("  classes: [paste, void]\n", with: "").replacing("method: lac, ", with: "")
    let bench = try Bench(job, text: text)
    let found = try bench.trials(ranks: 2, parts: [0.8], then: [3])
    #expect(found[0] > 0 && found[0] < 48, "\(found)")
  }

  @Test("what was interrupted while tiles were taken over, or is of other settings, does no harm")
  func again() throws {
    let job = try EndToEndJob.tiny("again")
    let bench = try Bench(job, text: Self.text(job))
    let killed = try bench.trained.copyWithFiles("twice")
    let counted = try bench.trained.copyWithFiles("count")
    let count = counted.folder + "/calls"
    _ = try bench.predict(counted, ranks: 1, killing: 0, count: count)
    let calls = FailingWrites.calls(in: count)
    // First late, then early: the second one is at work on the tiles of the first.
    _ = try bench.predict(killed, ranks: 1, killing: calls * 8 / 10)
    _ = try bench.predict(killed, ranks: 1, killing: calls * 3 / 10)
    let folder = try EndToEnd.contents(killed.folder + "/results")
    #expect(folder.contains { $0.contains(".earlier") }, "\(folder)")
    #expect(try bench.goOn(killed, ranks: 2) > 10)
    // Of other settings nothing is taken over.
    let other = try bench.trained.copyWithFiles("other")
    _ = try bench.predict(other, ranks: 1, killing: calls * 8 / 10)
    try (Self.text(job) + "results: {compression: none}\n").write(
      toFile: other.path, atomically: true, encoding: .utf8)
    for stage in ["calibrate", "predict"] {
      let ended = try other.succeed(stage, ranks: nil)
      #expect(!ended.errors.contains("tiles are predicted already"), "\(ended.errors)")
    }
    let mean = "entry/prediction/mean"
    #expect(
      try File(opening: other.results).read(mean, as: Float.self)
        == File(opening: bench.reference.results).read(mean, as: Float.self))
  }

  @Test("a signal stops a prediction of new images with status 75, and the next one goes on")
  func stopped() throws {
    let job = try EndToEndJob.tiny("new")
    try job.succeed(ranks: nil)
    let images = job.folder + "/many.h5"
    var random = TestRandom(3)
    let file = try File(creating: images)
    try file.write(random.uniforms(800 * 256).map { 2 * $0 }, shape: [800, 16, 16], to: "images")
    try file.close()
    func predict(_ name: String, ranks: Int, watch: (Process) throws -> Void = { _ in }) throws -> Ended {
      try EndToEnd.run(
        [
          "predict", job.results, images + ":/images", "-o", job.folder + "/\(name).h5", "--threads", "1",
          "--ranks", "\(ranks)",
        ], watch: watch)
    }
    #expect(try predict("straight", ranks: 1).status == 0)
    var isTold = false
    let ended = try predict("stopped", ranks: 2) { process in
      let journal = job.folder + "/stopped.tiles.part/0"
      let size = try? FileManager.default.attributesOfItem(atPath: journal)[.size] as? Int
      guard !isTold, let size, size > 2000 else { return }
      isTold = kill(process.processIdentifier, SIGTERM) == 0
    }
    #expect(isTold && ended.status == 75, "\(ended.errors)")
    let again = try predict("stopped", ranks: 3)
    #expect(again.status == 0 && again.errors.contains("of 800 tiles are predicted already"), "\(again.errors)")
    #expect(try EndToEnd.difference(job.folder + "/straight.h5", job.folder + "/stopped.h5") == "")
    let left = try EndToEnd.contents(job.folder).filter { $0.contains(".part") || $0.contains(".earlier") }
    #expect(left == [])
  }
}
