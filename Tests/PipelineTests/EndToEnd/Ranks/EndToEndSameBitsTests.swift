import Foundation
import HDF5
import TestSupport
import Testing

/// One job gives one answer: on any number of ranks and threads, after a kill, and stage by stage.
@Suite("End to end: same bits")
struct EndToEndSameBitsTests {
  /// What all other runs of a job are compared with: one rank, one thread.
  struct Reference: Sendable {
    let job: EndToEndJob
    let ended: Ended

    init(_ job: EndToEndJob) throws {
      self.job = job
      ended = try job.succeed(ranks: nil)
    }

    static let volume = Result { try Reference(.volume("volume")) }
    static let stack = Result { try Reference(.stack("stack")) }
  }

  /// Expects results, members and calibration of two runs to be equal.
  func expectSame(_ job: EndToEndJob, _ reference: EndToEndJob, sourceLocation: SourceLocation = #_sourceLocation)
    throws
  {
    for (path, other) in [(job.results, reference.results), (job.calibration, reference.calibration)] {
      let difference = try EndToEnd.difference(path, other)
      #expect(difference == "", sourceLocation: sourceLocation)
    }
    #expect(
      try EndToEnd.bytes(job.calibration) == EndToEnd.bytes(reference.calibration), sourceLocation: sourceLocation)
    for member in 0..<job.members {
      let isSame = try EndToEnd.bytes(job.member(member)) == EndToEnd.bytes(reference.member(member))
      #expect(isSame, "member \(member)", sourceLocation: sourceLocation)
    }
    let left = try EndToEnd.contents(job.folder).filter { $0.hasSuffix(".part") }
    #expect(left.isEmpty, sourceLocation: sourceLocation)
  }

