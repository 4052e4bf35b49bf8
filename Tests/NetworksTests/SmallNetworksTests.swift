import Networks
import Testing

/// Per-pixel networks and networks made of others.
@Suite struct SmallNetworksTests {
  @Test func `a fully connected network has a layer for each size, and may read the image in all`() throws {
    var network = FCNet(hiddenChannels: [8])
    let plain = try network.graph(inputChannels: 4, outputChannels: 2, dimensions: 2)
    // 4·8 + 8, scale and shift, 8·2 + 2.
    #expect(try parameterCount(plain, [5, 5]) == 74)
    #expect(try plain.receptiveField()?.radius == [0, 0])
    network.hasSkips = true
    let skips = try network.graph(inputChannels: 4, outputChannels: 2, dimensions: 3)
    #expect(try parameterCount(skips, [5, 5, 5]) == 74 + 4 * 2)
    #expect(throws: NetworkSettingError.self) {
      try FCNet(hiddenChannels: [0]).graph(inputChannels: 1, outputChannels: 1, dimensions: 1)
    }
  }

  @Test func `an aggregating network has DLSIA's parameters, over members that stay as they are`() throws {
    var aggregate = AggregateNet()
    aggregate.layers = 3
    #expect(try parameterCount(aggregate.graph(inputChannels: 10, outputChannels: 2, dimensions: 2), [4, 4]) == 242)
    let members = try (0..<3).map {
      try NetworkFamily(SMSNetFamily()).graph(
        inputChannels: 1, outputChannels: 2, dimensions: 2, seed: 1, member: $0)
    }
    let network = try aggregate.graph(members: members, outputChannels: 2, extents: [32, 32])
    let layout = try network.layout(extents: [32, 32])
    let features = try members.map { try $0.shapes(extents: [32, 32])[try #require($0.features)].channels }
    let channels = features.reduce(0, +)
    #expect(layout.trainableRanges.reduce(0) { $0 + $1.count } == 2 * (channels + 1) * channels + 2 * (channels + 1))
    let frozen = layout.parameters.filter { !$0.isTrainable }.map(\.name)
    let inner = try members.enumerated().flatMap { index, member in
      try member.layout(extents: [32, 32]).parameters.map(\.name).filter { !$0.hasPrefix("last.") }
        .map { "member\(index).\($0)" }
    }
    #expect(frozen == inner)
  }

  @Test func `squashing makes fewer channels before any family`() throws {
    var tunet = TUNet()
    (tunet.depth, tunet.baseChannels) = (2, 4)
    let squashed = NetworkFamily(tunet, squash: SquashNet(channels: 3))
    let graph = try squashed.graph(inputChannels: 40, outputChannels: 2, dimensions: 2, seed: 0, member: 0)
    let inner = try tunet.graph(inputChannels: 3, outputChannels: 2, dimensions: 2)
    #expect(try parameterCount(graph, [16, 16]) == parameterCount(inner, [16, 16]) + 40 * 3 + 3)
    #expect(graph.node(named: "encode0.conv0") != nil)
  }

  @Test func `quantile heads give three results for each channel of the base's`() throws {
    var heads = QuantileHeads()
    (heads.readsImage, heads.range, heads.features) = (true, 0...1, 5)
    let base = try FCNet(hiddenChannels: [4]).graph(inputChannels: 2, outputChannels: 5, dimensions: 1)
    let graph = try heads.graph(base: base, outputChannels: 1)
    #expect(try graph.shapes(extents: [7]).last == FeatureShape(channels: 3, extents: [7]))
    let stack = try #require(graph.nodes.first { $0.name == "quantiles" })
    #expect(stack.inputs.map { graph.nodes[$0].name } == ["lower", "median.last.conv", "upper"])
  }

  @Test func `a colour code is three numbers a pixel, which the encoder alone gives too`() throws {
    let graph = try Grey2Color().graph(inputChannels: 4, outputChannels: 4, dimensions: 2)
    #expect(try graph.shapes(extents: [3, 3]).last == FeatureShape(channels: 4, extents: [3, 3]))
    let code = try #require(graph.taps["latent"])
    let encoder = graph.ending(at: code)
    #expect(try encoder.shapes(extents: [3, 3]).last == FeatureShape(channels: 3, extents: [3, 3]))
    // DLSIA's 70677 without the normalization of code and result.
    #expect(try parameterCount(graph, [3, 3]) == 70_677 - 2 * (3 + 4))
  }
}
