import ArgumentParser
import Benchmarking

struct BenchExchangeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exchange", abstract: "Time the sum of gradients over all ranks; run it under mpirun.",
    discussion: """
        mpirun -n 2 tutti bench exchange --megabytes 124
      """)

  @Option(help: "Gradients of each rank, in units of 1,000,000 bytes.")
  var megabytes = 124

  @Option(help: "Exchanges that are timed, at least 5; two more go before.")
  var repetitions = 9

  @OptionGroup(title: "Output") var figures: FigureOptions

  func validate() throws {
    if !(1...100_000).contains(megabytes) { throw ValidationError("--megabytes lies between 1 and 100000.") }
    if !(5...1_000_000).contains(repetitions) { throw ValidationError("--repetitions is at least 5.") }
  }

  func run() throws {
    try Session.run { world in
      let result = try ExchangeBenchmark(megabytes: megabytes, repetitions: repetitions, over: world)
      if world.rank == 0 { try figures.tell(result, isOnOneLine: true) }
    }
  }
}