  /// Expects that each of the ranks trained a member.
  func expectPlacement(
    _ job: EndToEndJob, ranks: Int, threads: Int, sourceLocation: SourceLocation = #_sourceLocation
  )
    throws
  {
    let provenance = try File(opening: job.results).group("entry/provenance")
    #expect(try provenance.read("ranks", as: Int.self) == [ranks], sourceLocation: sourceLocation)
    #expect(try provenance.read("threads", as: Int.self) == [threads], sourceLocation: sourceLocation)
    let workers = try provenance.read("trained_on_rank", as: Int.self)
    // On a busy machine a rank may come too late for a member of its own.
    #expect(Set(workers).isSubset(of: 0..<ranks), sourceLocation: sourceLocation)
    #expect(
      try provenance.read("trained_member", as: Int.self).sorted() == Array(0..<job.members),
      sourceLocation: sourceLocation)
  }

  struct Placement: Sendable, CustomTestStringConvertible {
    let ranks: Int
    let threads: Int
    init(_ ranks: Int, _ threads: Int) { (self.ranks, self.threads) = (ranks, threads) }
    var testDescription: String { "\(ranks) ranks of \(threads) threads" }
  }

  @Test(
    "a volume's results do not differ between 1, 2, 3 and 4 ranks of 1 and 2 threads",
    arguments: ProcessInfo.processInfo.environment["TUTTI_ALL"] == nil
      ? [Placement(1, 2), Placement(2, 1), Placement(3, 2), Placement(4, 1)]
      : [(1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2)].map { Placement($0, $1) })
  func volume(_ placement: Placement) throws {
    let reference = try Reference.volume.get().job
    let job = try reference.copy("volume")
    try job.succeed(ranks: placement.ranks, threads: placement.threads)
    try expectSame(job, reference)
    try expectPlacement(job, ranks: placement.ranks, threads: placement.threads)
  }

  @Test(
    "a stack's results do not differ between 1, 2, 3 and 4 ranks of 1 and 2 threads",
    arguments: [Placement(2, 2), Placement(3, 1), Placement(4, 2)])
  func stack(_ placement: Placement) throws {
    let reference = try Reference.stack.get().job
    let job = try reference.copy("stack")
    try job.succeed(ranks: placement.ranks, threads: placement.threads)
    try expectSame(job, reference)
    try expectPlacement(job, ranks: placement.ranks, threads: placement.threads)
  }

  @Test("members learn, and differ from each other", arguments: [true, false])
  func membersLearn(isVolume: Bool) throws {
    let job = try (isVolume ? Reference.volume : Reference.stack).get().job
    var parameters: Set<[Float]> = []
    for member in 0..<job.members {
      let file = try File(opening: job.member(member))
      let losses = try file.read("history/loss", as: Double.self)
      #expect(losses.count == job.epochs)
      #expect(try #require(losses.last) < losses[0], "member \(member)")
      let group = try file.group("parameters")
      parameters.insert(try group.names().flatMap { try group.read($0, as: Float.self) })
      let drawn = try file.read("bootstrap/drawn", as: Int.self)
      #expect(Set(drawn).count < drawn.count, "a bootstrap sample draws something twice")
    }
    #expect(parameters.count == job.members)
    let spread = try File(opening: job.results).read("entry/prediction/mean_errors", as: Float.self)
    #expect(spread.contains { $0 > 0 })
  }

  @Test("another seed gives another answer, so that the comparison can fail")
  func otherSeed() throws {
    let reference = try Reference.volume.get().job
    var job = reference
    job.folder = try EndToEnd.makeFolder("seed")
    job.seed = 2
    try job.write()
    try job.succeed(ranks: 2)
    #expect(try EndToEnd.difference(job.results, reference.results) != "")
  }

  @Test("a rank that is killed ends the run, and the same command goes on to the same bits")
  func restart() throws {
    let reference = try Reference.volume.get().job
    let job = try reference.copy("restart")
    var isKilled = false
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1"], ranks: 2) { mpirun in
      guard !isKilled, (0..<4).contains(where: { FileManager.default.fileExists(atPath: job.member($0)) }) else {
        return
      }
      guard let rank = children(of: mpirun.processIdentifier).max() else { return }
      isKilled = kill(rank, SIGKILL) == 0
    }
    #expect(isKilled)
    #expect(ended.status != 0)
    #expect(!FileManager.default.fileExists(atPath: job.results))
    let kept = (0..<4).filter { FileManager.default.fileExists(atPath: job.member($0)) }
    try #require((1...3).contains(kept.count), "the run was to be killed while it trained")
    let before = try kept.map { try inode(job.member($0)) }
    let again = try job.succeed(ranks: 2)
    #expect(again.errors.contains("\(kept.count) of 4 members are trained already."))
    #expect(try kept.map { try inode(job.member($0)) } == before, "members that were there are kept")
    try expectSame(job, reference)
  }

  @Test("a run that is killed within a member goes on from the member's checkpoint to the same bits")
  func checkpoint() throws {
    var job = try EndToEndJob.tiny("checkpoint")
    job.members = 1
    job.epochs = 120
    job.training = ", checkpoint: 0, average: {}, keep: best, schedule: {name: cosine, per: step}, clip: {norm: 1}"
    try job.write()
    let straight = try job.copy("straight")
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: straight.folder + "/data.h5")
    try straight.succeed("train")
    let path = job.member(0) + ".checkpoint"
    #expect(!FileManager.default.fileExists(atPath: straight.member(0) + ".checkpoint"))
    let ended = try EndToEnd.run(["train", job.path, "--threads", "1"]) { process in
      if FileManager.default.fileExists(atPath: path) { kill(process.processIdentifier, SIGKILL) }
    }
    #expect(ended.status != 0)
    try #require(!FileManager.default.fileExists(atPath: job.member(0)), "the run was to be killed while it trained")
    try #require(FileManager.default.fileExists(atPath: path))
    try job.succeed("train")
    #expect(try EndToEnd.bytes(job.member(0)) == EndToEnd.bytes(straight.member(0)))
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("a trace shows what every rank did, and the summary how well they were used")
  func trace() throws {
    struct Trace: Decodable {
      struct Event: Decodable {
        let name: String
        let pid: Int
        let ts: Double?
        let dur: Double?
        let args: [String: Value]?
      }
      enum Value: Decodable {
        case text
        case number(Int)
        init(from decoder: Decoder) throws {
          let number = try? decoder.singleValueContainer().decode(Int.self)
          self = number.map { .number($0) } ?? .text
        }
      }
      let traceEvents: [Event]
    }
    let job = try EndToEndJob.tiny("trace")
    let path = job.folder + "/trace.json"
    let ended = try EndToEnd.run(["train", job.path, "--threads", "1", "--trace", path], ranks: 2)
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(ended.errors.contains("parallel efficiency"))
    let events = try JSONDecoder().decode(Trace.self, from: EndToEnd.bytes(path)).traceEvents
    for rank in 0..<2 {
      let own = events.filter { $0.pid == rank }
      #expect(Set(own.map(\.name)).isSuperset(of: ["process_name", "load", "forward", "backward", "update", "write"]))
      #expect(own.filter { $0.name == "forward" }.count == own.filter { $0.name == "backward" }.count)
      #expect(own.allSatisfy { ($0.ts ?? 0) >= 0 && ($0.dur ?? 0) >= 0 })
    }
  }

  @Test("train, calibrate, predict and evaluate one by one give what run gives")
  func stages() throws {
    let reference = try Reference.volume.get()
    let job = try reference.job.copy("stages")
    try job.succeed("train", ranks: 2)
    try job.succeed("calibrate", ranks: 3)
    try job.succeed("predict", ranks: nil, threads: 2)
    #expect(try !File(opening: job.results).exists("entry/evaluation"))
    let evaluated = try job.succeed("evaluate", ranks: 2)
    try expectSame(job, reference.job)
    let table = try #require(evaluated.output.components(separatedBy: "\nLog: ").first)
    #expect(table.contains("ensemble"))
    #expect(reference.ended.output.hasPrefix(table), "the table of evaluate is that of run")
    // What is done is not done again, and an evaluation replaces the one before.
    let trained = try job.succeed("train")
    #expect(trained.errors.contains("4 of 4 members are trained already."))
    try job.succeed("evaluate")
    try expectSame(job, reference.job)
  }

  /// The processes that a process has started.
  private func children(of parent: Int32) -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int32.init).filter { process in
      guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
        // The name stands in brackets and may hold anything.
        let end = text.lastIndex(of: ")")
      else { return false }
      let fields = text[text.index(after: end)...].split(separator: " ")
      return fields.count > 1 && Int32(fields[1]) == parent
    }
  }

  private func inode(_ path: String) throws -> UInt64 {
    var status = stat()
    try #require(stat(path, &status) == 0)
    return UInt64(status.st_ino)
  }
}
