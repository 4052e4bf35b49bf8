import ArgumentParser
import JobFiles
import Pipeline

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Do everything that a job file says: train, calibrate, predict, evaluate.",
    discussion: """
      What is done already is not done again: after an interruption give the same command.

        tutti run jobs/cement.yaml --ranks 2
        mpirun -n 8 tutti run jobs/cement.yaml
      """)

  @OptionGroup var options: JobOptions

  func run() throws {
    try options.withRun { run in
      let evaluation = try run.all()
      guard run.world.rank == 0 else { return }
      print(evaluation.table)
      print(ResultsHint(run.paths.results))
      print("Report: \(run.paths.report)")
    }
  }
}

/// Where results are and how to look at them.
struct ResultsHint: CustomStringConvertible {
  let path: String
  init(_ path: String) { self.path = path }

  var description: String {
    """

    Results: \(path)
    Look at them with ‘h5dump -H \(path)’, ‘silx view \(path)’, or in Python:
        import h5py; mean = h5py.File("\(path)")["entry/prediction/mean"]
    """
  }
}
