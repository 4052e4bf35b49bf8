import ArgumentParser
import JobFiles
import Pipeline

struct PictureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "picture", abstract: "Show an image beside its truth, prediction, spread and errors.",
    discussion: """
      Of a run's results, an image of the test part; of those of tutti predict, one of the new images, of which no truth is known. \
      The ending of -o says the format: .svg and .pdf (by rsvg-convert, where it is installed) with names and meanings of \
      colours, .png the pixels of the layers alone, side by side.

        tutti picture results/cement.h5 --slice 110 -o cement.svg
        tutti picture jobs/denoising.yaml --image 3 --layers image,mean,spread -o denoised.png
      """)

  @Argument(help: "A results file, or its job file.", completion: .file())
  var results: String

  @Option(help: "The image's number; the first of the data is 0.")
  var image: Int?

  @Option(help: "The slice's number in a volume.")
  var slice: Int?

  @Option(
    help: ArgumentHelp(
      "What to show, with commas between: image, truth, mean, spread, set-size, errors, kept, objects; default: all that there is.",
      valueName: "layers"),
    transform: PictureCommand.layers)
  var layers = PictureLayer.allCases

  @Option(name: .shortAndLong, help: "The picture; else an SVG file beside the results.", completion: .file())
  var output: String?

  private static func layers(_ text: String) throws -> [PictureLayer] {
    try text.split(separator: ",").map { name in
      guard let layer = PictureLayer(rawValue: String(name)) else {
        let known = PictureLayer.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("there is no layer ‘\(name)’; there are \(known).")
      }
      return layer
    }
  }

  func run() throws {
    try Session.run { world in
      let panel = PicturePanel(image: image, slice: slice, layers: layers, output: output)
      let isNew = try world.decidedOnRoot { try PicturePanel.isOfNewImages(results) }
      if isNew {
        try world.onRoot { print("Picture: \(try panel.write(ofNewImages: results))") }
        return
      }
      let file = try world.agree { try JobFile(path: try Run.jobFile(of: results)) }
      let run = try Run(file, over: world, log: ProgressDisplay(rank: world.rank).log)
      let path = try run.write(panel)
      if world.rank == 0 { print("Picture: \(path)") }
    }
  }
}
