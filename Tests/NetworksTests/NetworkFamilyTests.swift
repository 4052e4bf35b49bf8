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
    (generator.degree.min, generator.degree.max) = (.edges(2), .fraction(0.5))
    (generator.inputProbability, generator.outputProbability, generator.inputOutput) = (0.1, 0.2, false)
    #expect(
      family
        == NetworkFamily(
          SMSNetFamily(
            generator, SMSNet(activation: .silu, paddingMode: .zeros, tracksRunningStatistics: false))))
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
    #expect(read == NetworkFamily(tunet))
  }

  @Test func `settings left out have their defaults`() throws {
    #expect(try decode(NetworkFamily.self, #"{"family": "tunet"}"#) == NetworkFamily(TUNet()))
    #expect(try decode(NetworkFamily.self, #"{"family": "smsnet"}"#) == NetworkFamily(SMSNetFamily()))
  }

  @Test func `an unknown family is refused with those that there are`() {
    #expect(
      decodingMessage(NetworkFamily.self, #"{"family": "resnet"}"#)
        == "family: ‘resnet’ is no network family; there are tunet, tunet3plus, msdnet, smsnet, fcnet, autoencoder, "
        + "sparse-autoencoder, sparse-labeler, grey2color")
  }

  @Test func `a member's sparse network is its own, its U-Net the same for all`() throws {
    for dimensions in 1...3 {
      func graph(_ family: NetworkFamily, seed: UInt64, member: Int) throws -> NetworkGraph {
        try family.graph(inputChannels: 2, outputChannels: 3, dimensions: dimensions, seed: seed, member: member)
      }
      let sparse = NetworkFamily(SMSNetFamily())
      let first = try graph(sparse, seed: 1, member: 0)
      #expect(try graph(sparse, seed: 1, member: 0) == first)
      #expect(try graph(sparse, seed: 1, member: 1) != first)
      #expect(try graph(sparse, seed: 2, member: 0) != first)
      let image = Array(repeating: 12, count: dimensions)
      #expect(try first.shapes(extents: image).last == FeatureShape(channels: 3, extents: image))
      let tunet = NetworkFamily(TUNet())
      #expect(try graph(tunet, seed: 1, member: 0) == graph(tunet, seed: 2, member: 1))
    }
  }

  @Test func `a drawing has a box for every node and an arrow for every value that is read`() throws {
    for family in Families.all {
      let graph = try decode(NetworkFamily.self, #"{"family": "\#(family.name)"}"#).graph(
        inputChannels: 2, outputChannels: 3, dimensions: 2, seed: 1, member: 0)
      let lines = try graph.dot(name: "a \"b\"", extents: [64, 64]).split(separator: "\n")
      #expect(lines.first == #"digraph "a \"b\"" {"#)
      #expect(lines.count { $0.contains("[label=") } == graph.nodes.count)
      #expect(lines.count { $0.contains(" -> ") } == graph.nodes.reduce(0) { $0 + $1.inputs.count })
      #expect(lines.count { $0.contains("peripheries=2") } == Set([graph.output] + graph.taps.values).count)
    }
  }
}
