import ArgumentParser
import Benchmarking
import Engine

struct BenchStepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step", abstract: "Time training steps or predictions of one network on random images.",
    discussion: """
        tutti bench step --network tunet --threads 2
        tutti bench step --network smsnet --edges smsnet.json --forward --json
      """)

  @Option(help: "One of \(BenchmarkNetwork.Name.list).")
  var network: String

  @Option(help: "Extent of the images along every axis (default: 128, in three dimensions 32).")
  var side: Int?

  @Option(help: "Images of a batch (default: 4, in three dimensions 2).")
  var batch: Int?

  @Option(help: "Threads.")
  var threads = 1

  @Option(help: "The edges of smsnet, a JSON file.", completion: .file(extensions: ["json"]))
  var edges: String?

  @Option(help: "Steps that are timed, at least 5; two more go before.")
  var repetitions = 7

  @Option(help: "Of the products of training steps: float32 or bfloat16.")
  var precision = Plan.Precision.float32

  @Flag(help: "Time predictions instead of training steps.")
  var forward = false

  @Flag(help: "Of predictions: by the kernels that tiles without seams need, as of volumes and with prediction.tile.")
  var seamless = false

  @OptionGroup(title: "Output") var figures: FigureOptions

  func validate() throws {
    if let side, !(1...100_000).contains(side) { throw ValidationError("--side is at least 1.") }
    if let batch, !(1...100_000).contains(batch) { throw ValidationError("--batch is at least 1.") }
    if !(1...1024).contains(threads) { throw ValidationError("--threads lies between 1 and 1024.") }
    if seamless, !forward { throw ValidationError("--seamless is of predictions: --forward.") }
    if !(5...1_000_000).contains(repetitions) { throw ValidationError("--repetitions is at least 5.") }
  }

  func run() throws {
    Session.alone {
      let network = try BenchmarkNetwork(named: network, edges: edges)
      let result = try StepBenchmark(
        network,
        settings: StepBenchmark.Settings(
          side: side ?? network.name.defaultSide, batch: batch ?? network.name.defaultBatch, threads: threads,
          forward: forward, seamless: seamless, precision: precision, repetitions: repetitions))
      try figures.tell(result, isOnOneLine: true)
    }
  }
}

extension Plan.Precision: ExpressibleByArgument {}
