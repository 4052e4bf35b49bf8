import ArgumentParser
import Benchmarking

struct BenchIOCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "io",
    abstract: "Time writing and reading of a dataset beside plain files of as many bytes; run it under mpirun.",
    discussion: """
      The dataset is written as predictions are and read as images are, without packing. The plain write ends with fsync, \
      as the other does.

        mpirun -n 2 tutti bench io --gigabytes 4 --folder /scratch
      """)

  @Option(help: "Of the dataset, in units of 1,000,000,000 bytes; twice as much again is written for comparison.")
  var gigabytes: Double

  @Option(help: "Where the files are made, and removed at the end.", completion: .directory)
  var folder = "."

  @OptionGroup(title: "Output") var figures: FigureOptions

  func validate() throws {
    if !(gigabytes > 0 && gigabytes <= 1e6) { throw ValidationError("--gigabytes is more than 0.") }
  }

  func run() throws {
    try Session.run { world in
      let result = try StorageBenchmark(gigabytes: gigabytes, folder: folder, over: world)
      if world.rank == 0 { try figures.tell(result, isOnOneLine: true) }
    }
  }
}
