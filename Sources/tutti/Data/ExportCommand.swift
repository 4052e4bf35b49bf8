import ArgumentParser
import JobFiles
import Pipeline

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write results, or any array, as TIFF, OME-Zarr, NIfTI, MRC, NPY or PNG.",
    discussion: """
      The ending of --to tells the format; axes and voxel size go along where the format has them. Without --what, \
      the array that SOURCE names is written.

        tutti export results/cement.h5 --what labels --to labels.ome.tif
        tutti export results/cement.h5 --what set --coverage 0.9 --class void --to slices/%04d.png
        tutti export results/cement.h5 --what mean --to mean.zarr --ranks 2
      """)

  @Argument(help: "A results file, or path[:dataset][[slices]].", completion: .file())
  var source: String

  @Option(help: ArgumentHelp("What of the results: \(What.allValueStrings.joined(separator: ", "))."))
  var what: What?

  @Option(name: .customLong("to"), help: "The file to write.", completion: .file())
  var output: String

  @Option(help: "The coverage of sets and intervals, where the results have several.")
  var coverage: Double?

  @Option(name: .customLong("class"), help: "One class or channel alone, by its name or number.")
  var className: String?

  @Option(help: "One image of a stack alone; the first is 0.")
  var image: Int?

  @Flag(help: "Of OME-Zarr, write chunks as they are instead of packed with zstd: larger and faster.")
  var uncompressed = false

  @Flag(help: "Replace a file that exists.")
  var overwrite = false

  @OptionGroup(title: "Where it runs") var launch: LaunchOptions

  func validate() throws {
    if what == .instances, coverage != nil || className != nil {
      throw ValidationError(
        "--coverage and --class pick of predictions; objects are picked by ‘tutti instances --class’.")
    }
    if what == nil, coverage != nil || className != nil || image != nil {
      throw ValidationError(
        "--coverage, --class and --image pick of results; say --what too, or take slices of SOURCE.")
    }
  }

  func run() throws {
    try launch.session { world in
      var export = Export(
        source, quantity: what?.quantity, coverage: coverage, className: className, image: image, to: output,
        overwrite: overwrite)
      if what == .instances { export.takeInstances() }
      export.isPacked = !uncompressed
      let notes = try export.run(over: world)
      if world.rank == 0 { print(([output] + notes).joined(separator: "\n  ")) }
    }
  }
}

extension ExportCommand {
  /// A quantity of the prediction, or the objects beside it.
  enum What: ExpressibleByArgument, Equatable {
    case quantity(ResultsQuantity)
    case instances

    init?(argument: String) {
      guard argument != "instances" else {
        self = .instances
        return
      }
      guard let quantity = ResultsQuantity(rawValue: argument) else { return nil }
      self = .quantity(quantity)
    }

    static var allValueStrings: [String] { ResultsQuantity.allCases.map(\.rawValue) + ["instances"] }

    var quantity: ResultsQuantity? { if case .quantity(let quantity) = self { quantity } else { nil } }
  }
}
