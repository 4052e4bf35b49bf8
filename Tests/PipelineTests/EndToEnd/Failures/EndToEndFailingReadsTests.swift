import Foundation
import TestSupport
import Testing

/// The data are there, but from some read on the disk gives errors, on one rank of two.
@Suite struct EndToEndFailingReadsTests {
  /// The shim that makes reads fail, compiled once.
  static let shim = Result {
    let source = Golden.fixtures + "/faults/failing_reads.c"
    let library = try EndToEnd.makeFolder("shim") + "/failing_reads.so"
    let compiler = try #require(program("clang") ?? program("cc"), "there is no C compiler in PATH")
    let ended = try EndToEnd.execute([compiler, "-shared", "-fPIC", source, "-o", library, "-ldl"])
    try #require(ended.status == 0, "\(ended.errors)")
    return library
  }

  /// Runs the job on two ranks; on the second one, reads of its data fail from the given one on.
  private func run(_ job: EndToEndJob, failingFrom read: Int) throws -> (ended: Ended, reads: Int) {
    let mpirun = try #require(program("mpirun"), "there is no mpirun in PATH")
    let count = job.folder + "/reads"
    try? FileManager.default.removeItem(atPath: count)
    let faults = [
      "/usr/bin/env", "LD_PRELOAD=\(try Self.shim.get())", "FAIL_READS_OF=\(job.folder)/data.h5",
      "FAIL_READS_FROM=\(read)", "FAIL_READS_COUNT=\(count)",
    ]
    let command = [EndToEnd.tutti, "run", job.path, "--threads", "1"]
    let ended = try EndToEnd.execute(
      [mpirun, "--oversubscribe", "--bind-to", "none", "-n", "1"] + command + [":", "-n", "1"] + faults + command)
    let text = try? String(contentsOfFile: count, encoding: .utf8)
    let reads = text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    return (ended, try #require(reads, "status \(ended.status): \(ended.errors)"))
  }

  @Test("a rank whose read fails, whichever it is, ends the run in order, and the same command goes on")
  func everyRead() throws {
    let reference = try EndToEndJob.tiny("reads")
    let (whole, reads) = try run(reference, failingFrom: .max)
    try #require(whole.status == 0 && reads > 10, "\(whole.errors)")
    // Members stay, so that what is tested is all else.
    let job = try EndToEndJob.tiny("reads")
    try job.succeed("train")
    for read in stride(from: 1, through: reads, by: 2) {
      let (ended, failed) = try run(job, failingFrom: read)
      // How often a run reads varies a little: one that met no failure has made the results.
      guard failed >= read else { break }
      #expect(ended.status == 1, "read \(read): \(ended.errors)")
      #expect(ended.messages.count { $0.contains("data.h5") } == 1, "read \(read): \(ended.errors)")
      // One rank that ends the others by force would not let them close their files.
      #expect(!ended.errors.contains("MPI_ABORT"), "read \(read): \(ended.errors)")
      #expect(!FileManager.default.fileExists(atPath: job.results))
    }
    if !FileManager.default.fileExists(atPath: job.results) { try job.succeed(ranks: 2) }
    #expect(try EndToEnd.difference(job.results, reference.results) == "")
  }
}
