import Networks
import Testing

@Suite struct TUNetTests {
  static func settings(
    depth: Int, base: Int, growth: Double = 2, hidden: Double = 1, kernel: PerAxis = 3, pooling: PerAxis = 2
  ) -> TUNet {
    var settings = TUNet()
    settings.depth = depth
    settings.baseChannels = base
    settings.growthRate = growth
    settings.hiddenRate = hidden
    settings.kernel = kernel
    settings.pooling = pooling
    return settings
  }

  static func count(_ settings: TUNet, _ inputs: Int, _ outputs: Int, _ dimensions: Int) throws -> Int {
    let graph = try settings.graph(inputChannels: inputs, outputChannels: outputs, dimensions: dimensions)
    return try parameterCount(graph, Array(repeating: 243, count: dimensions))
  }

  @Test(
    "parameter counts are those of DLSIA's networks",
    arguments: [
      (2, [6_562, 25_666, 101_506, 403_714]), (3, [29_650, 117_410, 467_266, 1_864_322]),
      (4, [121_394, 483_170, 1_927_874, 7_701_890]), (5, [487_154, 1_943_778, 7_765_442, 31_042_434]),
    ])
  func countsOfDLSIA(depth: Int, counts: [Int]) throws {
    for (base, expected) in zip([8, 16, 32, 64], counts) {
      #expect(try Self.count(Self.settings(depth: depth, base: base), 1, 2, 2) == expected)
    }
  }

  @Test func `parameter counts with fractional rates and in three dimensions are those of DLSIA`() throws {
    #expect(try Self.count(Self.settings(depth: 3, base: 10), 1, 1, 2) == 46_131)
    #expect(try Self.count(Self.settings(depth: 4, base: 16, growth: 1.5), 1, 1, 2) == 145_821)
    #expect(try Self.count(Self.settings(depth: 4, base: 16, growth: 1.5, hidden: 1.5), 1, 1, 2) == 1_386_250)
    #expect(try Self.count(Self.settings(depth: 3, base: 4), 1, 1, 3) == 21_517)
  }

  @Test(
    "parameter counts follow the closed form in one, two and three dimensions",
    arguments: [1, 2, 3], [(3, 2), (5, 2), (3, 3), (1, 4)])
  func closedForm(dimensions: Int, sizes: (kernel: Int, pooling: Int)) throws {
    for (depth, base, growth, hidden) in [(2, 5, 2.0, 1.0), (4, 10, 1.3, 1.3), (3, 7, 1.6, 0.8), (4, 3, 1.0, 2.0)] {
      let settings = Self.settings(
        depth: depth, base: base, growth: growth, hidden: hidden, kernel: .all(sizes.kernel),
        pooling: .all(sizes.pooling))
      func power(_ value: Int) -> Int { (0..<dimensions).reduce(1) { result, _ in result * value } }
      func convolution(_ from: Int, _ to: Int, _ kernel: Int) -> Int { from * to * power(kernel) + to }
      var m = [base]
      var o = [Int(Double(base) * hidden)]
      for _ in 1..<depth {
        m.append(Int(Double(o[o.count - 1]) * growth))
        o.append(Int(Double(m[m.count - 1]) * hidden))
      }
      var expected = m[0] * 4 + 4
      for level in 0..<depth {
        let input = level == 0 ? 3 : o[level - 1]
        expected += convolution(input, m[level], sizes.kernel) + 2 * m[level]
        expected += convolution(m[level], o[level], sizes.kernel) + 2 * o[level]
      }
      for level in 0..<depth - 1 {
        let below = level == depth - 2 ? o[depth - 1] : m[level + 1]
        expected += convolution(below, o[level], sizes.pooling)
        expected += convolution(2 * o[level], o[level], sizes.kernel) + 2 * o[level]
        expected += convolution(o[level], m[level], sizes.kernel) + 2 * m[level]
      }
      #expect(try Self.count(settings, 3, 4, dimensions) == expected)
    }
  }

  @Test func `channels are truncated level by level`() throws {
    let channels = try Self.settings(depth: 4, base: 10, growth: 1.3, hidden: 1.3).channels()
    #expect(channels.map(\.first) == [10, 16, 26, 42])
    #expect(channels.map(\.second) == [13, 20, 33, 54])
  }

