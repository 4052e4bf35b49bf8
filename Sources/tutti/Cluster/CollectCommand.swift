import ArgumentParser
import Pipeline

struct CollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collect", abstract: "Make the results of a job whose members other runs have trained.",
    discussion: """
      As ‘tutti run’, but a member that is missing is an error: after the tasks of a job array, of which one may have
      failed.

        tutti train jobs/cement.yaml --members 0..1
        tutti train jobs/cement.yaml --members 2..3
        tutti collect jobs/cement.yaml
      """)

  @OptionGroup var options: JobOptions
  @OptionGroup(title: "Output") var figures: FigureOptions

  func run() throws {
    try options.withRun(json: figures.json) { run in RunOutcome(try run.collect(), of: run).text }
  }
}
