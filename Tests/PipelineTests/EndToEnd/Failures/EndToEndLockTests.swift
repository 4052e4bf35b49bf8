import Foundation
import HDF5
import TestSupport
import Testing

/// One run at a time works on the results of a job, and none writes over what it reads.
@Suite("End to end: locks and files")
struct EndToEndLockTests {
  /// A job that trains for minutes.
  private func slowJob(_ name: String) throws -> EndToEndJob {
    var job = try EndToEndJob.tiny(name)
    (job.epochs, job.members) = (100_000, 1)
    try job.write()
    return job
  }

  @Test("a second run of a job is refused while one works, and a dead one's lock is taken over")
  func lock() throws {
    var job = try slowJob("lock")
    let lock = job.results + ".lock"
    var others: [String: Ended] = [:]
    var owner: Int32 = 0
    _ = try EndToEnd.run(["run", job.path, "--threads", "1"]) { process in
      guard others.isEmpty, FileManager.default.fileExists(atPath: lock) else { return }
      owner = process.processIdentifier
      for command in ["run", "train", "calibrate", "predict", "evaluate"] {
        others[command] = try EndToEnd.run([command, job.path, "--threads", "1"], ranks: command == "run" ? 2 : nil)
      }
      kill(owner, SIGKILL)
    }
    #expect(others.count == 5)
    for (command, ended) in others {
      #expect(ended.status != 0, "\(command)")
      let start = "another run works on these results: process \(owner) since 2"
      #expect(ended.messages.count == 1 && ended.messages[0].hasPrefix(start), "\(command): \(ended.errors)")
    }
    #expect(FileManager.default.fileExists(atPath: lock), "a killed run leaves its lock behind")
    job.epochs = 1
    try job.write()
    let next = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"])
    #expect(next.status == 0, "\(next.errors)")
    #expect(next.errors.contains("An earlier run of this job did not end by itself; this one goes on from it."))
    #expect(!FileManager.default.fileExists(atPath: lock))
  }

