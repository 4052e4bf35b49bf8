import ArgumentParser
import Foundation
import JobFiles
import Pipeline

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Look at the ranks, nodes and file system that a run would have.",
    discussion: """
      Started as a run is: under mpirun or srun, or with --ranks. Each finding is ok, a warning or a problem with its \
      remedy; with a problem the exit status is 1.

        mpirun -n 8 tutti doctor jobs/cement.yaml
        srun --mpi=pmix tutti doctor --folder /scratch/me
      """)

  @Argument(
    help: "A job file, whose needs in memory and space are looked at too.",
    completion: .file(extensions: ["yaml", "yml"]))
  var job: String?

  @Option(help: "The folder that results go to (default: the job's, else this one).", completion: .directory)
  var folder: String?

  @OptionGroup(title: "Output") var figures: FigureOptions
  @OptionGroup(title: "Where it runs") var launch: LaunchOptions

  func run() throws {
    var hasProblem = false
    try launch.session { world in
      var need: Doctor.Need?
      var folder = folder ?? "."
      if let job {
        let file = try world.agree { try JobFile(path: job) }
        var options = Run.Options()
        options.threads = launch.threads
        let run = try Run(file, over: world, options: options, log: ProgressDisplay(rank: world.rank).log)
        let estimate = try run.estimate(ranks: world.size, threads: launch.threads ?? 1, speed: 2e10)
        need = Doctor.Need(memory: estimate.memory, disk: estimate.disk)
        if self.folder == nil { folder = run.paths.folder }
      }
      let findings = try Doctor(over: world, folder: folder, threads: launch.threads, need: need).findings()
      hasProblem = findings.contains { $0.state == .problem }
      if world.rank == 0 { try figures.tell(findings, text: findings.map(\.lines).joined(separator: "\n")) }
    }
    if hasProblem { Foundation.exit(1) }
  }
}
