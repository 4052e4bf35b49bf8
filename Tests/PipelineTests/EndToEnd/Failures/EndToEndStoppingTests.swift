import Foundation
import HDF5
import TestSupport
import Testing

/// Runs that are stopped, lose a member, or are divided among several: what they end with, and that they go on.
@Suite("End to end: stops and restarts", .serialized)
struct EndToEndStoppingTests {
  /// Two members that train for some seconds, with a checkpoint after every tenth step.
  private func job(_ name: String) throws -> EndToEndJob {
    var job = try EndToEndJob.tiny(name)
    job.epochs = 400
    job.training = ", checkpoint-steps: 10"
    try job.write()
    return job
  }

  private func copy(_ job: EndToEndJob, _ name: String) throws -> EndToEndJob {
    let copy = try job.copy(name)
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: copy.folder + "/data.h5")
    return copy
  }

  private func expectSame(_ a: EndToEndJob, _ b: EndToEndJob) throws {
    #expect(try EndToEnd.difference(a.results, b.results) == "")
    for member in 0..<2 {
      #expect(try EndToEnd.bytes(a.member(member)) == EndToEnd.bytes(b.member(member)), "member \(member)")
    }
    // Each member keeps its last state; nothing else is left.
    let left = try EndToEnd.contents(a.folder).filter { $0.contains(".checkpoint") || $0.hasSuffix(".part") }
    #expect(left == (0..<2).map { "results/result.members/member-000\($0).h5.checkpoint" })
  }

  @Test("a signal to tutti run --ranks stops all ranks with status 75, and other ranks go on to the same bits")
  func signals() throws {
    let straight = try job("straight")
    try straight.succeed(ranks: nil)
    let stopped = try copy(straight, "stopped")
    var isTold = false
    let ended = try EndToEnd.run(["run", stopped.path, "--threads", "1", "--ranks", "2"]) { process in
      let files = (try? EndToEnd.contents(stopped.memberFolder)) ?? []
      guard !isTold, files.contains(where: { $0.hasSuffix(".checkpoint") }) else { return }
      isTold = kill(process.processIdentifier, SIGTERM) == 0
    }
    #expect(isTold && ended.status == 75, "\(ended.errors)")
    #expect(
      ended.messages.last == "stopped, as a signal asked. What is done is kept; the same command goes on from it.",
      "\(ended.errors)")
    try #require(!FileManager.default.fileExists(atPath: stopped.results), "the run was to be stopped while it trained")
    #expect(!FileManager.default.fileExists(atPath: stopped.results + ".lock"))
    try stopped.succeed(ranks: 3)
    try expectSame(stopped, straight)
  }

  @Test("members that several runs train are those of one run, and collect refuses while one is missing")
  func members() throws {
    var whole = try EndToEndJob.tiny("whole")
    whole.epochs = 3
    try whole.write()
    try whole.succeed(ranks: nil)
    let parts = try copy(whole, "parts")
    for range in ["1", "0..0"] {
      let ended = try EndToEnd.run(["train", parts.path, "--threads", "1", "--members", range])
      #expect(ended.status == 0, "\(ended.errors)")
      guard range == "1" else { continue }
      let early = try EndToEnd.run(["collect", parts.path, "--threads", "1"], ranks: 2)
      #expect(early.status != 0 && early.messages.count == 1)
      #expect(early.messages[0].hasPrefix("1 of 2 members are not trained (0)"), "\(early.errors)")
    }
    // As when a run is killed between storing a member and removing its checkpoints.
    try "old".write(toFile: parts.member(1) + ".checkpoint.previous", atomically: true, encoding: .utf8)
    let rest = try parts.succeed("collect", ranks: nil)
    #expect(rest.errors.contains("2 of 2 members are trained already."))
    try expectSame(parts, whole)
    let wrong = try EndToEnd.run(["train", parts.path, "--members", "1..2"])
    #expect(wrong.messages == ["there is no member 2; the job has members 0 to 1."])
    // Another seed is another job, which begins anew when it is told to.
    var other = parts
    other.seed = 2
    try other.write()
    #expect(try EndToEnd.run(["train", other.path, "--threads", "1"]).errors.contains("training.seed is 2 and was 1"))
    let anew = try EndToEnd.run(["run", other.path, "--threads", "1", "--restart-from-scratch"])
    #expect(anew.status == 0, "\(anew.errors)")
    #expect(try EndToEnd.bytes(other.member(0)) != EndToEnd.bytes(whole.member(0)))
  }

  @Test("a run goes on without a member that failed, if enough remain, and names its cause and seed")
  func failedMember() throws {
    var job = try EndToEndJob.tiny("failed")
    // A member that cannot be written: its temporary name is a folder's.
    let obstacle = job.member(1) + ".part"
    try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: true)
    let all = try EndToEnd.run(["run", job.path, "--threads", "1"])
    #expect(all.status == 1 && all.errors.contains("member 1 stopped: "), "\(all.errors)")
    #expect(try String(contentsOfFile: job.member(1) + ".failed", encoding: .utf8).contains("\"seed\" : 1"))
    let text = job.text.replacing("ranks-per-member: 1}", with: "ranks-per-member: 1, minimum-members: 1}")
    try text.write(toFile: job.path, atomically: true, encoding: .utf8)
    let some = try EndToEnd.run(["run", job.path, "--threads", "1"], ranks: 2)
    #expect(some.status == 0, "\(some.errors)")
    #expect(some.errors.contains("warning: member 1 is left out (seed 1): "))
    #expect(try File(opening: job.results).read("entry/members/member", as: Int.self) == [0])
    try FileManager.default.removeItem(atPath: obstacle)
    let again = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"])
    #expect(again.status == 0, "\(again.errors)")
    #expect(try File(opening: job.results).read("entry/members/member", as: Int.self) == [0, 1])
    #expect(!FileManager.default.fileExists(atPath: job.member(1) + ".failed"))
    job.members = 2
  }

  @Test("the doctor finds ranks, files and exchange in order, and a folder that cannot be written not")
  func doctor() throws {
    let job = try EndToEndJob.tiny("doctor")
    let ended = try EndToEnd.run(["doctor", job.path, "--threads", "1"], ranks: 2)
    #expect(ended.status == 0 || ended.output.contains("threads share"), "\(ended.output)\(ended.errors)")
    for line in [
      "ok       ranks          2 ranks on 1 node", "ok       program ", "ok       folder ", "ok       writing ",
      " exchange ",
    ] {
      #expect(ended.output.contains(line), "\(ended.output)")
    }
    #expect(try EndToEnd.contents(job.folder).filter { $0.contains("doctor") } == [])
    let nowhere = try EndToEnd.run(["doctor", "--folder", job.path + "/in-a-file"])
    #expect(nowhere.status == 1 && nowhere.output.contains("problem  folder "), "\(nowhere.output)")
  }

  @Test("submit writes a batch script that asks for what the plan says")
  func submit() throws {
    let job = try EndToEndJob.tiny("submit")
    let scripts = URL(fileURLWithPath: EndToEnd.cement).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("slurm").path
    let ended = try EndToEnd.run([
      "submit", job.path, "--nodes", "2", "--ntasks-per-node", "4", "--scripts", scripts, "--dry-run",
    ])
    #expect(ended.status == 0, "\(ended.errors)")
    for line in [
      "#SBATCH --job-name=end-to-end", "#SBATCH --nodes=2", "#SBATCH --ntasks-per-node=4",
      "#SBATCH --signal=B:USR1@120",
      "source '\(scripts)/launch.sh'", "launch run '\(job.path)'",
    ] {
      #expect(ended.output.contains(line + "\n"), "\(ended.output)")
    }
    #expect(ended.output.contains(try Regex("#SBATCH --time=[0-9]+\n#SBATCH --signal")), "\(ended.output)")
    #expect(try EndToEnd.contents(job.folder).filter { $0.hasSuffix(".sbatch") } == [])
  }
}
