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

  @Flag(help: "Print one JSON object with all figures.")
  var json = false

  func run() throws {
    Session.alone {
      let summary = try ResultsSummary(results)
      print(json ? summary.json : "\(summary)")
    }
  }
}
