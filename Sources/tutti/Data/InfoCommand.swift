import ArgumentParser
import ImageFiles

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Tell what a file of images holds.",
    discussion: """
      Format, shape, axes, type, chunks, compression, voxel size, range, and the share of each label. Of a file that holds \
      several arrays, all of them.

        tutti info data/cement.h5
        tutti info 'scan/*.tif' --preview middle.png
      """)

  @Argument(help: "path[:dataset][[slices]], a folder or a pattern.", completion: .file())
  var source: String

  @Option(help: "Write a picture of the middle plane (PNG).", completion: .file(extensions: ["png"]))
  var preview: String?

  @OptionGroup(title: "Output") var figures: FigureOptions

  func run() throws {
    Session.alone {
      let summaries = try ArrayFile.summaries(of: ArrayLocation(source), preview: preview)
      try figures.tell(summaries, text: summaries.map(\.description).joined(separator: "\n"))
    }
  }
}
