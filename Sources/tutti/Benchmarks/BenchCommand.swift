import ArgumentParser

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure what this machine can do, and how near to it networks and kernels come.",
    subcommands: [
      BenchMachineCommand.self, BenchStepCommand.self, BenchKernelsCommand.self, BenchExchangeCommand.self,
      BenchParallelCommand.self, BenchReadCommand.self, BenchInstancesCommand.self, BenchIOCommand.self,
      BenchCalibrationCommand.self,
    ])
}
