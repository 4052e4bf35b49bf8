import Foundation
import TestSupport
import Testing

/// `mpirun` is killed by SIGKILL, or one of its ranks crashes, while ranks train.
@Suite struct EndToEndKilledLauncherTests {
  private func children(of process: Int32) -> [Int32] {
    let text = try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
    return (text ?? "").split(separator: " ").compactMap { Int32($0) }
  }

  private func isAlive(_ process: Int32) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
    return !text.contains(") Z")
  }

  @Test("the next start removes the shared memory and the session that a killed mpirun left")
  func leftovers() throws {
    var job = try EndToEndJob.tiny("killed")
    job.epochs = 100_000
    job.training = ", checkpoint: 0"
    try job.write()
    let place = try EndToEnd.makeFolder("k")
    let (sessions, segments) = (place + "/t", place + "/s")
    for folder in [sessions, segments] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    let mpirun = try #require(program("mpirun"), "there is no mpirun in PATH")
    let settings = [
      "/usr/bin/env", "TMPDIR=\(sessions)", "OMPI_MCA_orte_tmpdir_base=\(sessions)",
      "OMPI_MCA_btl_vader_backing_directory=\(segments)",
    ]
    var ranks: [Int32] = []
    let command = [mpirun, "-n", "2", "--oversubscribe", "--bind-to", "none", EndToEnd.tutti, "train", job.path]
    let killed = try EndToEnd.execute(settings + command + ["--threads", "1"]) { mpirun in
      guard ranks.isEmpty, try EndToEnd.contents(segments).count >= 2 else { return }
      ranks = children(of: mpirun.processIdentifier)
      kill(mpirun.processIdentifier, SIGKILL)
    }
    try #require(killed.status == SIGKILL && ranks.count == 2)
    let left = try EndToEnd.contents(segments) + EndToEnd.contents(sessions)
    try #require(!left.isEmpty, "Open MPI left nothing; the test tests nothing")
    // Ranks that have lost their mpirun end by themselves.
    for rank in ranks { while isAlive(rank) { usleep(10_000) } }
    // The program starts, and ends at once: there is no such job.
    let next = try EndToEnd.execute(settings + [EndToEnd.tutti, "train", place + "/none.yaml"])
    #expect(next.status == 1)
    #expect(try EndToEnd.contents(segments) == [])
    #expect(try EndToEnd.contents(sessions).filter { $0.contains("/pid.") } == [])
  }

  @Test("a rank that crashes ends the run at once")
  func crash() throws {
    var job = try EndToEndJob.tiny("crash")
    job.epochs = 100_000
    try job.write()
    var isStruck = false
    let began = ContinuousClock.now
    let ended = try EndToEnd.run(["train", job.path, "--threads", "1", "--stall-seconds", "3600"], ranks: 2) { mpirun in
      guard !isStruck, ContinuousClock.now - began > .seconds(3) else { return }
      let ranks = children(of: mpirun.processIdentifier)
      guard ranks.count == 2 else { return }
      isStruck = kill(ranks[1], SIGSEGV) == 0
    }
    #expect(isStruck && ended.status != 0)
    #expect(ended.errors.contains("signal 11"), "\(ended.errors)")
    #expect(!ended.errors.contains("backtrace"), "\(ended.errors)")
  }
}
