import ArgumentParser
import Benchmarking

struct BenchMachineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine",
    abstract: "Print the processor, its caches and kernels, its measured peak and memory bandwidth, and the libraries.")

  @OptionGroup(title: "Output") var figures: FigureOptions

  func run() throws {
    Session.alone {
      let machine = try Machine()
      try figures.tell(machine, isOnOneLine: true)
    }
  }
}
