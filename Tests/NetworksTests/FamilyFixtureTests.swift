import Foundation
import Networks
import Settings
import TestSupport
import Testing

/// What stored files hold of networks: `families.json` was written by the program before families declared their settings.
@Suite struct FamilyFixtureTests {
  private struct Entry: Decodable {
    let settings: SettingValue
    /// FNV-1a of the canonical text of the graph for two channels, six outputs and two dimensions.
    let graph: String
  }

  private static func entries() throws -> [Entry] {
    let file = URL(fileURLWithPath: Golden.fixtures + "/families.json")
    return try JSONDecoder().decode([Entry].self, from: Data(contentsOf: file))
  }

  /// The families of the fixture, in its order.
  private static let families: [NetworkFamily] = {
    var tunet = TUNet()
    (tunet.depth, tunet.baseChannels, tunet.growthRate, tunet.hiddenRate) = (3, 10, 1.5, 1.25)
    (tunet.kernel, tunet.pooling, tunet.activation, tunet.normalization) = ([1, 3], [1, 2], nil, .group(groups: 4))
    (tunet.finalActivation, tunet.paddingMode, tunet.dropout) = (.tanh, .reflect, 0.5)
    (tunet.initialization, tunet.tracksRunningStatistics) = (.orthogonal, false)
    var full = TUNet3Plus()
    (full.levels.depth, full.carryoverChannels, full.fusion) = (3, 7, .paper)
    (full.upscaling, full.levels.activation) = (.transposedConvolution, .prelu(perChannel: true))
    var dense = MSDNet()
    (dense.form, dense.dilations, dense.kernel) = (.stack, .matrix([[1, 2], [3, 4]]), [3, 5])
    (dense.activations, dense.inputActivations) = ([.relu, .elu(alpha: 2)], [])
    dense.dropout = MSDNet.DropoutRates(initial: 0.1, final: 0.5)
    var cyclic = MSDNet()
    (cyclic.layers, cyclic.width, cyclic.dilations, cyclic.activations) = (5, 2, .cycle([1, 2, 4]), [])
    (cyclic.inputActivations, cyclic.normalization) = ([.leakyReLU(negativeSlope: 0.2)], .instance)
    var bounded = SMSNetGenerator()
    (bounded.dilationMode, bounded.parameters.max, bounded.scales.minimum) = (.cyclic, 9000, -2)
    (bounded.nodes, bounded.degree.max, bounded.degree.min) = (12, .fraction(0.25), .edges(2))
    (bounded.alpha, bounded.gamma, bounded.inputOutput, bounded.hiddenChannels) = (0.25, 1, false, [2, 3])
    (bounded.inputProbability, bounded.outputProbability, bounded.dilations) = (0.1, 1, [1, 2])
    var reservoir = SMSNet(form: .volumetric, paddingMode: .zeros, tracksRunningStatistics: false)
    (reservoir.isReservoir, reservoir.normalization, reservoir.activation) = (true, .none, nil)
    (reservoir.kernel, reservoir.dropout, reservoir.normalizesOutput) = (5, 0.1, true)
    (reservoir.finalActivation, reservoir.initialization) = (.relu, .kaimingUniform)
    var layers = FCNet(hiddenChannels: [8, 4])
    (layers.hasSkips, layers.normalization, layers.dropout, layers.bias) = (true, .none, 0.5, false)
    var dilated = Autoencoder()
    (dilated.depth, dilated.block, dilated.maximumDilation, dilated.pooling) = (2, .dense, 3, [1, 2])
    (dilated.normalization, dilated.initialization, dilated.activation) = (.instance, .xavierNormal, nil)
    (dilated.blockDepth, dilated.latentDimension, dilated.paddingMode) = (2, 5, .circular)
    var coded = SparseAutoencoder()
    (coded.reduction.generator.nodes, coded.reduction.network.kernel, coded.reduction.levels) = (5, 5, 3)
    (coded.reduction.latentChannels, coded.code, coded.finalActivation) = (2, [32, 2], .sigmoid)
    var labeler = SparseLabeler()
    (labeler.reduction.factor, labeler.features, labeler.normalizesScores) = (3, [], true)
    labeler.reduction.generator.degree.min = .fraction(0.5)
    var heads = QuantileHeads()
    (heads.features, heads.hiddenChannels, heads.readsImage) = (3, [4, 5], true)
    var colour = Grey2Color()
    (colour.encoder, colour.decoder, colour.latentChannels, colour.normalization) = ([8], [], 2, .none)
    var squash = SquashNet(channels: 3)
    (squash.head.hiddenChannels, squash.head.activation) = ([16], .silu)
    return [
      NetworkFamily(TUNet()), NetworkFamily(tunet), NetworkFamily(TUNet3Plus()), NetworkFamily(full),
      NetworkFamily(MSDNet()), NetworkFamily(dense),
      NetworkFamily(cyclic), NetworkFamily(SMSNetFamily(SMSNetGenerator(), SMSNet())),
      NetworkFamily(SMSNetFamily(bounded, reservoir)), NetworkFamily(FCNet()),
      NetworkFamily(layers), NetworkFamily(Autoencoder()), NetworkFamily(dilated), NetworkFamily(SparseAutoencoder()),
      NetworkFamily(coded), NetworkFamily(SparseLabeler()), NetworkFamily(labeler), NetworkFamily(Grey2Color()),
      NetworkFamily(colour), NetworkFamily(FCNet(), squash: squash),
      NetworkFamily(TUNet(), quantileHeads: QuantileHeads()),
      NetworkFamily(FCNet(), squash: SquashNet(channels: 2), quantileHeads: heads),
    ]
  }()

  @Test func `stored settings are read as the same families`() throws {
    #expect(try Self.entries().count == Self.families.count)
    for (entry, family) in try zip(Self.entries(), Self.families) {
      #expect(try NetworkFamily(settingValue: entry.settings) == family)
      #expect(try decode(NetworkFamily.self, entry.settings.canonicalText) == family)
    }
  }

  @Test func `settings are stored as they always were`() throws {
    for (entry, family) in try zip(Self.entries(), Self.families) {
      let text = entry.settings.canonicalText
      #expect(family.settingValue.canonicalText == text)
      #expect(try throughJSON(family).text == text)
    }
  }

  @Test func `families make the graphs that they always made`() throws {
    for (entry, family) in try zip(Self.entries(), Self.families) {
      let graph = try family.graph(inputChannels: 2, outputChannels: 6, dimensions: 2, seed: 1, member: 3)
      let text = SettingValue(encoding: graph).canonicalText
      let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
      #expect(String(hash, radix: 16) == entry.graph, "\(family.name)")
    }
  }

  @Test func `every family stands in the fixture, with its defaults and with others`() {
    for family in Families.all {
      #expect(Self.families.count { $0.name == family.name } > 1, "\(family.name)")
    }
  }
}
