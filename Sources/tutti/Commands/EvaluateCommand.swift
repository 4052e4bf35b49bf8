import ArgumentParser
import JobFiles
import Pipeline

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Compare a job's results with the labels of its test images.",
    discussion: """
      A results file stands for the job file by which it was made.

        tutti evaluate jobs/cement.yaml
        tutti evaluate results/cement.h5 --json
      """)

  @OptionGroup var options: JobOptions

  @OptionGroup(title: "Output") var figures: FigureOptions

  func run() throws {
    try options.withRun(jobFile: Run.jobFile(of:), json: figures.json) { run in
      try run.evaluate().table
    }
  }
}
