import Benchmarking
import Foundation
import Networks
import TestSupport
import Testing

/// The networks that are timed beside the peer.
@Suite struct BenchmarkNetworkTests {
  private let edges = Golden.fixtures + "/smsnet.json"

  @Test(arguments: [
    ("tunet", 1_927_874), ("tunet-large", 31_042_434), ("tunet3plus", 414_706), ("msdnet30", 5_269),
    ("msdnet100", 56_054),
    ("msdnet30-planes", 4_339), ("msdnet100-planes", 45_954),
  ])
  func `networks have as many parameters as the peer's`(name: String, parameters: Int) throws {
    let network = try BenchmarkNetwork(named: name)
    #expect(network.graph.dimensions == 2)
    #expect(try network.graph.costs(extents: [128, 128]).parameters == parameters)
  }

  @Test func `the sparse network is that of the file`() throws {
    let network = try BenchmarkNetwork(named: "smsnet", edges: edges)
    #expect(try network.graph.costs(extents: [128, 128]).parameters == 25_771)
    let normalizations = network.graph.nodes.compactMap { node -> BatchNormalization? in
      if case .batchNormalization(let settings) = node.operation { settings } else { nil }
    }
    #expect(!normalizations.isEmpty)
    #expect(normalizations.allSatisfy { !$0.tracksRunningStatistics })
  }

  @Test func `the volumetric U-Net takes cubes`() throws {
    let network = try BenchmarkNetwork(named: "tunet3d")
    #expect(network.graph.dimensions == 3)
    #expect(network.name.defaultSide == 32)
    #expect(try network.graph.shapes(extents: [32, 32, 32]).last?.channels == 2)
  }

  @Test func `an unknown network's message lists those that there are`() {
    let error = #expect(throws: BenchmarkError.self) { try BenchmarkNetwork(named: "unet") }
    let text = error?.description ?? ""
    #expect(text.hasPrefix("--network ‘unet’: unknown; there are tunet, tunet-large, tunet3d, smsnet"))
  }

  @Test func `edges are asked for where they are needed, and only there`() {
    #expect(throws: BenchmarkError.edgesMissing) { try BenchmarkNetwork(named: "smsnet") }
    #expect(throws: BenchmarkError.edgesOfOther(.tunet)) { try BenchmarkNetwork(named: "tunet", edges: edges) }
  }

  @Test(arguments: [
    ("{}", "‘edges’"), ("[1, 2", "not JSON"),
    (#"{"edges": [{"source": 1, "target": 0, "dilation": 1, "channels": 1}]}"#, "no edge may lead into the input"),
    (
      #"{"parameters": 7, "edges": [{"source": 0, "target": 1, "dilation": 1, "channels": 1}]}"#,
      "has 7 parameters, but its edges make 16"
    ),
  ])
  func `a file of edges that is not as it should be is named with what is wrong`(text: String, words: String) throws {
    let path = NSTemporaryDirectory() + "edges-\(UUID().uuidString).json"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: BenchmarkError.self) { try BenchmarkNetwork(named: "smsnet", edges: path) }
    let message = error?.description ?? ""
    #expect(message.hasPrefix(path))
    #expect(message.contains(words))
  }

  @Test func `a file of edges that is not there is named`() {
    let error = #expect(throws: BenchmarkError.self) {
      try BenchmarkNetwork(named: "smsnet", edges: "no/such/edges.json")
    }
    #expect(error?.description.contains("no/such/edges.json") == true)
  }
}
