import Foundation
import HDF5
import Host
import JobFiles
import MessagePassing
import TestSupport
import Testing

@testable import Pipeline

/// A command opens of a job what it needs, and no more.
@Suite("End to end: what a command opens")
struct EndToEndOpeningTests {
  @Test("draw and simulate answer for a job whose training no machine has memory for, and read no pixel")
  func drawAndSimulate() throws {
    var job = try EndToEndJob.tiny("enormous")
    // Shapes alone: 230 GB of images, of which no chunk was written.
    let file = try File(creating: job.folder + "/shapes.h5")
    let shape = [16, 60_000, 60_000]
    let layout = Layout.chunked([1, 1000, 1000])
    _ = try file.root.createDataset("images", of: Float.self, shape: shape, layout: layout)
    _ = try file.root.createDataset("labels", of: UInt8.self, shape: shape, layout: layout)
    try file.close()
    job.images = "shapes.h5:/images"
    job.labels = "shapes.h5:/labels"
    job.split = "{train: 0.5, calibrate: 0.25, test: 0.25}"
    job.patch = [50_000, 50_000]
    (job.batch, job.shards) = (64, 1)
    job.network = "{family: tunet, depth: 3, base-channels: 64}"
    try job.write()
    let drawing = try EndToEnd.run(["draw", job.path])
    #expect(drawing.status == 0, "\(drawing.errors)")
    #expect(drawing.output.hasPrefix("digraph"))
    let simulation = try EndToEnd.run(["simulate", job.path, "--ranks", "8"])
    #expect(simulation.status == 0, "\(simulation.errors)")
    #expect(simulation.output.contains("makespan"))
  }

  @Test("draw and simulate answer for data that training refuses", arguments: ["broken", "odd"])
  func unreadPixels(_ dataset: String) throws {
    var job = try EndToEndJob.tiny("unread")
    if dataset == "odd" { job.labels = "data.h5:/odd" } else { job.images = "data.h5:/broken" }
    try job.write()
    #expect(try EndToEnd.run(["draw", job.path]).status == 0)
    #expect(try EndToEnd.run(["simulate", job.path, "--ranks", "2"]).status == 0)
    #expect(try EndToEnd.run(["check", job.path]).status != 0)
  }

  @Test("only what trains is refused for want of memory to train; check tells it")
  @MainActor func memory() throws {
    let job = try EndToEndJob.tiny("memory")
    try job.succeed(ranks: nil)
    var options = Run.Options()
    options.threads = 1
    options.memory = HostFacts.Memory(available: 1000)
    func open() throws -> Run {
      try Run(JobFile(path: job.path), over: try MPI.initialize(), options: options, log: .silent)
    }
    let plan = try open().plan(ranks: 1).description
    #expect(plan.contains("training would be refused: the job needs "), "\(plan)")
    _ = try open().network(ofMember: 0).dot()
    _ = try open().evaluate()
    // Nothing is left to train.
    try open().train()
    try FileManager.default.removeItem(atPath: job.member(1))
    let failure = #expect(throws: RemoteFailure.self) { try open().train() }
    #expect(failure?.message.hasPrefix("the job needs ") == true)
  }
}
