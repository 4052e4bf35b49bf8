import Foundation
import Networks
import Settings
import Testing

@testable import JobFiles

/// A family that the library does not know.
@Suite("A family of networks of a library's user") struct OwnFamilyTests {
  private struct PlainNet: UniformNetworkFamily {
    var layers = 2
    static let name = "plain"
    static let meaning = "convolutions one after another"
    static let settings = [Setting("layers", \PlainNet.layers, .integer(1...9), "convolutions one after another")]

    func graph(
      inputChannels: Int, outputChannels: Int, dimensions: Int
    ) throws(NetworkSettingError) -> NetworkGraph {
      guard layers != 3 else { throw NetworkSettingError(setting: "layers", problem: "three are too many.") }
      var graph = NetworkGraph(dimensions: dimensions)
      var value = graph.add("input", .input(channels: inputChannels))
      for layer in 0..<layers {
        value = graph.add("conv\(layer)", .convolution(.same(channels: outputChannels)), value)
      }
      return graph
    }
  }

  private func withPlainNet<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Families.$all.withValue(Families.all + [PlainNet.self], operation: body)
  }

  private func job(_ network: String) throws -> Job {
    try JobFile(text: JobFileText.network(network), path: "job.yaml", folder: nil).job
  }

  @Test("is read from a job file, with its line when a setting is wrong, and stored with the job")
  func reading() throws {
    try withPlainNet {
      let own = try job("family: plain, layers: 5")
      #expect(own.network == NetworkFamily(PlainNet(layers: 5)))
      #expect(try JSONDecoder().decode(Job.self, from: JSONEncoder().encode(own)) == own)
      let wrong = JobFileMessageTests.messages(JobFileText.network("family: plain, layer: 5"))
      #expect(wrong.contains { $0.contains("network.layer: unknown setting; did you mean ‘layers’?") }, "\(wrong)")
      let impossible = JobFileMessageTests.messages(JobFileText.network("family: plain, layers: 3"))
      #expect(impossible.contains { $0.contains("network.layers: three are too many") }, "\(impossible)")
    }
    #expect(throws: (any Error).self) { try job("family: plain, layers: 5") }
  }

  @Test("stands in the documentation and the schema")
  func documentation() {
    #expect(!JobFile.documentation.contains("plain"))
    withPlainNet {
      #expect(JobFile.documentation.contains("### network, family: plain\n\nConvolutions one after another."))
      #expect(
        JobFile.documentation.contains("| `layers` | whole number, 1 to 9 | `2` | convolutions one after another |"))
      #expect(JobFile.schema.contains("\"const\" : \"plain\""))
    }
  }
}
