import ArgumentParser
import Host
import Imaging

struct SynthesizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synthesize", abstract: "Make a data set for trials.", subcommands: [Shapes.self, Peaks.self])

  struct Shapes: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "shapes", abstract: "Images of one shape each with noise: rectangles, circles, triangles, rings.",
      discussion: """
        The file holds /images (with noise), /clean, /labels (0 outside, 1 to 4 within), /kinds (0 to 3, of images) and
        /some_kinds, the same where half of the images are of no known kind (255).

          tutti synthesize shapes -o jobs/data/shapes.h5
        """)

    @Option(help: "Number of images.")
    var images = 400

    @Option(help: "The noise's largest value; shapes have the value 1.")
    var noise = 0.5

    @OptionGroup(title: "The file") var file: SyntheticFileOptions

    func validate() throws {
      if !(1...1_000_000).contains(images) { throw ValidationError("--images lies between 1 and 1000000.") }
      if !noise.isFinite || noise < 0 { throw ValidationError("--noise is not negative.") }
    }

    func run() throws {
      Session.alone {
        try SyntheticShapes(images: images, side: file.side, noise: noise, seed: file.seed)
          .write(to: file.output, overwriting: file.overwrite)
      }
    }
  }

  struct Peaks: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "peaks", abstract: "Gaussian peaks in Gaussian noise: a stack of images, or one volume.",
      discussion: """
        The file holds /images (with noise of standard deviation 1), /clean and /labels (1 near a peak).

          tutti synthesize peaks -o peaks.h5
          tutti synthesize peaks -o volume.h5 --depth 64 --peaks 100
        """)

    @Option(help: "Number of images.")
    var images = 200

    @Option(help: "Slices of one volume, instead of a stack of images.")
    var depth: Int?

    @OptionGroup(title: "Peaks") var peaks: PeakOptions
    @OptionGroup(title: "The file") var file: SyntheticFileOptions

    func validate() throws {
      if !(1...1_000_000).contains(images) { throw ValidationError("--images lies between 1 and 1000000.") }
      if let depth, !(2...4096).contains(depth) { throw ValidationError("--depth lies between 2 and 4096.") }
    }

    func run() throws {
      Session.alone {
        try SyntheticPeaks(
          images: depth == nil ? images : 1, extents: Extents(z: depth ?? 1, y: file.side, x: file.side),
          peaks: peaks.peaks, sigma: peaks.sigma, signal: peaks.signal...(peaks.strongest ?? peaks.signal),
          radius: peaks.radius, seed: file.seed
        ).write(to: file.output, overwriting: file.overwrite)
      }
    }
  }
}

/// What the peaks of synthetic images are.
struct PeakOptions: ParsableArguments {
  @Option(help: "Peaks of an image.")
  var peaks = 8

  @Option(help: "A peak's standard deviation in pixels.")
  var sigma = 1.26

  @Option(help: "The least height of a peak, in standard deviations of the noise.")
  var signal = 3.0

  @Option(help: "The greatest height of a peak; else all are alike.")
  var strongest: Double?

  @Option(help: "How far from a peak's centre pixels are labelled, in its standard deviations.")
  var radius = 1.0

  func validate() throws {
    if !(1...1_000_000).contains(peaks) { throw ValidationError("--peaks lies between 1 and 1000000.") }
    if !(0.1...1000).contains(sigma) { throw ValidationError("--sigma lies between 0.1 and 1000.") }
    if !(0...1e6).contains(signal) || !(signal...1e6).contains(strongest ?? signal) {
      throw ValidationError("--signal is not negative, and --strongest not below it.")
    }
    if !(0...1000).contains(radius) { throw ValidationError("--radius lies between 0 and 1000.") }
  }
}

/// Where synthetic images go, and which of all that could be they are.
struct SyntheticFileOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The HDF5 file to write.", completion: .file())
  var output: String

  @Option(help: "Pixels along each side of an image.")
  var side = 32

  @Option(help: "Another seed makes other images.")
  var seed: UInt64 = 1

  @Flag(help: "Replace a file that exists.")
  var overwrite = false

  func validate() throws {
    if !(4...4096).contains(side) { throw ValidationError("--side lies between 4 and 4096.") }
  }
}
