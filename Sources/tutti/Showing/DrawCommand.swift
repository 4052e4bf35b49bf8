import ArgumentParser
import JobFiles
import Pipeline

struct DrawCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw",
    abstract: "Draw a member's network: a U-Net as the U, mixed-scale networks as arcs by dilation.",
    discussion: """
      The ending of -o says the format: .svg, or .png and .pdf by rsvg-convert where it is installed. Without -o the network \
      is printed in Graphviz's language.

        tutti draw jobs/cement.yaml --member 2 -o network.svg
        tutti draw results/cement.h5 | dot -Tsvg > nodes.svg
      """)

  @Argument(
    help: "A job file (YAML), or what was trained: a results file, a folder of members, a member's file.",
    completion: .file())
  var job: String

  @Option(help: "Which member; the first is 0.")
  var member: Int?

  @Option(name: .shortAndLong, help: "The picture, FILE.svg, .png or .pdf.", completion: .file())
  var output: String?

  func run() throws {
    if job.hasSuffix(".h5") || job.hasSuffix(".members") || job.hasSuffix(".members/") {
      Session.alone { try draw(try DrawnNetwork(model: job, member: member)) }
      return
    }
    try Session.run { world in
      let file = try world.agree { try JobFile(path: job) }
      let run = try Run(file, over: world, log: ProgressDisplay(rank: world.rank).log)
      let network = try run.network(ofMember: member ?? 0)
      try world.agree { if world.rank == 0 { try draw(network) } }
    }
  }

  private func draw(_ network: DrawnNetwork) throws {
    if let output {
      try network.write(to: output)
      print("Picture: \(output)")
    } else {
      print(try network.dot(), terminator: "")
    }
  }
}