  @Test("a lock of another host is respected, and told")
  func otherHost() throws {
    let job = try EndToEndJob.tiny("otherhost")
    try job.succeed(ranks: nil)
    let lock = job.results + ".lock"
    try #"{"process":7,"host":"elsewhere","since":"2026-01-01T00:00:00Z"}"#.write(
      toFile: lock, atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["evaluate", job.path])
    #expect(ended.status != 0)
    #expect(
      ended.messages == [
        "another run works on these results: process 7 on elsewhere since 2026-01-01T00:00:00Z (\(lock)). Wait for it, or "
          + "remove that file if the run has ended, or name another output in the job file."
      ])
    #expect(FileManager.default.fileExists(atPath: lock))
    try FileManager.default.removeItem(atPath: lock)
    try job.succeed("evaluate")
    #expect(!FileManager.default.fileExists(atPath: lock))
  }

  @Test("a run that the user ends says that the same command goes on, and one that is piped that it trains")
  func interruption() throws {
    let job = try slowJob("interrupted")
    var isInterrupted = false
    let ended = try EndToEnd.run(["train", job.path, "--threads", "1"]) { process in
      guard !isInterrupted, FileManager.default.fileExists(atPath: job.results + ".lock") else { return }
      usleep(200_000)
      isInterrupted = kill(process.processIdentifier, SIGINT) == 0
    }
    #expect(isInterrupted)
    #expect(ended.status == 75)
    #expect(ended.errors.contains("tutti: training 1 member on 1 rank\n"))
    #expect(
      ended.messages.last == "stopped, as a signal asked. What is done is kept; the same command goes on from it.")
  }

  @Test(
    "no file that a job reads is written over, whatever name or link leads to it",
    arguments: ["data.h5", "./data.h5", "link.h5", "hard.h5", "folder/data.h5", "job.yaml"], ["run", "check"])
  func outputOverInput(output: String, command: String) throws {
    var job = try EndToEndJob.tiny("over")
    let manager = FileManager.default
    try manager.createSymbolicLink(atPath: job.folder + "/link.h5", withDestinationPath: "data.h5")
    try manager.linkItem(atPath: job.folder + "/data.h5", toPath: job.folder + "/hard.h5")
    try manager.createSymbolicLink(atPath: job.folder + "/folder", withDestinationPath: ".")
    job.output = output
    try job.write()
    let before = try EndToEnd.bytes(job.folder + "/data.h5")
    let ended = try EndToEnd.run([command, job.path] + (command == "run" ? ["--overwrite"] : []))
    #expect(ended.status != 0)
    let role = output == "job.yaml" ? "the job file" : "data.images"
    #expect(
      ended.messages.count == 1 && ended.messages[0].hasPrefix("output: ") && ended.messages[0].contains("is \(role)"),
      "\(ended.errors)")
    #expect(try EndToEnd.bytes(job.folder + "/data.h5") == before)
    #expect(try String(contentsOfFile: job.path, encoding: .utf8) == job.text)
  }

  @Test("a prediction of new images, a plot and a trace are not written over what their command reads")
  func otherOutputs() throws {
    let job = try EndToEndJob.tiny("others")
    try job.succeed(ranks: nil)
    let images = job.folder + "/data.h5"
    for output in [images, job.results, job.member(1)] {
      let before = try EndToEnd.bytes(output)
      let ended = try EndToEnd.run(["predict", job.results, images + ":/images", "-o", output, "--overwrite"])
      #expect(ended.status != 0)
      #expect(ended.messages.count == 1 && ended.messages[0].hasPrefix("-o: \(output)"), "\(ended.errors)")
      #expect(try EndToEnd.bytes(output) == before)
    }
    let link = job.folder + "/picture.svg"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: job.member(0))
    #expect(try EndToEnd.run(["plot", job.results, "-o", link]).status != 0)
    let traced = try EndToEnd.run(["train", job.path, "--trace", images])
    #expect(traced.status != 0)
    #expect(traced.messages.first?.hasPrefix("--trace: \(images)") == true, "\(traced.errors)")
  }

  @Test("a job that asks for more ranks a member than there are uses those, with the same bits")
  func fewRanks() throws {
    var job = try EndToEndRanksTests.job(.smsnet, volume: false, scope: "batch")
    try job.succeed(ranks: nil)
    let reference = job
    job = try job.copy("few")
    try FileManager.default.copyItem(atPath: reference.folder + "/data.h5", toPath: job.folder + "/data.h5")
    job.ranksPerMember = "3"
    try job.write()
    let checked = try EndToEnd.run(["check", job.path])
    #expect(checked.output.contains("ensemble.ranks-per-member is 3, but there is 1 rank, which trains each member"))
    let ended = try job.succeed(ranks: 2)
    #expect(
      ended.errors.contains(
        "ensemble.ranks-per-member is 3, but there are 2 ranks, which train each member; results are the same."))
    try EndToEndSameBitsTests().expectSame(job, reference)
  }

  @Test("a class without calibration pixels is named, and is in every set; the others' sets are as ever")
  func absentClass() throws {
    var job = try EndToEndJob.tiny("absent")
    let file = try File(opening: job.folder + "/data.h5", mode: .readWrite)
    var labels = try file.read("labels", as: UInt8.self)
    // A third class in an image that trains and one that tests.
    for pixel in Array(0..<40) + Array(11 * 256..<11 * 256 + 40) { labels[pixel] = 2 }
    try file.write(labels, shape: [12, 16, 16], to: "three")
    try file.close()
    job.labels = "data.h5:/three"
    let text = job.text.replacingOccurrences(of: "[paste, void]", with: "[paste, void, rare]")
      .replacingOccurrences(of: "unit: pixel", with: "unit: pixel, by-class: true")
    try text.write(toFile: job.path, atomically: true, encoding: .utf8)
    let ended = try job.succeed()
    #expect(ended.errors.contains("class ‘rare’ has no calibration pixels: it is in every set.\n"))
    #expect(!ended.errors.contains("hold all classes"))
    #expect(ended.output.contains("infeasible: too few calibration pixels of rare: in every set"))
    let sets = try File(opening: job.results).dataset("entry/prediction/set")
    #expect(
      try sets.read(as: UInt8.self, Hyperslab(start: [0, 0, 2, 0, 0], count: [3, 3, 1, 16, 16])).allSatisfy { $0 == 1 })
  }
}
