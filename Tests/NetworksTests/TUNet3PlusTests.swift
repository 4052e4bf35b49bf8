import Networks
import Testing

@Suite struct TUNet3PlusTests {
  private func network(depth: Int, base: Int, _ change: (inout TUNet3Plus) -> Void = { _ in }) -> TUNet3Plus {
    var network = TUNet3Plus()
    (network.levels.depth, network.levels.baseChannels) = (depth, base)
    change(&network)
    return network
  }

  /// The DLSIA reference's counts without the decoder levels that DLSIA makes and never runs.
  @Test(arguments: [(4, 16, 437_938 - 23_232), (5, 16, 1_513_618 - 41_760), (5, 32, 6_045_474 - 166_464)])
  func `without fusion it has DLSIA's parameters but the dead ones`(depth: Int, base: Int, parameters: Int) throws {
    let graph = try network(depth: depth, base: base).graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    #expect(try parameterCount(graph, [64, 64]) == parameters)
  }

  @Test func `any image size fits, in every dimension, with both ways of upsampling and both fusions`() throws {
    for dimensions in 1...3 {
      for upscaling in TUNet3Plus.Upscaling.allCases {
        for fusion in TUNet3Plus.Fusion.allCases {
          let settings = network(depth: 3, base: 2) { ($0.upscaling, $0.fusion) = (upscaling, fusion) }
          let graph = try settings.graph(inputChannels: 1, outputChannels: 2, dimensions: dimensions)
          let image = Array([15, 13, 11].prefix(dimensions))
          #expect(try graph.shapes(extents: image).last == FeatureShape(channels: 2, extents: image))
        }
      }
    }
  }

  @Test func `a decoder level reads every level, and its own kind of them`() throws {
    let graph = try network(depth: 3, base: 2).graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    func sources(_ name: String) throws -> [String] {
      let node = try #require(graph.nodes.first { $0.name == name })
      return node.inputs.map { graph.nodes[$0].name }
    }
    #expect(try sources("decode1.from0.pool") == ["encode0.act1"])
    #expect(try sources("decode1.from1.conv") == ["encode1.act1"])
    #expect(try sources("decode1.from2.up") == ["bottom.act1", "encode1.act1"])
    #expect(try sources("decode0.from0.conv") == ["encode0.act1"])
    #expect(try sources("decode0.from1.up") == ["decode1.stack", "encode0.act1"])
    #expect(try sources("decode0.from2.up") == ["bottom.act1", "encode0.act1"])
    #expect(try sources("decode0.stack") == (0...2).map { "decode0.from\($0).act" })
    #expect(try sources("decode0.conv0") == ["decode0.stack"])
  }

  @Test func `with the paper's fusion every stack is convolved, and the last one gives the result`() throws {
    let fused = try network(depth: 3, base: 2) { ($0.fusion, $0.carryoverChannels) = (.paper, 5) }
      .graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    let names = fused.nodes.map(\.name)
    for level in 0...1 {
      let stack = try #require(names.firstIndex(of: "decode\(level).stack"))
      let fusion = try #require(names.firstIndex(of: "decode\(level).fuse.conv"))
      #expect(fused.nodes[fusion].inputs == [stack])
      #expect(try fused.shapes(extents: [16, 16])[fusion].channels == 15)
    }
    let last = try #require(fused.nodes.last)
    #expect(last.name == "last.conv" && last.inputs.map { names[$0] } == ["decode0.fuse.act"])
  }

  @Test func `impossible settings are refused by name`() {
    func setting(_ settings: TUNet3Plus) -> String? {
      do {
        _ = try settings.graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
        return nil
      } catch { return error.setting }
    }
    #expect(setting(network(depth: 2, base: 1)) == nil)
    #expect(setting(network(depth: 1, base: 1)) == "depth")
    #expect(setting(network(depth: 3, base: 1) { $0.carryoverChannels = 0 }) == "carryover-channels")
  }
}
