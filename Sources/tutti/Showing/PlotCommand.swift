import ArgumentParser
import Pipeline

struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draw one figure of a run: training, reliability, coverage, measurements and others.",
    discussion: """
      The ending of -o says the format: .svg, or .png and .pdf by rsvg-convert where it is installed. Figures other than \
      training and network need a results file.

        tutti plot results/cement.h5
        tutti plot results/cement.h5 --figure reliability -o reliability.pdf
        tutti plot results/cement.members/member-0003.h5 -o member.svg
      """)

  @Argument(help: "A results file, a folder of members, or a member's file.", completion: .file())
  var model: String

  @Option(help: "What to draw.")
  var figure = ReportFigure.training

  @Option(help: "Of the figure network, whose; the first member by default.")
  var member: Int?

  @Option(
    name: .shortAndLong, help: "The picture, FILE.svg, .png or .pdf; else an SVG file beside the model.",
    completion: .file())
  var output: String?

  func run() throws {
    Session.alone {
      let plot = FigurePlot(model: model, figure: figure, member: member, output: output)
      print("Picture: \(try plot.write())")
    }
  }
}

extension ReportFigure: ExpressibleByArgument {}
