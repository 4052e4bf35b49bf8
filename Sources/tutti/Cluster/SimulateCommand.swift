import ArgumentParser
import Ensembles
import Foundation
import JobFiles
import Pipeline

struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Play a job's training through on a cluster that exists in numbers only.",
    discussion: """
      The members are handed out by the code that does so in a run. Printed are the makespan, the lower bound that no
      schedule beats, and how well the ranks were used.

        tutti simulate jobs/cement.yaml --ranks 1024
        tutti simulate jobs/cement.yaml --ranks 256 --speeds speeds.txt --scatter 0.1 --failure-hours 2000
      """)

  @Argument(help: "The job file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
  var job: String

  @OptionGroup(title: "The cluster") var cluster: ClusterOptions
  @OptionGroup(title: "Accidents") var accidents: AccidentOptions
  @OptionGroup(title: "Output") var figures: FigureOptions

  func run() throws {
    try Session.run { world in
      let file = try world.agree { try JobFile(path: job) }
      let speeds = try world.agree { try cluster.readSpeeds() }
      let run = try Run(file, over: world, log: ProgressDisplay(rank: world.rank).log)
      var simulated = SimulatedCluster(speeds: (0..<cluster.ranks).map { 1e9 * speeds[$0 % speeds.count] })
      simulated.knowsSpeeds = !cluster.unknownSpeeds
      simulated.scatter = accidents.scatter
      simulated.meanTimeToFailure = accidents.failureHours.map { 3600 * $0 }
      simulated.checkpoint = max(1, 60 * (accidents.checkpointMinutes ?? file.job.training.checkpoint))
      simulated.seed = accidents.seed
      let report = try run.simulate(on: simulated)
      if world.rank == 0 { try figures.tell(report) }
    }
  }
}

/// A cluster that exists in numbers only.
struct ClusterOptions: ParsableArguments {
  @Option(help: "Ranks of the cluster.")
  var ranks: Int

  @Option(
    help: "A text file with the ranks' speeds in GFLOP/s, one a line; a short list is repeated.", completion: .file())
  var speeds: String?

  @Option(help: "Speed of a rank in GFLOP/s where no file tells.")
  var gflops = 20.0

  @Flag(help: "Let the schedule find out the ranks' speeds from the members that ended.")
  var unknownSpeeds = false

  func validate() throws {
    guard (1...1_000_000).contains(ranks) else { throw ValidationError("--ranks lies between 1 and 1000000.") }
    guard gflops > 0 else { throw ValidationError("--gflops is above 0.") }
  }

  /// The ranks' speeds in GFLOP/s.
  func readSpeeds() throws -> [Double] {
    guard let speeds else { return [gflops] }
    let lines = try String(contentsOfFile: speeds, encoding: .utf8).split(whereSeparator: \.isNewline)
    let values = lines.map { Double($0.trimmingCharacters(in: .whitespaces)) ?? 0 }
    if let wrong = values.firstIndex(where: { !($0 > 0 && $0.isFinite) }) {
      throw ValidationError("\(speeds):\(wrong + 1): ‘\(lines[wrong])’ is no speed above 0.")
    }
    guard !values.isEmpty else { throw ValidationError("\(speeds) holds no speed.") }
    return values
  }
}

/// What makes a simulated run unlike the plan.
struct AccidentOptions: ParsableArguments {
  @Option(help: "How far members' true times lie from those expected, at most, as a part.")
  var scatter = 0.0

  @Option(help: "Mean time until a rank fails, in hours; the run then starts again from its checkpoints.")
  var failureHours: Double?

  @Option(help: "Minutes between two checkpoints of a member (default: as the job says).")
  var checkpointMinutes: Double?

  @Option(help: "Seed of scatter and failures.")
  var seed: UInt64 = 1

  func validate() throws {
    guard scatter >= 0, scatter < 1 else { throw ValidationError("--scatter lies between 0 and 1.") }
    if let failureHours, failureHours <= 0 { throw ValidationError("--failure-hours is above 0.") }
  }
}
