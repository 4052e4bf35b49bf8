import Networks
import Testing

@Suite struct NetworkFamilyTests {
  @Test func `the settings of a job file are read by their names`() throws {
    let family = try decode(
      NetworkFamily.self,
      """
      {"family": "smsnet", "nodes": 12, "hidden-channels": [3], "dilations": [1, 2], "alpha": 0.25, "gamma": 1,
       "degree": {"min": 2, "max": 0.5}, "input-probability": 0.1, "output-probability": 0.2, "input-output": false,
       "activation": "silu", "padding": "zeros", "running-statistics": false}
      """)
    var generator = SMSNetGenerator()
    (generator.nodes, generator.hiddenChannels, generator.dilations) = (12, [3], [1, 2])
    (generator.alpha, generator.gamma) = (0.25, 1)
    (generator.minimumDegree, generator.maximumDegree) = (.edges(2), .fraction(0.5))
    (generator.inputProbability, generator.outputProbability, generator.inputOutput) = (0.1, 0.2, false)
    #expect(
      family
        == .smsnet(
          generator, SMSNet(activation: .silu, paddingMode: .zeros, tracksRunningStatistics: false)))
    var tunet = TUNet()
    (tunet.depth, tunet.baseChannels, tunet.growthRate, tunet.hiddenRate) = (3, 10, 1.5, 1.25)
    (tunet.kernel, tunet.pooling) = ([1, 3, 3], [1, 2, 2])
    (tunet.activation, tunet.normalization, tunet.finalActivation) = (nil, .none, .tanh)
    (tunet.paddingMode, tunet.dropout, tunet.initialization) = (.reflect, 0.5, .orthogonal)
    let read = try decode(
      NetworkFamily.self,
      """
      {"family": "tunet", "depth": 3, "base-channels": 10, "growth-rate": 1.5, "hidden-rate": 1.25,
       "kernel": [1, 3, 3], "pooling": [1, 2, 2], "activation": "none", "normalization": "none",
       "final-activation": "tanh", "padding": "reflect", "dropout": 0.5, "initialization": "orthogonal"}
      """)
    #expect(read == .tunet(tunet))
  }

  @Test func `settings left out have their defaults, and all come back from JSON as they were`() throws {
    #expect(try decode(NetworkFamily.self, #"{"family": "tunet"}"#) == .tunet(TUNet()))
    #expect(try decode(NetworkFamily.self, #"{"family": "smsnet"}"#) == .smsnet(SMSNetGenerator(), SMSNet()))
    var tunet = TUNet()
    (tunet.activation, tunet.normalization) = (nil, .group(groups: 4))
    var generator = SMSNetGenerator()
    generator.maximumDegree = .fraction(0.25)
    var dense = MSDNet()
    (dense.form, dense.dilations, dense.kernel) = (.stack, .matrix([[1, 2], [3, 4]]), [3, 5])
    (dense.activations, dense.inputActivations) = ([.relu, .elu(alpha: 2)], [])
    dense.dropout = MSDNet.DropoutRates(initial: 0.1, final: 0.5)
    var full = TUNet3Plus()
    (full.levels.depth, full.carryoverChannels, full.fusion) = (3, 7, .paper)
    full.upscaling = .transposedConvolution
    var bounded = SMSNetGenerator()
    (bounded.dilationMode, bounded.parameters.max, bounded.scales.minimum) = (.cyclic, 9000, -2)
    bounded.scales.output = -1
    var reservoir = SMSNet()
    (reservoir.isReservoir, reservoir.normalization, reservoir.activation) = (true, .none, nil)
    (reservoir.kernel, reservoir.dropout, reservoir.normalizesOutput) = (5, 0.1, true)
    var dilated = Autoencoder()
    (dilated.depth, dilated.block, dilated.maximumDilation, dilated.pooling) = (2, .dense, 3, [1, 2])
    (dilated.normalization, dilated.initialization, dilated.activation) = (.instance, .xavierNormal, nil)
    var coded = SparseAutoencoder()
    (coded.reduction.generator.nodes, coded.reduction.network.kernel, coded.reduction.levels) = (5, 5, 3)
    (coded.reduction.latentChannels, coded.code, coded.finalActivation) = (2, [32, 2], .sigmoid)
    var labeler = SparseLabeler()
    (labeler.reduction.factor, labeler.features, labeler.normalizesScores) = (3, [], true)
    var heads = QuantileHeads()
    (heads.features, heads.hiddenChannels, heads.readsImage) = (3, [4, 5], true)
    var colour = Grey2Color()
    (colour.encoder, colour.decoder, colour.latentChannels, colour.normalization) = ([8], [], 2, .none)
    let families: [NetworkFamily] = [
      .msdnet(MSDNet()), .msdnet(dense), .tunet3plus(TUNet3Plus()), .tunet3plus(full), .fcnet(FCNet()),
      .squashed(SquashNet(channels: 2), .tunet(tunet)), .smsnet(bounded, reservoir),
      .tunet(TUNet()), .tunet(tunet), .smsnet(SMSNetGenerator(), SMSNet()),
      .smsnet(generator, SMSNet(form: .volumetric, activation: .elu(alpha: 2))),
      .autoencoder(Autoencoder()), .autoencoder(dilated), .sparseAutoencoder(SparseAutoencoder()),
      .sparseAutoencoder(coded), .sparseLabeler(SparseLabeler()), .sparseLabeler(labeler), .grey2color(Grey2Color()),
      .grey2color(colour), .quantiles(QuantileHeads(), .tunet(tunet)),
      .quantiles(heads, .squashed(SquashNet(channels: 2), .fcnet(FCNet()))),
    ]
    for family in families { #expect(try throughJSON(family).value == family) }
  }

  @Test func `an unknown family is refused with those that there are`() {
    #expect(
      decodingMessage(NetworkFamily.self, #"{"family": "resnet"}"#)
        == "‘resnet’ is no network family; there are tunet, tunet3plus, msdnet, smsnet, fcnet, autoencoder, "
        + "sparse-autoencoder, sparse-labeler, grey2color.")
  }

  @Test func `the names of the settings are those that are written`() throws {
    let optional: Set = ["input-activation", "carryover-channels", "squash", "quantile-heads"]
    var dense = MSDNet()
    dense.dilations = .cycle([1, 2])
    for family in [
      NetworkFamily.tunet(TUNet()), .tunet3plus(TUNet3Plus()), .msdnet(dense), .smsnet(SMSNetGenerator(), SMSNet()),
      .fcnet(FCNet()), .autoencoder(Autoencoder()), .sparseAutoencoder(SparseAutoencoder()),
      .sparseLabeler(SparseLabeler()), .grey2color(Grey2Color()),
    ] {
      let text = try throughJSON(family).text
      for name in family.name.settings where !optional.contains(name) { #expect(text.contains("\"\(name)\":")) }
    }
  }

  @Test func `a member's sparse network is its own, its U-Net the same for all`() throws {
    for dimensions in 1...3 {
      func graph(_ family: NetworkFamily, seed: UInt64, member: Int) throws -> NetworkGraph {
        try family.graph(inputChannels: 2, outputChannels: 3, dimensions: dimensions, seed: seed, member: member)
      }
      let sparse = NetworkFamily.smsnet(SMSNetGenerator(), SMSNet())
      let first = try graph(sparse, seed: 1, member: 0)
      #expect(try graph(sparse, seed: 1, member: 0) == first)
      #expect(try graph(sparse, seed: 1, member: 1) != first)
      #expect(try graph(sparse, seed: 2, member: 0) != first)
      let image = Array(repeating: 12, count: dimensions)
      #expect(try first.shapes(extents: image).last == FeatureShape(channels: 3, extents: image))
      let tunet = NetworkFamily.tunet(TUNet())
      #expect(try graph(tunet, seed: 1, member: 0) == graph(tunet, seed: 2, member: 1))
    }
  }

  @Test func `a drawing has a box for every node and an arrow for every value that is read`() throws {
    for family in NetworkFamily.Name.allCases {
      let graph = try decode(NetworkFamily.self, #"{"family": "\#(family.rawValue)"}"#).graph(
        inputChannels: 2, outputChannels: 3, dimensions: 2, seed: 1, member: 0)
      let lines = try graph.dot(name: "a \"b\"", extents: [64, 64]).split(separator: "\n")
      #expect(lines.first == #"digraph "a \"b\"" {"#)
      #expect(lines.count { $0.contains("[label=") } == graph.nodes.count)
      #expect(lines.count { $0.contains(" -> ") } == graph.nodes.reduce(0) { $0 + $1.inputs.count })
      #expect(lines.count { $0.contains("peripheries=2") } == Set([graph.output] + graph.taps.values).count)
    }
  }
}
