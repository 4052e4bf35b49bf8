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

  @Option(help: "Train these members anew, from other initial weights, and make the results again: 0,3.")
  var retrain: String?

  @OptionGroup(title: "Output") var figures: FigureOptions

  private var retrained: Set<Int> {
    get throws {
      try Set(
        (retrain ?? "").split(separator: ",").map { text in
          guard let number = Int(text), number >= 0 else {
            throw ValidationError("--retrain takes numbers of members with commas between, as in 0,3; not ‘\(text)’.")
          }
          return number
        })
    }
  }

  func validate() throws { _ = try retrained }

  func run() throws {
    try options.withRun(retraining: try retrained, json: figures.json) { run in
      RunOutcome(try run.all(), of: run).text
    }
  }
}

/// What a run that is done tells.
struct RunOutcome {
  let table: String
  let run: Run

  init(_ table: String, of run: Run) { (self.table, self.run) = (table, run) }

  /// The tables, and where the files are.
  var text: String {
    "\(table)\n\(ResultsHint(run.paths.results))" + (run.hasReport ? "\nReport: \(run.paths.report)" : "")
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
        import h5py; \(shown) = h5py.File("\(path)")["entry/prediction/\(shown)"]
    """
  }

  /// The dataset that viewers show first: the mean, or where it is not written the labels.
  private var shown: String { (try? ResultsSummary.shown(in: path)) ?? "mean" }
}
