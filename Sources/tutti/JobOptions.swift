import ArgumentParser
import Host
import JobFiles
import MessagePassing
import Pipeline

#if canImport(Glibc)
  import Glibc
#endif

/// What all commands that work on a job take.
struct JobOptions: ParsableArguments {
  @Argument(
    help: "The job file (YAML); docs/job-file.md explains every key.", completion: .file(extensions: ["yaml", "yml"]))
  var job: String

  @OptionGroup(title: "Where it runs") var launch: LaunchOptions
  @OptionGroup(title: "Stopping") var stopping: StopOptions
  @OptionGroup(title: "Progress") var progress: ProgressOptions

  @Flag(help: "Replace results that exist, the calibration, and members of another job or other data.")
  var overwrite = false

  @Option(
    help: "Write what every rank did when in training to this file (Chrome trace: chrome://tracing, ui.perfetto.dev).",
    completion: .file(extensions: ["json"]))
  var trace: String?

  @Flag(
    help: ArgumentHelp(
      "Remove what earlier runs of the job left, members, checkpoints and calibration, and begin anew; results are "
        + "replaced when there are others."))
  var restartFromScratch = false

  @Flag(help: "Refuse to go on with members or checkpoints from another kind of processor, whose bits may differ.")
  var sameBits = false

  @Option(help: "Report ranks that train but were not heard of for this many seconds; longer than a step takes.")
  var stallSeconds = 300

  @Option(
    help: ArgumentHelp(
      "End the run when a rank that trains was not heard of for this many seconds, much longer than a step takes; 0: "
        + "never."))
  var lostSeconds = 1800

  func validate() throws {
    guard stallSeconds >= 1 else { throw ValidationError("--stall-seconds is at least 1.") }
    guard lostSeconds >= 0 else { throw ValidationError("--lost-seconds is at least 0.") }
  }

  /// Opens the job on all ranks and does something with it, of which rank 0 prints what it returns.
  ///
  /// - Parameters:
  ///   - members: those to train; nil: all.
  ///   - retrained: those that are trained anew.
  ///   - jobFile: the job file of what the user named.
  ///   - json: print the figures of the results as JSON instead.
  func withRun(
    members: ClosedRange<Int>? = nil, retraining retrained: Set<Int> = [],
    jobFile: (String) throws -> String = { $0 }, json: Bool = false, _ body: (Run) throws -> String
  ) throws {
    try launch.session(stopping) { world in
      let file = try world.agree { try JobFile(path: try jobFile(job)) }
      var options = Run.Options()
      options.overwrite = overwrite
      options.retrained = retrained
      options.threads = launch.threads
      options.allowedMemory = launch.memory
      options.stallLimit = .seconds(stallSeconds)
      options.trace = trace
      options.sameBits = sameBits
      options.restartsFromScratch = restartFromScratch
      options.lossLimit = lostSeconds > 0 ? .seconds(lostSeconds) : nil
      options.members = members
      let display = ProgressDisplay(rank: world.rank, style: progress.progress)
      // Before an error is told too.
      defer { display.finish() }
      let run = try Run(file, over: world, options: options, log: display.log)
      var text = try body(run)
      try run.writeTrace()
      display.finish()
      if access(run.paths.log, F_OK) == 0 { text += "\nLog: \(run.paths.log)" }
      guard world.rank == 0 else { return }
      if json {
        LogFile.write(text)
        print(try JSONText.text(ResultsSummary(run.paths.results)))
      } else {
        Session.tell(text)
      }
    }
  }
}

/// How a command prints what it came to.
struct FigureOptions: ParsableArguments {
  @Flag(help: "Print one JSON object (or list) with all figures, and nothing else.")
  var json = false

  /// Prints figures as they are asked for.
  ///
  /// - Parameters:
  ///   - text: what people read.
  ///   - isOnOneLine: of the JSON.
  /// - Throws: `EncodingError` when a number is not finite.
  func tell<Figures: Encodable>(
    _ figures: @autoclosure () throws -> Figures, text: @autoclosure () throws -> String, isOnOneLine: Bool = false
  ) throws {
    print(json ? try JSONText.text(figures(), isOnOneLine: isOnOneLine) : try text())
  }

  /// Prints figures that are a text too.
  ///
  /// - Throws: as `tell(_:text:isOnOneLine:)`.
  func tell(_ figures: some Encodable & CustomStringConvertible, isOnOneLine: Bool = false) throws {
    try tell(figures, text: "\(figures)", isOnOneLine: isOnOneLine)
  }
}

/// How a command tells how far it is.
struct ProgressOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How progress is told on standard error: auto (lines written over on a terminal, else plain), plain, json or none.",
      valueName: "style"))
  var progress = ProgressStyle.auto
}

/// Where a command runs.
struct LaunchOptions: ParsableArguments {
  @Option(help: "Start this many ranks on this machine, by mpirun; leave it out under mpirun or srun.")
  var ranks: Int?

  @Option(help: "Threads of each rank (default: its share of the cores it may use).")
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "What each rank may take of memory, as in 2GiB: work that needs more is refused, caches follow from it, results do "
        + "not depend on it.", valueName: "size"), transform: LaunchOptions.byteCount)
  var memory: ByteCount?

  static func byteCount(_ text: String) throws -> ByteCount {
    guard let count = ByteCount(text) else {
      throw ValidationError("‘\(text)’ is no amount of memory; write one as 2GiB, 500MB or 1.5TiB.")
    }
    return count
  }

  func validate() throws {
    if let ranks, !(1...100_000).contains(ranks) { throw ValidationError("--ranks is at least 1.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads lies between 1 and 1024.") }
  }

  /// Runs `body` on all ranks; starts them first when that is asked for.
  ///
  /// - Parameter stopping: how it is stopped; nil: as any program.
  func session(_ stopping: StopOptions? = nil, _ body: (Communicator) throws -> Void) throws {
    if let ranks { try Launcher.relaunch(ranks: ranks, stopping: stopping) }
    stopping?.listen()
    try Session.run(body)
  }
}

/// How a run is stopped so that it can go on.
struct StopOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A signal besides TERM and INT that stops the run so that the same command goes on, with exit status 75: USR1, "
        + "USR2, HUP, ….", valueName: "signal"))
  var stopSignal = "USR1"

  @Option(
    help: ArgumentHelp(
      "Seconds from such a signal until a rank ends wherever it is: longer than a training step takes.",
      valueName: "seconds"))
  var stopSeconds = 10

  func validate() throws {
    guard Self.numbers[name] != nil else {
      throw ValidationError(
        "--stop-signal: there is no signal ‘\(stopSignal)’ to stop by; there are "
          + Self.numbers.keys.sorted().joined(separator: ", ") + ".")
    }
    guard (1...86_400).contains(stopSeconds) else { throw ValidationError("--stop-seconds is at least 1.") }
  }

  /// From now on signals stop this process between two steps. `SIGUSR2`, unless it stops, has members saved.
  func listen() {
    StopSignal.listen(
      to: [SIGTERM, SIGINT, number], saving: number == SIGUSR2 ? nil : SIGUSR2, patience: stopSeconds,
      speaks: Session.launchedRank == 0)
  }

  /// The signal's number.
  var number: CInt { Self.numbers[name] ?? SIGUSR1 }

  private var name: String {
    let name = stopSignal.uppercased()
    return name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
  }

  private static let numbers: [String: CInt] = [
    "USR1": SIGUSR1, "USR2": SIGUSR2, "HUP": SIGHUP, "TERM": SIGTERM, "INT": SIGINT, "QUIT": SIGQUIT,
    "XCPU": SIGXCPU,
  ]
}
