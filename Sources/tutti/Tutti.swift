import ArgumentParser
import Ensembles
import Foundation

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
      """,
    version: tuttiVersion,
    subcommands: [
      NewCommand.self, RunCommand.self, CheckCommand.self, TrainCommand.self, CalibrateCommand.self,
      PredictCommand.self, EvaluateCommand.self, ReportCommand.self, PlotCommand.self, PictureCommand.self,
      DrawCommand.self, SchemaCommand.self,
      SynthesizeCommand.self, SimulateCommand.self, InfoCommand.self, ExportCommand.self, InstancesCommand.self,
      SubmitCommand.self, CollectCommand.self, DoctorCommand.self,
      BenchCommand.self,
    ])

  /// Wrong arguments are wrong on all ranks, and help is asked of all: one of them answers.
  static func main() {
    do {
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
}
