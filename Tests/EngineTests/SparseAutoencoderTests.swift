import Networks
import Testing

@testable import Engine

@Suite struct SparseAutoencoderTests {
  private func reduction(_ settings: inout SparseReduction) {
    (settings.generator.nodes, settings.generator.hiddenChannels, settings.generator.dilations) = (4, [2], [1])
    settings.network.activation = .silu
    settings.levels = 1
  }

  @Test(arguments: [[8], [8, 10], [4, 6, 4]])
  func `a sparse autoencoder gives the values and gradients of its definition, with a code and without`(
    extents: [Int]
  ) throws {
    for code in [[], [4, 3]] {
      var settings = SparseAutoencoder()
      reduction(&settings.reduction)
      (settings.code, settings.dropout, settings.reduction.latentChannels) = (code, 0, 2)
      let graph = try settings.graph(
        inputChannels: 1, outputChannels: 2, dimensions: extents.count, seed: 1, member: 0)
      let shapes = try graph.shapes(extents: extents)
      #expect(shapes.last == FeatureShape(channels: 2, extents: extents))
      let latent = shapes[try #require(graph.taps["latent"])]
      #expect(latent.elements == (code.isEmpty ? 2 * extents.reduce(1) { $0 * ($1 / 2) } : 3))
      try Trial(graph, extents: extents, batch: 3).expectOracle("\(extents) \(code)")
    }
  }

  @Test func `extents that are no multiple of the reduction come back`() throws {
    var settings = SparseAutoencoder()
    reduction(&settings.reduction)
    let graph = try settings.graph(inputChannels: 1, outputChannels: 1, dimensions: 2, seed: 1, member: 0)
    try Trial(graph, extents: [7, 9], batch: 2).expectOracle("odd")
    #expect(try graph.shapes(extents: [7, 9]).last?.extents == [7, 9])
  }

  @Test func `a sparse labeler gives the values and gradients of its definition`() throws {
    for extents in [[9], [8, 10], [4, 6, 4]] {
      var settings = SparseLabeler()
      reduction(&settings.reduction)
      (settings.features, settings.dropout, settings.normalizesScores) = ([3], 0, true)
      let graph = try settings.graph(
        inputChannels: 1, outputChannels: 4, dimensions: extents.count, seed: 1, member: 0)
      #expect(try graph.shapes(extents: extents).last?.elements == 4)
      try Trial(graph, extents: extents, batch: 4).expectOracle("\(extents)")
    }
  }

  @Test func `encoder, decoder and members are drawn by themselves`() throws {
    let settings = SparseAutoencoder()
    func graph(_ member: Int) throws -> NetworkGraph {
      try settings.graph(inputChannels: 1, outputChannels: 1, dimensions: 2, seed: 3, member: member)
    }
    #expect(try graph(0) == graph(0))
    #expect(try graph(0) != graph(1))
    func edges(_ prefix: String) throws -> [String] {
      try graph(0).nodes.map(\.name).filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(7)) }
    }
    #expect(try edges("encode.") != edges("decode."))
  }
}
