import Networks
import Testing

/// Networks and images that no machine holds, and axes of one pixel.
@Suite struct NetworkLimitsTests {
  private static let huge = [1 << 31, 1 << 40, 1 << 61, Int.max - 1, Int.max]

  private func problem(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch let error as NetworkError {
      return error.problem
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: 1...3, huge)
  func `images of petabytes are refused, whatever their extents`(dimensions: Int, extent: Int) throws {
    var network = TUNet()
    network.depth = 2
    let graph = try network.graph(inputChannels: 1, outputChannels: 2, dimensions: dimensions)
    let extents = Array(repeating: extent, count: dimensions)
    #expect(throws: NetworkError.self) { try graph.shapes(extents: extents) }
    #expect(throws: NetworkError.self) { try graph.costs(extents: extents) }
    #expect(throws: NetworkError.self) { try graph.layout(extents: extents) }
    var thin = Array(repeating: 8, count: dimensions)
    thin[0] = extent
    #expect(throws: NetworkError.self) { try graph.costs(extents: thin) }
  }

  @Test(arguments: huge)
  func `settings of any size are refused or counted, but never trap`(value: Int) {
    let all = PerAxis.all(value)
    let operations: [Operation] = [
      .convolution(Convolution(channels: value, kernel: 1)), .convolution(Convolution(channels: 1, kernel: all)),
      .convolution(Convolution(channels: 1, kernel: 3, stride: all)),
      .convolution(Convolution(channels: 1, kernel: 3, dilation: all)),
      .convolution(Convolution(channels: 1, kernel: 3, padding: all)),
      .convolution(.same(channels: 1, dilation: value)),
      .transposedConvolution(TransposedConvolution(channels: value, kernel: 2, stride: 2)),
      .transposedConvolution(TransposedConvolution(channels: 1, kernel: all, stride: all)),
      .transposedConvolution(TransposedConvolution(channels: 1, kernel: 2, stride: 2, padding: all)),
      .maxPooling(MaxPooling(kernel: all)), .maxPooling(MaxPooling(kernel: 1, stride: all)),
      .upsampling(Upsampling(mode: .nearest, factor: all)), .linear(features: value, bias: true),
      .reshape(channels: value, extents: [value, value]), .groupNormalization(GroupNormalization(groups: value)),
    ]
    for operation in operations {
      var graph = NetworkGraph(dimensions: 2)
      let input = graph.add("input", .input(channels: 4))
      let last = graph.add("last", operation, input)
      graph.add("end", .activation(.relu), graph.add("both", .concatenation, last, last))
      _ = try? graph.costs(extents: [16, 16])
      _ = try? graph.receptiveField()
    }
    var graph = NetworkGraph(dimensions: 1)
    graph.add("input", .input(channels: value))
    #expect(throws: NetworkError.self) { try graph.costs(extents: [1 << 20]) }
  }

  @Test func `what would take a petabyte is said so, with the node`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    graph.add("up", .upsampling(Upsampling(mode: .nearest, factor: .all(1 << 25))), input)
    #expect(
      throws: NetworkError(
        node: "up",
        problem:
          "its value of 1 × 536870912×536870912 would take more than a petabyte; use smaller images or fewer channels."
      )
    ) { try graph.shapes(extents: [16, 16]) }
  }

  @Test func `weights of a petabyte are refused`() throws {
    var network = FCNet(hiddenChannels: [])
    network.hiddenChannels = Array(repeating: 1_000_000, count: 300)
    let graph = try network.graph(inputChannels: 1, outputChannels: 1, dimensions: 1)
    let text = problem { _ = try graph.layout(extents: [1]) }
    #expect(text?.contains("the weights up to this node would take more than a petabyte") == true)
  }

  @Test func `a pyramid over an axis of one pixel names the pooling that leaves it alone`() throws {
    for (extents, cure) in [([32, 1], "[2, 1]"), ([1, 32], "[1, 2]"), ([1, 32, 32], "[1, 2, 2]")] {
      for family in [TUNet(), TUNet3Plus(), Autoencoder()] as [any NetworkFamilySettings] {
        let graph = try family.graph(
          inputChannels: 1, outputChannels: 2, dimensions: extents.count, seed: 0, member: 0)
        let text = problem { _ = try graph.shapes(extents: extents) }
        #expect(text?.hasSuffix("(pooling: \(cure)).") == true)
      }
    }
    var network = TUNet()
    network.pooling = [2, 1]
    let graph = try network.graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    #expect(try graph.shapes(extents: [32, 1]).last?.extents == [32, 1])
    let small = problem { _ = try graph.shapes(extents: [4, 1]) }
    #expect(small?.hasSuffix("use larger images or a smaller depth.") == true)
  }

  @Test func `reflection at an axis of one pixel names the padding that does without`() throws {
    let graph = try NetworkFamily(SMSNetFamily()).graph(
      inputChannels: 1, outputChannels: 2, dimensions: 2, seed: 0, member: 0)
    let text = problem { _ = try graph.shapes(extents: [32, 1]) }
    #expect(text?.hasSuffix("or padding: zeros for an axis of one pixel.") == true)
  }

  @Test func `a receptive field wider than any image is an error, not a trap`() throws {
    var network = Autoencoder()
    (network.depth, network.pooling) = (16, 16)
    let graph = try network.graph(inputChannels: 1, outputChannels: 1, dimensions: 1)
    #expect(throws: NetworkError.self) { try graph.receptiveField() }
  }

  @Test func `a network of ten thousand layers is described without quadratic work`() throws {
    var network = MSDNet()
    network.layers = 10_000
    let graph = try network.graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    let costs = try graph.costs(extents: [16, 16])
    let layout = try graph.layout(extents: [16, 16])
    #expect(costs.parameters == layout.parameterCount)
    for node in graph.nodes where node.name.contains("conv") {
      #expect(layout.parameter("\(node.name).weight") != nil)
    }
    #expect(layout.parameter("layer0.conv0") == nil && layout.statistic("layer9999.norm0.running_var") != nil)
    #expect(try graph.receptiveField()?.radius == [55_000, 55_000])
  }
}

/// Members of families without random topologies have equal graphs, which are compiled once.
@Suite struct EqualGraphsTests {
  @Test func `members of one family have equal graphs with equal hashes, where no topology is drawn`() throws {
    for variant in Families.all {
      let family = try NetworkFamily(settingValue: .text(variant.name))
      func graph(_ member: Int) throws -> NetworkGraph {
        try family.graph(inputChannels: 2, outputChannels: 3, dimensions: 2, seed: 7, member: member)
      }
      let (first, second) = (try graph(0), try graph(1))
      let isUniform = family.settings is any UniformNetworkFamily
      #expect((first == second) == isUniform, "\(variant.name)")
      #expect(try first == graph(0))
      #expect(try Set((0..<4).map(graph)).count == (isUniform ? 1 : 4), "\(variant.name)")
    }
  }

  @Test func `what a plan is made of tells graphs apart`() throws {
    var graph = NetworkGraph(dimensions: 1)
    let input = graph.add("input", .input(channels: 1))
    graph.add("conv", .convolution(.same(channels: 2)), input)
    var all: Set = [graph]
    var other = graph
    other.freeze { _ in true }
    all.insert(other)
    other = graph
    other.tap("conv", 1)
    all.insert(other)
    other = graph
    other.add("act", .activation(.relu), 1)
    all.insert(other)
    other = NetworkGraph(dimensions: 1)
    other.add("end", .convolution(.same(channels: 2)), other.add("input", .input(channels: 1)))
    all.insert(other)
    #expect(all.count == 5)
    #expect(all.contains(graph))
  }
}
