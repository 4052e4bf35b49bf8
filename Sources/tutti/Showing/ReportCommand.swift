import ArgumentParser
import JobFiles
import Pipeline

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write the page about a job's results: one HTML file with scores, curves and images.",
    discussion: """
      A run ends with it; this command makes it anew, over what stands there. A results file stands for the job file by which it \
      was made.

        tutti report jobs/cement.yaml
        tutti report results/cement.h5
      """)

  @OptionGroup var options: JobOptions

  func run() throws {
    try options.withRun(jobFile: Run.jobFile(of:)) { run in
      try run.report()
      return "Report: \(run.paths.report)"
    }
  }
}
