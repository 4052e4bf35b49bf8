import ArgumentParser
import Benchmarking
import Foundation

struct BenchKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time convolutions by shape, pass and algorithm on one thread; takes about a minute and 600 MB.")

  @OptionGroup(title: "Output") var figures: FigureOptions

  func run() throws {
    Session.alone {
      let isWatched = isatty(STDERR_FILENO) == 1
      let result = try KernelBenchmark { shape in
        if isWatched { FileHandle.standardError.write(Data("\r\u{1B}[K\(shape)".utf8)) }
      }
      if isWatched { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
      try figures.tell(result, isOnOneLine: true)
    }
  }
}
