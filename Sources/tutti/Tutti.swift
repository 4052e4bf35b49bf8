import ArgumentParser
import Ensembles

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
      RunCommand.self, CheckCommand.self, TrainCommand.self, CalibrateCommand.self, PredictCommand.self,
      EvaluateCommand.self, BenchCommand.self,
    ])
}
