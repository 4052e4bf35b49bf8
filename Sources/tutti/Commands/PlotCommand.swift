import ArgumentParser
import JobFiles
import Pipeline

struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot", abstract: "Draw how members were trained: losses, scores and learning rate over the epochs.",
    discussion: """
      The picture is an SVG file, for browsers and vector programs.

        tutti plot results/cement.h5
        tutti plot results/cement.members/member-0003.h5 -o member.svg
      """)

  @Argument(help: "A results file, a folder of members, or a member's file.", completion: .file())
  var model: String

  @Option(name: .shortAndLong, help: "The picture, FILE.svg; else beside the model.", completion: .file())
  var output: String?

  func run() throws {
    Session.alone { print("Picture: \(try TrainingPlot(model: model, output: output).write())") }
  }
}
