import Foundation
import HDF5
import TestSupport
import Testing

/// Ranks that differ in what decides the bits: told before training, or noted where they may differ.
@Suite("End to end: unequal ranks")
struct EndToEndUnequalRanksTests {
  /// Starts two commands as the two ranks of one run.
  private func runBoth(_ first: [String], _ second: [String], options: [String] = []) throws -> Ended {
    let mpirun = try #require(program("mpirun"))
    let common = ["--oversubscribe", "--bind-to", "none"]
    return try EndToEnd.execute([mpirun] + common + ["-n", "1"] + first + [":", "-n", "1"] + options + second)
  }

  @Test("ranks with different job files stop before any work")
  func differentJobs() throws {
    let job = try EndToEndRanksTests.job(.smsnet, volume: false, scope: "batch")
    let text = try String(contentsOfFile: job.path, encoding: .utf8)
    let other = job.folder + "/other.yaml"
    try text.replacingOccurrences(of: "epochs: 2", with: "epochs: 3").write(
      toFile: other, atomically: true, encoding: .utf8)
    let ended = try runBoth([EndToEnd.tutti, "run", job.path], [EndToEnd.tutti, "run", other])
    #expect(ended.status != 0)
    #expect(
      ended.messages == [
        "rank 1 and rank 0 do not read the same: the job files differ: training.epochs is 3 and on rank 0 it is 2. Give all "
          + "ranks the same files."
      ])
    #expect(!FileManager.default.fileExists(atPath: job.memberFolder))
  }

  @Test("ranks with different programs stop before any work")
  func differentPrograms() throws {
    let job = try EndToEndRanksTests.job(.smsnet, volume: false, scope: "batch")
    let other = job.folder + "/tutti"
    try FileManager.default.copyItem(atPath: EndToEnd.tutti, toPath: other)
    let handle = try #require(FileHandle(forWritingAtPath: other))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("another program".utf8))
    try handle.close()
    let ended = try runBoth([EndToEnd.tutti, "run", job.path], [other, "run", job.path])
    #expect(ended.status != 0)
    #expect(
      ended.messages == [
        "the ranks do not run the same program: the file of tutti differs between nodes. Install the same one on all nodes."
      ])
    #expect(!FileManager.default.fileExists(atPath: job.memberFolder))
  }

  @Test("ranks on unequal processors are told so, and the results name both")
  func unequalProcessors() throws {
    let job = try EndToEndRanksTests.job(.smsnet, volume: false, scope: "batch", members: 2)
    let command = [EndToEnd.tutti, "run", job.path, "--threads", "1"]
    let ended = try runBoth(command, command, options: ["-x", "TUTTI_ISA=portable"])
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(ended.errors.contains("the ranks run on unequal processors ("))
    #expect(ended.errors.contains("bits may differ"))
    let processors = try File(opening: job.results).group("entry/provenance").readStrings("processors")
    #expect(processors.count == 2 && processors.contains { $0.contains("portable kernels") })
  }
}
