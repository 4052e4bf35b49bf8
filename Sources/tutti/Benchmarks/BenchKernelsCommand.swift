import ArgumentParser
import Benchmarking
import Foundation

struct BenchKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time convolutions by shape, pass and algorithm on one thread; takes about a minute and 600 MB.")

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    Session.alone {
      let isWatched = isatty(STDERR_FILENO) == 1
      let result = try KernelBenchmark { shape in
        if isWatched { FileHandle.standardError.write(Data("\r\u{1B}[K\(shape)".utf8)) }
      }
      if isWatched { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
      print(json ? try Report.json(result) : "\(result)")
    }
  }
}
