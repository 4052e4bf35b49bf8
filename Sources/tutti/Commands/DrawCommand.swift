import ArgumentParser
import JobFiles
import Pipeline

struct DrawCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw", abstract: "Print a member's network in Graphviz's language.",
    discussion: """
        tutti draw jobs/cement.yaml --member 2 | dot -Tsvg > network.svg
      """)

  @Argument(help: "The job file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
  var job: String

  @Option(help: "Which member; the first is 0.")
  var member = 0

  func run() throws {
    try Session.run { world in
      let file = try world.agree { try JobFile(path: job) }
      let run = try Run(file, over: world, log: ProgressDisplay(isShown: world.rank == 0).log)
      let text = try run.drawing(ofMember: member)
      if world.rank == 0 { print(text, terminator: "") }
    }
  }
}
