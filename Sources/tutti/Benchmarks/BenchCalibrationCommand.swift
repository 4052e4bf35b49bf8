import ArgumentParser
import Benchmarking

struct BenchCalibrationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibration",
    abstract: "Time how thresholds of many calibration scores are found, and in how much memory; run it under mpirun.",
    discussion: """
        mpirun -n 2 tutti bench calibration --scores 100000000
      """)

  @Option(help: "Scores on all ranks together.")
  var scores = 100_000_000

  @Option(help: "Where scores go that do not stay in memory.", completion: .directory)
  var folder = "."

  @OptionGroup(title: "Output") var figures: FigureOptions

  func validate() throws {
    if !(1...1_000_000_000_000).contains(scores) { throw ValidationError("--scores is at least 1.") }
  }

  func run() throws {
    try Session.run { world in
      let result = try CalibrationBenchmark(scores: scores, folder: folder, over: world)
      if world.rank == 0 { try figures.tell(result, isOnOneLine: true) }
    }
  }
}
