import ArgumentParser
import JobFiles
import Pipeline

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write the page about a job's results: one HTML file with scores, curves and images.",
    discussion: """
      A run ends with it; this command makes it anew, over what stands there.

        tutti report jobs/cement.yaml
      """)

  @OptionGroup var options: JobOptions

  func run() throws {
    try options.withRun { run in
      try run.report()
      if run.world.rank == 0 { print("Report: \(run.paths.report)") }
    }
  }
}
