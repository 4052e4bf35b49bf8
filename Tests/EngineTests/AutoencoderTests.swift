import Networks
import Testing

@testable import Engine

@Suite struct AutoencoderTests {
  @Test func `a small autoencoder gives the values and gradients of its definition, odd sizes too`() throws {
    for (block, extents) in [
      (Autoencoder.Block.parallel, [13]), (.parallel, [7, 9]), (.dense, [6, 10]), (.dense, [4, 5, 6]),
    ] {
      var settings = Autoencoder()
      (settings.depth, settings.baseChannels, settings.latentDimension) = (2, 2, 3)
      (settings.block, settings.maximumDilation, settings.activation) = (block, 2, .silu)
      let graph = try settings.graph(inputChannels: 1, outputChannels: 2, dimensions: extents.count)
      #expect(try graph.shapes(extents: extents).last == FeatureShape(channels: 2, extents: extents))
      try Trial(graph, extents: extents, batch: 2).expectOracle("\(block) \(extents)")
    }
  }

  @Test func `the latent vector is tapped`() throws {
    var settings = Autoencoder()
    (settings.depth, settings.baseChannels, settings.latentDimension) = (2, 2, 3)
    let graph = try settings.graph(inputChannels: 1, outputChannels: 1, dimensions: 2)
    let plan = try Plan(graph, extents: [8, 8], purpose: .inference)
    #expect(plan.taps.map(\.name) == ["latent"])
    #expect(plan.taps[0].shape == FeatureShape(channels: 3, extents: [1, 1]))
  }

  @Test func `an autoencoder of DLSIA's example has as many parameters`() throws {
    // dlsia 0.3.4: MSAE((1, 32, 32), depth 4, base 16, growth 2, latent 32, max_dilation 5).
    var settings = Autoencoder()
    settings.maximumDilation = 5
    let graph = try settings.graph(inputChannels: 1, outputChannels: 1, dimensions: 2)
    #expect(try graph.layout(extents: [32, 32]).parameterCount == 1_231_045)
  }
}
