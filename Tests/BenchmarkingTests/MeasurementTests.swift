import Benchmarking
import CKernels
import Foundation
import Host
import TestSupport
import Testing

/// What is measured and how it is written; nothing here depends on how fast the machine is.
@Suite(.serialized) struct MeasurementTests {
  private func object(_ value: some Encodable) throws -> [String: Any] {
    let text = try JSONText.text(value, isOnOneLine: true)
    #expect(!text.contains("\n"))
    return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test(arguments: [(false, false), (true, false), (true, true)])
  func `the time of a step is one JSON object with all its keys`(forward: Bool, seamless: Bool) throws {
    let network = try BenchmarkNetwork(named: "smsnet", edges: Golden.fixtures + "/smsnet.json")
    let settings = StepBenchmark.Settings(
      side: 16, batch: 3, threads: 2, forward: forward, seamless: seamless, repetitions: 5)
    let step = try StepBenchmark(network, settings: settings)
    let keys = try object(step)
    #expect(
      Set([
        "network", "parameters", "threads", "gflop", "median_s", "min_s", "gflops", "share_of_peak", "peak_MiB",
      ]).isSubset(of: keys.keys))
    #expect(keys["network"] as? String == "smsnet")
    #expect(keys["parameters"] as? Int == 25_771)
    #expect(keys["threads"] as? Int == 2)
    #expect(keys["pass"] as? String == (!forward ? "training" : seamless ? "seamless forward" : "forward"))
    #expect(step.repetitions == 5)
    #expect(step.least > 0 && step.least <= step.median)
    let operations = try network.graph.costs(extents: [16, 16])
    #expect(step.gflop == 3 * Double(forward ? operations.forwardFLOPs : operations.trainingFLOPs) / 1e9)
    #expect(abs(step.gflops - step.gflop / step.median) <= 1e-9 * step.gflops)
    #expect(abs(step.shareOfPeak - step.gflops / (2 * step.peak)) <= 1e-9 * step.shareOfPeak)
    #expect(step.peakMiB > 1)
    #expect("\(step)".contains("25771"))
  }

  @Test func `the machine is one JSON object with all that was detected`() throws {
    let machine = try Machine(bandwidthBytes: 1 << 20)
    let keys = try object(machine)
    #expect(
      Set([
        "processor", "instruction_sets", "kernels", "cores", "allowed_cores", "caches", "peak_gflops",
        "memory_bandwidth", "blas_kernel", "mpi", "hdf5",
      ]).isSubset(of: keys.keys))
    #expect(machine.peak > 0)
    #expect(machine.memoryBandwidth.allSatisfy { $0.copy > 0 && $0.triad > 0 })
    #expect(machine.memoryBandwidth.last?.threads == machine.cores.count)
    #expect(machine.hdf5.split(separator: ".").count == 3)
    #expect(!machine.mpi.isEmpty)
    #expect("\(machine)".contains(machine.hdf5))
  }

  @Test func `caches are read from a folder of the system's form`() throws {
    let folder = NSTemporaryDirectory() + "caches-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (index, (level, type, size)) in [(1, "Data", "32K"), (2, "Unified", "1024K")].enumerated() {
      let path = "\(folder)/index\(index)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let values = [
        "level": "\(level)", "type": type, "size": size, "coherency_line_size": "64", "shared_cpu_list": "0-1",
      ]
      for (name, text) in values {
        try (text + "\n").write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
      }
    }
    let caches = ProcessorCache.all(in: folder)
    #expect(
      caches.map(\.description) == [
        "L1 data 32K, shared by cores 0-1", "L2 unified 1024K, shared by cores 0-1",
      ])
    #expect(caches.map(\.lineBytes) == [64, 64])
    #expect(ProcessorCache.all(in: folder + "/none").isEmpty)
  }

  @Test func `chains of multiply-adds tend to 1 in every lane`() {
    var sum: Float = 0
    let operations = tutti_multiply_add_chains(100_000, &sum)
    // 12 chains of as many lanes as a vector has.
    let lanes = operations / (2 * 12 * 100_000)
    #expect([4, 8, 16].contains(lanes))
    #expect(abs(Double(sum) / (12 * lanes) - 1) < 1e-3)
  }

  @Test func `the triad adds a multiple of the second array to the first`() {
    let a: [Float] = (0..<37).map { Float($0) }
    let b: [Float] = (0..<37).map { Float(100 - $0) }
    var c = [Float](repeating: -1, count: 38)
    tutti_triad(a, b, 0.5, &c, 37)
    #expect(Array(c.prefix(37)) == zip(a, b).map { $0 + 0.5 * $1 })
    #expect(c[37] == -1)
  }
}
