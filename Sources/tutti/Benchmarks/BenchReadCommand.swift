import ArgumentParser
import Benchmarking
import ImageFiles

struct BenchReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read", abstract: "Time the reading of an array from its file.",
    discussion: """
        tutti bench read scan.tif
        tutti bench read data.h5:/images --repetitions 5
      """)

  @Argument(help: "path[:dataset][[slices]]", completion: .file())
  var source: String

  @Option(help: "Readings that are timed.")
  var repetitions = 3

  @Option(help: "Threads that unpack chunks and blocks; without it all cores.")
  var threads: Int?

  @OptionGroup(title: "Output") var figures: FigureOptions

  func validate() throws {
    if !(1...1000).contains(repetitions) { throw ValidationError("--repetitions lies between 1 and 1000.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads lies between 1 and 1024.") }
  }

  func run() throws {
    Session.alone {
      let result = try ReadingBenchmark(ArrayLocation(source), repetitions: repetitions, threads: threads)
      try figures.tell(result, isOnOneLine: true)
    }
  }
}
