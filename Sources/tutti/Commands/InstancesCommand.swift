import ArgumentParser
import Imaging
import Pipeline

struct InstancesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "instances", abstract: "Tell the objects in a prediction apart, and measure each.",
    discussion: """
      Objects are connected pixels of one class, by the most likely classes of the results. The output holds the number of \
      its object for every pixel, and a table of sizes, boxes, centroids, principal axes, lengths and mean spreads, which \
      stands in a CSV file beside it too. A job does the same after its prediction with a section instances.

        tutti instances results/cement.h5
        tutti instances results/cement.h5 --class void --smallest 20 --fill-holes -o voids.h5 --ranks 2
      """)

  @Argument(help: "A results file.", completion: .file())
  var results: String

  @Option(
    name: .shortAndLong, help: "The file of labels (default: NAME.instances.h5 beside the results).",
    completion: .file())
  var output: String?

  @Option(
    name: .customLong("class"),
    help: "A class whose objects are told apart; may be given several times (default: each class but the first).")
  var classes: [String] = []

  @Option(
    help: ArgumentHelp(
      "All voxels whose likeliest class it is (likeliest), or those of them that mean less spread keeps (kept).",
      valueName: "choice"))
  var voxels = InstanceVoxels.likeliest

  @Option(help: "With how many neighbours a pixel is of one object: 4 or 8, in volumes 6, 18 or 26 (default: 8, 26).")
  var connectivity: Connectivity?

  @Option(help: "Objects of fewer pixels are left out.")
  var smallest = 1

  @Flag(help: "Regions of other classes that objects of one class enclose become part of them.")
  var fillHoles = false

  @Option(
    help: ArgumentHelp(
      "Count how often two voxels this far apart are both of objects, by direction, and draw it for volumes.",
      valueName: "voxels"))
  var autocorrelation: Int?

  @Flag(inversion: .prefixedNo, help: "Measure each object; without, only labels are written, and no table.")
  var measures = true

  @Flag(help: "Replace files that exist.")
  var overwrite = false

  @OptionGroup(title: "Output") var figures: FigureOptions
  @OptionGroup(title: "Where it runs") var launch: LaunchOptions

  func validate() throws {
    if smallest < 1 { throw ValidationError("--smallest is \(smallest); it is 1 or more.") }
    if let autocorrelation, !(1...1000).contains(autocorrelation) {
      throw ValidationError("--autocorrelation is \(autocorrelation); it is from 1 to 1000.")
    }
  }

  func run() throws {
    var rule = InstanceRule()
    rule.classes = classes.isEmpty ? nil : classes
    (rule.connectivity, rule.smallest, rule.fillsHoles) = (connectivity, smallest, fillHoles)
    (rule.voxels, rule.autocorrelation, rule.measures) = (voxels, autocorrelation, measures)
    try launch.session { world in
      let search = InstanceSearch(results, rule: rule, to: output, overwrite: overwrite)
      let lines = try search.run(over: world)
      guard world.rank == 0 else { return }
      try figures.tell(try InstanceSummary(search), text: lines.joined(separator: "\n"))
    }
  }
}

extension Connectivity: ExpressibleByArgument {}
extension InstanceVoxels: ExpressibleByArgument {}
