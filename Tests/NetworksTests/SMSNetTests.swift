import Foundation
import Networks
import TestSupport
import Testing

@Suite struct SMSNetTests {
  typealias Edge = SMSNetTopology.Edge

  /// 0→1, 0→3, 0→2, 0→4 and so on: nodes are not listed in the order of their numbers.
  static func small() throws -> SMSNetTopology {
    try SMSNetTopology(
      nodeCount: 6,
      edges: [
        Edge(source: 0, target: 1, dilation: 1, channels: 1), Edge(source: 0, target: 3, dilation: 1, channels: 1),
        Edge(source: 0, target: 2, dilation: 1, channels: 1), Edge(source: 0, target: 5, dilation: 1, channels: 1),
        Edge(source: 1, target: 3, dilation: 4, channels: 2), Edge(source: 3, target: 4, dilation: 3, channels: 2),
        Edge(source: 3, target: 5, dilation: 1, channels: 2), Edge(source: 2, target: 4, dilation: 1, channels: 2),
        Edge(source: 4, target: 5, dilation: 1, channels: 2),
      ])
  }

  @Test func `the network used for timing beside PyTorch has 25,771 parameters`() throws {
    let url = URL(fileURLWithPath: Golden.fixtures + "/smsnet.json")
    struct Reference: Decodable {
      let parameters: Int
      let nodeChannels: [String: Int]

      enum CodingKeys: String, CodingKey {
        case parameters
        case nodeChannels = "node_channels"
      }
    }
    let data = try Data(contentsOf: url)
    let reference = try JSONDecoder().decode(Reference.self, from: data)
    let topology = try JSONDecoder().decode(SMSNetTopology.self, from: data)
    #expect(topology.nodeCount == 22 && topology.edges.count == 102)
    for (node, channels) in reference.nodeChannels {
      #expect(topology.nodeChannels(inputChannels: 1)[try #require(Int(node))] == channels)
    }
    let graph = try SMSNet().graph(topology: topology, inputChannels: 1, outputChannels: 2, dimensions: 2)
    #expect(reference.parameters == 25_771)
    #expect(try parameterCount(graph, [128, 128]) == 25_771)
  }

  @Test("parameter counts follow the formula in one, two and three dimensions", arguments: [1, 2, 3])
  func countsByFormula(dimensions: Int) throws {
    let topology = try Self.small()
    let channels = topology.nodeChannels(inputChannels: 1)
    #expect(channels == [1, 1, 1, 3, 4, 5])
    let taps = [3, 9, 27][dimensions - 1]
    for form in SMSNet.Form.allCases {
      var expected = (5 + 1) * 2
      for edge in topology.edges {
        let isLinear = edge.target == 5 && (edge.source != 0 || form == .volumetric)
        let weights = channels[edge.source] * edge.channels
        expected += isLinear ? weights : weights * taps + 3 * edge.channels
      }
      let graph = try SMSNet(form: form).graph(
        topology: topology, inputChannels: 1, outputChannels: 2, dimensions: dimensions)
      #expect(try parameterCount(graph, Array(repeating: 24, count: dimensions)) == expected)
    }
  }

  @Test func `a node's channels stand in the order of the edges, and edges of one node follow one another`() throws {
    let graph = try SMSNet().graph(
      topology: try Self.small(), inputChannels: 1, outputChannels: 2, dimensions: 2)
    #expect(
      graph.nodes.map(\.name) == [
        "input", "edge0-1.conv", "edge0-1.norm", "edge0-1.act", "edge0-3.conv", "edge0-3.norm", "edge0-3.act",
        "edge0-2.conv", "edge0-2.norm", "edge0-2.act", "edge0-5.conv", "edge0-5.norm", "edge0-5.act", "edge1-3.conv",
        "edge1-3.norm", "edge1-3.act", "edge2-4.conv", "edge2-4.norm", "edge2-4.act", "node3", "edge3-4.conv",
        "edge3-4.norm", "edge3-4.act", "edge3-5.conv", "node4", "edge4-5.conv", "node5", "last.conv",
      ])
    func inputs(_ name: String) throws -> [String] {
      try #require(graph.nodes.first { $0.name == name }).inputs.map { graph.nodes[$0].name }
    }
    #expect(try inputs("node3") == ["edge0-3.act", "edge1-3.act"])
    // 3→4 is listed before 2→4, although node 2 runs before node 3.
    #expect(try inputs("node4") == ["edge3-4.act", "edge2-4.act"])
    #expect(try inputs("node5") == ["edge0-5.act", "edge3-5.conv", "edge4-5.conv"])
    #expect(try inputs("edge1-3.conv") == ["edge0-1.act"])
  }

  @Test func `an edge is a convolution of its dilation with reflect padding, and 1×1 without bias into the output`()
    throws
  {
    func convolution(_ form: SMSNet.Form, _ name: String) throws -> Convolution? {
      let graph = try SMSNet(form: form).graph(
        topology: try Self.small(), inputChannels: 1, outputChannels: 2, dimensions: 3)
      guard case .convolution(let result)? = graph.nodes.first(where: { $0.name == name })?.operation else {
        return nil
      }
      return result
    }
    let hidden = Convolution(channels: 2, kernel: 3, dilation: 4, padding: 4, paddingMode: .reflect)
    let direct = Convolution(channels: 1, kernel: 3, dilation: 1, padding: 1, paddingMode: .reflect)
    #expect(try convolution(.planar, "edge1-3.conv") == hidden)
    #expect(try convolution(.volumetric, "edge1-3.conv") == hidden)
    #expect(try convolution(.planar, "edge3-5.conv") == Convolution(channels: 2, kernel: 1, bias: false))
    #expect(try convolution(.planar, "edge0-5.conv") == direct)
    #expect(try convolution(.volumetric, "edge0-5.conv") == Convolution(channels: 1, kernel: 1, bias: false))
    #expect(try convolution(.planar, "last.conv") == Convolution(channels: 2, kernel: 1, bias: true))
  }

  @Test func `running statistics are the default, batch statistics a setting`() throws {
    let topology = try Self.small()
    func statistics(_ settings: SMSNet) throws -> Int {
      let graph = try settings.graph(topology: topology, inputChannels: 1, outputChannels: 2, dimensions: 2)
      return try graph.costs(extents: [16, 16]).statistics
    }
    #expect(try statistics(SMSNet()) == 2 * (1 + 1 + 1 + 1 + 2 + 2 + 2))
    #expect(try statistics(SMSNet(tracksRunningStatistics: false)) == 0)
  }

  @Test func `an image smaller than the widest dilation is refused at the edge that has it`() throws {
    let graph = try SMSNet().graph(topology: try Self.small(), inputChannels: 1, outputChannels: 2, dimensions: 2)
    let error = try #require(throws: NetworkError.self) { try graph.shapes(extents: [4, 20]) }
    #expect(error.node == "edge1-3.conv")
    #expect(error.description.contains("smaller dilations"))
  }
}