  @Test func `the output is as large as the image, whatever its extents`() throws {
    let settings = Self.settings(depth: 4, base: 3)
    let images = (8..<40).map { [$0] } + [[33, 47], [37, 50], [8, 31], [16, 18, 21], [9, 8, 15]]
    for image in images {
      let graph = try settings.graph(inputChannels: 1, outputChannels: 3, dimensions: image.count)
      #expect(try graph.shapes(extents: image).last == FeatureShape(channels: 3, extents: image))
    }
    for pooling in [PerAxis.all(3), [1, 2], [2, 3]] {
      let graph = try Self.settings(depth: 3, base: 2, pooling: pooling).graph(
        inputChannels: 2, outputChannels: 1, dimensions: 2)
      for width in 9..<30 {
        #expect(try graph.shapes(extents: [23, width]).last == FeatureShape(channels: 1, extents: [23, width]))
      }
    }
  }

  @Test func `an image too small for the depth is refused at the pooling that it does not fit`() throws {
    let graph = try Self.settings(depth: 4, base: 3).graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    let error = try #require(throws: NetworkError.self) { try graph.shapes(extents: [32, 7]) }
    #expect(error.node == "pool2")
    #expect(error.description.contains("along x") && error.description.contains("smaller depth"))
  }

  @Test func `layers stand in the order convolution, normalization, activation, and the skip comes first`() throws {
    let graph = try Self.settings(depth: 2, base: 3).graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    let level = { (name: String) in
      ["conv0", "norm0", "act0", "conv1", "norm1", "act1"].map { "\(name).\($0)" }
    }
    #expect(
      graph.nodes.map(\.name) == ["input"] + level("encode0") + ["pool0"] + level("bottom") + ["up0", "decode0.stack"]
        + level("decode0") + ["last.conv"])
    let stack = try #require(graph.nodes.first { $0.name == "decode0.stack" })
    #expect(stack.inputs.map { graph.nodes[$0].name } == ["encode0.act1", "up0"])
  }

  @Test func `normalization and activations can be left out or added`() throws {
    var settings = Self.settings(depth: 2, base: 3)
    settings.normalization = .none
    settings.activation = nil
    settings.finalActivation = .sigmoid
    let graph = try settings.graph(inputChannels: 1, outputChannels: 2, dimensions: 1)
    #expect(
      graph.nodes.map(\.name) == [
        "input", "encode0.conv0", "encode0.conv1", "pool0", "bottom.conv0", "bottom.conv1", "up0", "decode0.stack",
        "decode0.conv0", "decode0.conv1", "last.conv", "last.act",
      ])
    settings.normalization = .batch
    settings.tracksRunningStatistics = false
    let batch = try settings.graph(inputChannels: 1, outputChannels: 2, dimensions: 1)
    #expect(try batch.costs(extents: [8]).statistics == 0)
    settings.tracksRunningStatistics = true
    let running = try settings.graph(inputChannels: 1, outputChannels: 2, dimensions: 1)
    #expect(try running.costs(extents: [8]).statistics == 2 * (3 + 3 + 6 + 6 + 3 + 3))
  }

  @Test func `impossible settings are refused by name`() {
    func setting(_ change: (inout TUNet) -> Void, dimensions: Int = 2) -> String? {
      var settings = TUNet()
      change(&settings)
      do {
        _ = try settings.graph(inputChannels: 1, outputChannels: 2, dimensions: dimensions)
        return nil
      } catch { return error.setting }
    }
    #expect(setting { _ in } == nil)
    #expect(setting { $0.depth = 1 } == "depth")
    #expect(setting { $0.baseChannels = 0 } == "base-channels")
    #expect(setting { $0.growthRate = 0.01 } == "growth-rate")
    #expect(setting { $0.growthRate = .nan } == "growth-rate")
    #expect(setting { $0.growthRate = 1e9 } == "growth-rate")
    #expect(setting { $0.hiddenRate = 0 } == "hidden-rate")
    #expect(setting { $0.kernel = 4 } == "kernel")
    #expect(setting { $0.kernel = [3, 3, 3] } == "kernel")
    #expect(setting { $0.pooling = 1 } == "pooling")
    #expect(setting { $0.pooling = [2, 0] } == "pooling")
    #expect(setting({ _ in }, dimensions: 4) == "dimensions")
  }

  @Test func `images of one column are told not to be pooled along x`() throws {
    let graph = try Self.settings(depth: 3, base: 4).graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    #expect {
      try graph.shapes(extents: [64, 1])
    } throws: { "\($0)".hasSuffix("fewer than the pooling window of 2; do not pool along x (pooling: [2, 1]).") }
    let pooled = Self.settings(depth: 3, base: 4, pooling: [2, 1])
    #expect(throws: Never.self) {
      try pooled.graph(inputChannels: 1, outputChannels: 2, dimensions: 2).shapes(extents: [64, 1])
    }
  }
}
