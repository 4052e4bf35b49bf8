import ArgumentParser
import Pipeline

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print the tables of a run again: what the job was, by what it was made, its scores.",
    discussion: """
        tutti show results/cement.h5
        tutti show results/cement.h5 --json
      """)

  @Argument(help: "A results file.", completion: .file(extensions: ["h5"]))
  var results: String

  @OptionGroup(title: "Output") var figures: FigureOptions

  func run() throws {
    Session.alone {
      try figures.tell(try ResultsSummary(results))
    }
  }
}
