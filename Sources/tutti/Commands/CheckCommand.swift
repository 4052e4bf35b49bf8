import ArgumentParser
import Host
import JobFiles
import Pipeline

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check a job file and its data, and print the plan and how long it takes.",
    discussion: """
        tutti check jobs/cement.yaml --for-ranks 8
      """)

  @Argument(help: "The job file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
  var job: String

  @Option(help: "Plan for this many ranks (default: the ranks that run).")
  var forRanks: Int?

  @Option(help: "Threads of each rank.")
  var threads: Int?

  @Option(
    help: ArgumentHelp("What each rank may take of memory, as in 2GiB.", valueName: "size"),
    transform: LaunchOptions.byteCount)
  var memory: ByteCount?

  @OptionGroup(title: "Output") var figures: FigureOptions

  func validate() throws {
    if let forRanks, forRanks < 1 { throw ValidationError("--for-ranks is at least 1.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads lies between 1 and 1024.") }
  }

  func run() throws {
    try Session.run { world in
      let file = try world.agree { try JobFile(path: job) }
      var options = Run.Options()
      options.threads = threads
      options.allowedMemory = memory
      let display = ProgressDisplay(rank: world.rank)
      defer { display.finish() }
      let run = try Run(file, over: world, options: options, log: display.log)
      let plan = try run.plan(ranks: forRanks ?? world.size)
      display.finish()
      if world.rank == 0 { try figures.tell(plan) }
    }
  }
}
