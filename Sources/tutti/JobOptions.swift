import ArgumentParser
import JobFiles
import MessagePassing
import Pipeline

/// What all commands that work on a job take.
struct JobOptions: ParsableArguments {
  @Argument(
    help: "The job file (YAML); docs/job-file.md explains every key.", completion: .file(extensions: ["yaml", "yml"]))
  var job: String

  @OptionGroup var launch: LaunchOptions

  @Flag(help: "Replace results that exist, the calibration, and members of another job or other data.")
  var overwrite = false

  @Option(
    help: "Write what every rank did when in training to this file (Chrome trace: chrome://tracing, ui.perfetto.dev).",
    completion: .file(extensions: ["json"]))
  var trace: String?

  @Option(help: "Report ranks that train but were not heard of for this many seconds; longer than a step takes.")
  var stallSeconds = 300

  func validate() throws {
    guard stallSeconds >= 1 else { throw ValidationError("--stall-seconds is at least 1.") }
  }

  /// Opens the job on all ranks and does something with it.
  func withRun(_ body: (Run) throws -> Void) throws {
    try launch.session { world in
      Session.tellInterruptions()
      let file = try world.agree { try JobFile(path: job) }
      var options = Run.Options()
      options.overwrite = overwrite
      options.threads = launch.threads
      options.stallLimit = .seconds(stallSeconds)
      options.trace = trace
      let display = ProgressDisplay(isShown: world.rank == 0)
      let run = try Run(file, over: world, options: options, log: display.log)
      try body(run)
      try run.writeTrace()
    }
  }
}

/// Where a command runs.
struct LaunchOptions: ParsableArguments {
  @Option(help: "Start this many ranks on this machine, by mpirun; leave it out under mpirun or srun.")
  var ranks: Int?

  @Option(help: "Threads of each rank (default: its share of the cores it may use).")
  var threads: Int?

  func validate() throws {
    if let ranks, !(1...100_000).contains(ranks) { throw ValidationError("--ranks is at least 1.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads lies between 1 and 1024.") }
  }

  /// Runs `body` on all ranks; starts them first when that is asked for.
  func session(_ body: (Communicator) throws -> Void) throws {
    if let ranks { try Launcher.relaunch(ranks: ranks) }
    try Session.run(body)
  }
}
