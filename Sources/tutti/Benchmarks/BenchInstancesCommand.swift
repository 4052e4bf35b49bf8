import ArgumentParser
import Benchmarking
import ImageFiles
import Imaging

struct BenchInstancesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "instances",
    abstract: "Time how the objects of a volume are told apart, in memory; run it under mpirun for several ranks.",
    discussion: """
        tutti bench instances labels.npy
        mpirun -n 2 tutti bench instances labels.npy --connectivity 6
      """)

  @Argument(help: "A volume of labels, 0 for background: path[:dataset][[slices]]", completion: .file())
  var source: String

  @Option(help: "How voxels of one object touch: 4, 8, 6, 18 or 26.")
  var connectivity = Connectivity.twentySix

  @Flag(inversion: .prefixedNo, help: "Measure each object too: size, box, centroid and second moments.")
  var measures = true

  @Option(help: "Times that are measured.")
  var repetitions = 3

  @Option(help: "Write the number of each voxel's object to this file, as 32-bit integers.", completion: .file())
  var numbers: String?

  @OptionGroup(title: "Output") var figures: FigureOptions

  func validate() throws {
    if !(1...1000).contains(repetitions) { throw ValidationError("--repetitions lies between 1 and 1000.") }
  }

  func run() throws {
    try Session.run { world in
      let result = try InstanceBenchmark(
        ArrayLocation(source), connectivity: connectivity, measures: measures, numbers: numbers,
        repetitions: repetitions, over: world)
      if world.rank == 0 { try figures.tell(result, isOnOneLine: true) }
    }
  }
}
