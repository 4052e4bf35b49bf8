import ArgumentParser
import Foundation
import JobFiles
import Pipeline

#if canImport(Glibc)
  import Glibc
#endif

struct SubmitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Write a Slurm batch script for a job, with time and memory from its plan, and submit it.",
    discussion: """
      The script reads slurm/launch.sh, as slurm/train.sbatch does: a run that is stopped goes back into the queue.

        tutti submit jobs/cement.yaml --nodes 2 --ntasks-per-node 8 --cpus-per-task 4 --dry-run
      """)

  @Argument(help: "The job file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
  var job: String

  @OptionGroup(title: "As sbatch takes them") var slurm: SlurmOptions

  @Option(help: "Speed of a thread in GFLOP/s, for the estimate; tutti bench step measures it.")
  var gflops = 20.0

  @Option(
    help: "The folder of launch.sh (default: slurm, here or beside the program's sources).", completion: .directory)
  var scripts: String?

  @Flag(help: "Print the script, and submit nothing.")
  var dryRun = false

  func validate() throws {
    guard gflops > 0 else { throw ValidationError("--gflops is above 0.") }
  }

  func run() throws {
    var script = ""
    var path = ""
    try Session.run { world in
      guard world.size == 1 else { throw ValidationError("submit runs by itself, not under mpirun or srun.") }
      let file = try JobFile(path: job)
      let run = try Run(file, over: world, log: ProgressDisplay(rank: 0).log)
      let estimate = try run.estimate(
        ranks: slurm.nodes * slurm.ntasksPerNode, threads: slurm.cpusPerTask, speed: 1e9 * gflops)
      script = try text(estimate, name: file.job.name)
      path = run.paths.script
      guard !dryRun else { return }
      do {
        try FileManager.default.createDirectory(atPath: run.paths.folder, withIntermediateDirectories: true)
        try script.write(toFile: path, atomically: true, encoding: .utf8)
      } catch {
        throw ValidationError("\(path) could not be written: \(error.localizedDescription)")
      }
    }
    guard !dryRun else { return print(script, terminator: "") }
    print("Script: \(path)")
    fflush(nil)
    let words: [String] = ["sbatch", path]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    execvp("sbatch", &arguments)
    throw ValidationError("sbatch cannot be started: \(String(cString: strerror(errno))). The script is \(path).")
  }

  private func text(_ estimate: Run.Estimate, name: String) throws -> String {
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    let minutes = Int((estimate.seconds / 60).rounded(.up))
    // A third more than the plan says, for libraries and the system.
    let megabytes = Int((1.3 * Double(estimate.memory) / Double(slurm.cpusPerTask) / 1e6).rounded(.up)) + 300
    var lines = ["#!/usr/bin/env bash", "# Written by ‘tutti submit’ for \(absolute(job))."]
    lines.append(
      "# By its plan: about \(minutes) min of training at \(gflops) GFLOP/s a thread, "
        + "\(estimate.memory / 1_000_000) MB a rank, \(estimate.disk / 1_000_000) MB of files.")
    var options = [
      "job-name=\(String(name.map { $0.isLetter || $0.isNumber ? $0 : "-" }))", "nodes=\(slurm.nodes)",
      "ntasks-per-node=\(slurm.ntasksPerNode)", "cpus-per-task=\(slurm.cpusPerTask)", "mem-per-cpu=\(megabytes)M",
      "time=\(slurm.time ?? "\(min(2 * minutes + 10, 7 * 24 * 60))")", "signal=B:USR1@120", "requeue",
      "open-mode=append",
      "output=%x-%j.log",
    ]
    if let partition = slurm.partition { options.append("partition=\(partition)") }
    if let account = slurm.account { options.append("account=\(account)") }
    lines += options.map { "#SBATCH --\($0)" }
    lines += [
      "set -euo pipefail", "export TUTTI=${TUTTI:-\(quoted(absolute(program)))}",
      "source \(quoted(try launchScript(program)))", "launch run \(quoted(absolute(job)))",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  /// Where `launch.sh` is.
  private func launchScript(_ program: String) throws -> String {
    // A program that was built here lies in .build/x86_64-…/release.
    var folders = [scripts ?? "slurm"]
    var folder = URL(fileURLWithPath: program)
    for _ in 0..<4 {
      folder.deleteLastPathComponent()
      if scripts == nil { folders.append(folder.path + "/slurm") }
    }
    for folder in folders where access(folder + "/launch.sh", R_OK) == 0 { return absolute(folder + "/launch.sh") }
    throw ValidationError("there is no \(folders[0])/launch.sh; name the repository's folder slurm by --scripts.")
  }

  private func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

  private func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}

/// What a batch script asks Slurm for; the names are those of sbatch.
struct SlurmOptions: ParsableArguments {
  @Option(help: "Nodes.")
  var nodes = 1

  @Option(help: "Ranks of each node.")
  var ntasksPerNode = 1

  @Option(help: "Threads of each rank.")
  var cpusPerTask = 1

  @Option(help: "The partition.")
  var partition: String?

  @Option(help: "The account.")
  var account: String?

  @Option(help: "The time limit, as sbatch takes it (default: twice the estimate and ten minutes).")
  var time: String?

  func validate() throws {
    for (name, value) in [("nodes", nodes), ("ntasks-per-node", ntasksPerNode), ("cpus-per-task", cpusPerTask)] {
      guard (1...100_000).contains(value) else { throw ValidationError("--\(name) is at least 1.") }
    }
    for text in [partition, account, time].compactMap(\.self) {
      guard !text.isEmpty, text.allSatisfy({ $0.isLetter || $0.isNumber || "_-:.,".contains($0) }) else {
        throw ValidationError("‘\(text)’ is no name or time that sbatch takes.")
      }
    }
  }
}