@Suite struct SMSNetTopologyTests {
  typealias Edge = SMSNetTopology.Edge

  static func edges(_ pairs: [(Int, Int)]) -> [Edge] {
    pairs.map { Edge(source: $0.0, target: $0.1, dilation: 1, channels: 1) }
  }

  @Test func `nodes run after all that they read, whatever their numbers`() throws {
    let topology = try SMSNetTopology(nodeCount: 5, edges: Self.edges([(0, 3), (3, 1), (1, 2), (3, 2), (2, 4)]))
    #expect(topology.executionOrder == [0, 3, 1, 2, 4])
    #expect(topology.statistics.longestPath == 4)
    #expect(topology.statistics.skips == [0, 2, 1])
    let graph = try SMSNet().graph(topology: topology, inputChannels: 1, outputChannels: 1, dimensions: 1)
    #expect(try graph.shapes(extents: [9]).last == FeatureShape(channels: 1, extents: [9]))
  }

  @Test func `edges that make no network are refused, each with its reason`() throws {
    func error(_ nodes: Int, _ pairs: [(Int, Int)]) -> SMSNetTopologyError? {
      do {
        _ = try SMSNetTopology(nodeCount: nodes, edges: Self.edges(pairs))
        return nil
      } catch { return error }
    }
    func edge(_ source: Int, _ target: Int) -> Edge { Edge(source: source, target: target, dilation: 1, channels: 1) }
    #expect(error(2, [(0, 1)]) == nil)
    #expect(error(1, []) == .tooFewNodes(1))
    #expect(error(2, [(0, 1), (0, 1)]) == .twice(edge(0, 1)))
    #expect(error(3, [(0, 3)]) == .noSuchNode(edge(0, 3), nodeCount: 3))
    #expect(error(3, [(0, 1), (1, 2), (-1, 2)]) == .noSuchNode(edge(-1, 2), nodeCount: 3))
    #expect(error(3, [(0, 1), (1, 0)]) == .entersInput(edge(1, 0)))
    #expect(error(3, [(0, 2), (2, 1)]) == .leavesOutput(edge(2, 1)))
    #expect(error(3, [(0, 1), (1, 1), (1, 2)]) == .circle(nodes: [1]))
    #expect(error(4, [(0, 1), (1, 2), (2, 1), (2, 3)]) == .circle(nodes: [1, 2, 3]))
    #expect(error(4, [(0, 1), (1, 3), (2, 3)]) == .nothingEnters(node: 2))
    #expect(error(4, [(0, 1), (0, 2), (1, 3)]) == .nothingLeaves(node: 2))
    #expect(throws: SMSNetTopologyError.empty(Edge(source: 0, target: 1, dilation: 0, channels: 1))) {
      try SMSNetTopology(nodeCount: 2, edges: [Edge(source: 0, target: 1, dilation: 0, channels: 1)])
    }
  }

  @Test func `a topology comes back from JSON as it was, and a broken one does not`() throws {
    let topology = try SMSNetTests.small()
    let (copy, text) = try throughJSON(topology)
    #expect(copy == topology)
    #expect(text.hasPrefix(#"{"edges":[{"channels":1,"dilation":1,"source":0,"target":1},"#))
    #expect(text.hasSuffix(#"],"nodes":6}"#))
    #expect(throws: SMSNetTopologyError.nothingLeaves(node: 1)) {
      try decode(
        SMSNetTopology.self,
        #"{"nodes": 3, "edges": [{"source": 0, "target": 1, "dilation": 1, "channels": 1}, "#
          + #"{"source": 0, "target": 2, "dilation": 1, "channels": 1}]}"#)
    }
  }

  @Test func `statistics count what is there`() throws {
    let statistics = try SMSNetTests.small().statistics
    #expect(statistics.hiddenNodes == 4 && statistics.edges == 9)
    #expect(statistics.hiddenEdges == 3 && statistics.inputEdges == 3 && statistics.outputEdges == 2)
    #expect(statistics.hasInputOutputEdge)
    #expect(statistics.degrees == [1, 3] && statistics.skips == [0, 1, 2, 0])
    #expect(statistics.meanDegree == 1.5 && statistics.density == 0.5 && statistics.longestPath == 4)
  }
}
