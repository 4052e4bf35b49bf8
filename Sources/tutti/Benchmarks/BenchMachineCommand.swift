import ArgumentParser
import Benchmarking

struct BenchMachineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine",
    abstract: "Print the processor, its caches and kernels, its measured peak and memory bandwidth, and the libraries.")

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    Session.alone {
      let machine = try Machine()
      print(json ? try Report.json(machine) : "\(machine)")
    }
  }
}
