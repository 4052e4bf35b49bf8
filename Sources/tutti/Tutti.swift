import ArgumentParser
import Ensembles
import Foundation
import Settings

/// Distributed ensemble training for scientific image analysis.
@main
struct Tutti: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tutti",
    abstract: "Train ensembles of small networks on scientific images, calibrate them and predict with them.",
    discussion: """
      One job file says everything; results are the same, bit for bit, on any number of ranks and threads.

        tutti run jobs/cement.yaml --ranks 2        on one machine
        mpirun -n 8 tutti run jobs/cement.yaml      on a cluster

      Exit status: 0 when it is done; 1 when it cannot go on, and a message says why; 64 when the arguments are wrong; 75 \
      when a signal stopped it and 76 when a rank was lost, after which the same command goes on; above 128 when a rank or \
      the launcher ended by the signal of this number less 128.
      """,
    version: tuttiVersion,
    subcommands: [
      NewCommand.self, RunCommand.self, CheckCommand.self, TrainCommand.self, CalibrateCommand.self,
      PredictCommand.self, EvaluateCommand.self, ReportCommand.self, PlotCommand.self, PictureCommand.self,
      DrawCommand.self, ShowCommand.self, SchemaCommand.self, ManualCommand.self,
      SynthesizeCommand.self, SimulateCommand.self, InfoCommand.self, ExportCommand.self, InstancesCommand.self,
      SubmitCommand.self, CollectCommand.self, DoctorCommand.self,
      BenchCommand.self,
    ])

  /// Wrong arguments are wrong on all ranks, and help is asked of all: one of them answers.
  static func main() {
    do {
      try requireKnownCommand()
      var command = try parseAsRoot()
      try command.run()
    } catch {
      guard Session.launchedRank == 0 else {
        // A failure of any rank ends the others, which the first shall not be before it has spoken.
        usleep(300_000)
        Foundation.exit(exitCode(for: error).rawValue)
      }
      exit(withError: error)
    }
  }

  /// What people call commands that have another name here.
  private static let synonyms = [
    "resume": "run", "continue": "run", "start": "run", "fit": "train", "infer": "predict", "test": "evaluate",
    "init": "new", "create": "new", "inspect": "info", "view": "show", "convert": "export", "validate": "check",
    "html": "report",
  ]

  /// Refuses a command that does not exist, with the one that may be meant.
  private static func requireKnownCommand() throws {
    guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-"), !word.isEmpty else { return }
    let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard !names.contains(word) else { return }
    let isFile = word.hasSuffix(".yaml") || word.hasSuffix(".yml")
    let meant = isFile ? "run \(word)" : synonyms[word.lowercased()] ?? Spelling.nearest(to: word, among: names)
    throw ValidationError(
      "There is no command ‘\(word)’"
        + (meant.map { "; did you mean ‘tutti \($0)’?" } ?? ". ‘tutti --help’ lists all commands."))
  }
}
