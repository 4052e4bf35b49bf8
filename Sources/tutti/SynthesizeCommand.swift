import ArgumentParser
import Imaging

struct SynthesizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synthesize", abstract: "Make a data set for trials.", subcommands: [Shapes.self])

  struct Shapes: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "shapes", abstract: "Images of one shape each with noise: rectangles, circles, triangles, rings.",
      discussion: """
        The file holds /images (with noise), /clean, /labels (0 outside, 1 to 4 within) and /kinds (0 to 3, of images).

          tutti synthesize shapes -o jobs/data/shapes.h5
        """)

    @Option(name: .shortAndLong, help: "The HDF5 file to write.", completion: .file())
    var output: String

    @Option(help: "Number of images.")
    var images = 400

    @Option(help: "Pixels along each side of an image.")
    var side = 32

    @Option(help: "The noise's largest value; shapes have the value 1.")
    var noise = 0.5

    @Option(help: "Another seed makes other images.")
    var seed: UInt64 = 1

    @Flag(help: "Replace a file that exists.")
    var overwrite = false

    func validate() throws {
      if !(1...1_000_000).contains(images) { throw ValidationError("--images lies between 1 and 1000000.") }
      if !(4...4096).contains(side) { throw ValidationError("--side lies between 4 and 4096.") }
      if !noise.isFinite || noise < 0 { throw ValidationError("--noise is not negative.") }
    }

    func run() throws {
      Session.alone {
        try SyntheticShapes(images: images, side: side, noise: noise, seed: seed)
          .write(to: output, overwriting: overwrite)
      }
    }
  }
}
