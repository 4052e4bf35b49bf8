import ArgumentParser
import Benchmarking

struct BenchParallelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parallel", abstract: "Time training steps of one network over all ranks; run it under mpirun.",
    discussion: """
        mpirun -n 2 tutti bench parallel --network tunet-large --side 128 --batch-per-rank 2
      """)

  @Option(help: "As of bench step.")
  var network: String

  @Option(help: "Extent of the images along every axis (default: 128, in three dimensions 32).")
  var side: Int?

  @Option(help: "Images of a batch on each rank, each a shard.")
  var batchPerRank = 2

  @Option(help: "Threads of each rank.")
  var threads = 1

  @Option(help: "The edges of smsnet, a JSON file.", completion: .file(extensions: ["json"]))
  var edges: String?

  @Option(help: "Steps of each kind that are timed, at least 5; two more go before.")
  var repetitions = 7

  @Flag(help: "Divide the optimizer's state over the ranks.")
  var divideState = false

  @OptionGroup(title: "Output") var figures: FigureOptions

  func validate() throws {
    if let side, !(1...100_000).contains(side) { throw ValidationError("--side is at least 1.") }
    if !(1...100_000).contains(batchPerRank) { throw ValidationError("--batch-per-rank is at least 1.") }
    if !(1...1024).contains(threads) { throw ValidationError("--threads lies between 1 and 1024.") }
    if !(5...1_000_000).contains(repetitions) { throw ValidationError("--repetitions is at least 5.") }
  }

  func run() throws {
    try Session.run { world in
      let name = network
      let network: BenchmarkNetwork = try world.agree { try BenchmarkNetwork(named: name, edges: edges) }
      let result = try ParallelBenchmark(
        network, side: side ?? network.name.defaultSide, batchPerRank: batchPerRank, threads: threads,
        repetitions: repetitions, dividesState: divideState, over: world)
      if world.rank == 0 { try figures.tell(result, isOnOneLine: true) }
    }
  }
}
