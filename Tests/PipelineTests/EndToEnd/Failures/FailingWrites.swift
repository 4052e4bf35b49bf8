import Foundation
import TestSupport
import Testing

/// The library that makes calls fail which write (`Tests/Faults/failing_writes.c`), built for a test.
struct FailingWrites: Sendable {
  private let shim: String

  init() throws {
    shim = try EndToEnd.makeFolder("shim") + "/failing_writes.so"
    let source = Repository.path("Tests/Faults/failing_writes.c")
    let compiler = try #require(program("cc") ?? program("clang"), "there is no C compiler in PATH")
    let built = try EndToEnd.execute([compiler, "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"])
    try #require(built.status == 0, "\(built.errors)")
  }

  /// Runs a job with a call that writes below its folder `results` failing.
  ///
  /// - Parameters:
  ///   - command: what is done with the job, with options.
  ///   - ranks: started by `mpirun`; nil: the program by itself.
  ///   - rank: whose calls count; nil: every process's.
  ///   - number: the call that fails; 0: none.
  ///   - count: a file to which the number of calls is added.
  func run(
    _ job: EndToEndJob, _ command: [String] = ["run"], ranks: Int?, rank: Int?, number: Int, kind: String,
    count: String? = nil
  ) throws -> Ended {
    let env = try #require(program("env"), "there is no env in PATH")
    let folder = URL(fileURLWithPath: job.folder).resolvingSymlinksInPath().path
    let settings =
      [
        "LD_PRELOAD=\(shim)", "FAULT_FOLDER=\(folder)/results", "FAULT_NUMBER=\(number)", "FAULT_KIND=\(kind)",
        "FAULT_COUNT=\(count ?? "/dev/null")",
      ] + (rank.map { ["FAULT_RANK=\($0)"] } ?? [])
    var start = [env]
    if let ranks {
      let mpirun = try #require(program("mpirun"), "there is no mpirun in PATH")
      start = [mpirun, "-n", "\(ranks)", "--oversubscribe", "--bind-to", "none", env]
    }
    start += settings + [EndToEnd.tutti] + command + [job.path, "--threads", "1"]
    return try EndToEnd.execute(start, seconds: 120)
  }

  /// How many calls the process made that made most, of a run that did not fail.
  static func calls(in file: String) -> Int {
    let text = try? String(contentsOfFile: file, encoding: .utf8)
    return text?.split(separator: "\n").compactMap { Int($0) }.max() ?? 0
  }
}
