import Foundation
import HDF5
import TestSupport
import Testing

/// `training.epochs` raised after a run.
@Suite("End to end: more epochs")
struct EndToEndMoreEpochsTests {
  /// Everything that a training keeps: moments, average, best weights.
  private static let recipes = [
    "", ", average: {decay: 0.9}", ", keep: best, early-stopping: {patience: 3}",
    ", schedule: {name: step, size: 2, gamma: 0.5}, optimizer: {name: sgd, rate: 0.01, momentum: 0.9}",
    ", optimizer-state: divided",
  ]

  private func job(_ name: String, _ training: String, epochs: Int) throws -> EndToEndJob {
    var job = try EndToEndJob.tiny(name)
    job.epochs = epochs
    if training.contains("divided") { job.ranksPerMember = "2" }
    job.training = training.contains("optimizer: ") ? "" : training
    try job.write()
    guard training.contains("optimizer: ") else { return job }
    let own = training.dropFirst(2)
    try job.text.replacing("optimizer: {name: adam, rate: 0.005}", with: own)
      .write(toFile: job.path, atomically: true, encoding: .utf8)
    return job
  }

  /// The job with another number of epochs.
  private func raise(_ job: EndToEndJob, from: Int, to: Int) throws {
    let text = try String(contentsOfFile: job.path, encoding: .utf8)
    try text.replacing("epochs: \(from)", with: "epochs: \(to)")
      .write(toFile: job.path, atomically: true, encoding: .utf8)
  }

  @Test(
    "members go on from where they stand, and become what a run with more epochs would have made", arguments: recipes)
  func goOn(_ training: String) throws {
    let straight = try job("epochs-straight", training, epochs: 5)
    try straight.succeed()
    let raised = try job("epochs-raised", training, epochs: 2)
    try raised.succeed(ranks: 2)
    try raise(raised, from: 2, to: 5)
    let plan = try EndToEnd.run(["check", raised.path, "--threads", "1"])
    #expect(plan.output.contains("members 0, 1: 2 of 5 epochs are done; they go on from there."), "\(plan.output)")
    let ended = try EndToEnd.run(["run", raised.path, "--threads", "1", "--overwrite"], ranks: 2)
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(ended.errors.contains("2 of 5 epochs are done") && ended.errors.contains("training 2 members"))
    for member in 0..<2 {
      #expect(try EndToEnd.bytes(raised.member(member)) == EndToEnd.bytes(straight.member(member)))
    }
    #expect(try EndToEnd.difference(raised.results, straight.results) == "")
  }

  @Test("a schedule over all epochs, and a state that is gone, are told, and nothing is trained")
  func refused() throws {
    let cosine = try job("epochs-cosine", ", schedule: {name: cosine}", epochs: 1)
    try cosine.succeed()
    #expect(try EndToEnd.contents(cosine.memberFolder).filter { $0.contains("checkpoint") } == [])
    try raise(cosine, from: 1, to: 2)
    let before = try EndToEnd.bytes(cosine.member(0))
    let ended = try EndToEnd.run(["run", cosine.path, "--threads", "1"])
    #expect(ended.status == 1)
    let first = try EndToEnd.run(["train", cosine.path, "--threads", "1"])
    #expect(first.status == 1 && first.errors.contains("1 of 2 epochs") && first.errors.contains("cosine"))
    #expect(first.errors.contains("--overwrite"))
    #expect(try EndToEnd.bytes(cosine.member(0)) == before)
    let gone = try job("epochs-gone", "", epochs: 1)
    try gone.succeed()
    for name in try EndToEnd.contents(gone.memberFolder) where name.contains("checkpoint") {
      try FileManager.default.removeItem(atPath: gone.memberFolder + "/" + name)
    }
    try raise(gone, from: 1, to: 2)
    let told = try EndToEnd.run(["train", gone.path, "--threads", "1"])
    #expect(told.status == 1 && told.errors.contains("member-0000.h5.checkpoint, is not there"))
    let again = try EndToEnd.run(["train", gone.path, "--threads", "1", "--overwrite"])
    #expect(again.status == 0, "\(again.errors)")
  }

  @Test("fewer epochs are another training")
  func fewer() throws {
    let job = try job("epochs-fewer", "", epochs: 2)
    try job.succeed()
    try raise(job, from: 2, to: 1)
    let ended = try EndToEnd.run(["train", job.path, "--threads", "1"])
    #expect(ended.status == 1 && ended.errors.contains("training.epochs is 1 and was 2"))
    let again = try EndToEnd.run(["train", job.path, "--threads", "1", "--overwrite"])
    let straight = try self.job("epochs-one", "", epochs: 1)
    try straight.succeed("train")
    #expect(again.status == 0, "\(again.errors)")
    #expect(try EndToEnd.bytes(job.member(0)) == EndToEnd.bytes(straight.member(0)))
  }
}
