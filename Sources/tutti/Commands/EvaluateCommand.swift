import ArgumentParser
import JobFiles
import Pipeline

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Compare a job's results with the labels of its test images.",
    discussion: """
        tutti evaluate jobs/cement.yaml
      """)

  @OptionGroup var options: JobOptions

  func run() throws {
    try options.withRun { run in
      let evaluation = try run.evaluate()
      if run.world.rank == 0 { print(evaluation.table) }
    }
  }
}
