import Networks
import Testing

/// Node sizes, dilation modes, bounds and the reservoir of sparse networks.
@Suite struct SMSNetScalesTests {
  private func generator(_ change: (inout SMSNetGenerator) -> Void) -> SMSNetGenerator {
    var generator = SMSNetGenerator()
    generator.nodes = 9
    change(&generator)
    return generator
  }

  private func graph(_ generator: SMSNetGenerator, member: Int, dimensions: Int, _ network: SMSNet = SMSNet()) throws
    -> NetworkGraph
  {
    try NetworkFamily(SMSNetFamily(generator, network)).graph(
      inputChannels: 1, outputChannels: 2, dimensions: dimensions, seed: 4, member: member)
  }

  @Test(arguments: [(2, -2, 1), (3, -1, 0), (2, 0, 2), (3, -2, 1)])
  func `networks with nodes of several scales give images of any size back as large`(
    base: Int, minimum: Int, maximum: Int
  ) throws {
    let scaled = generator {
      ($0.scales.base, $0.scales.minimum, $0.scales.maximum) = (base, minimum, maximum)
      $0.dilations = [1, 2]
    }
    for member in 0..<6 {
      for dimensions in 1...3 {
        let network = try graph(scaled, member: member, dimensions: dimensions)
        let image = Array([41, 37, 46].prefix(dimensions))
        let shapes = try network.shapes(extents: image)
        #expect(shapes.last == FeatureShape(channels: 2, extents: image))
        let topology = try scaled.topology(inputChannels: 1, seed: 4, member: member)
        for node in 1..<topology.nodeCount {
          guard let value = network.node(named: "node\(node)") else { continue }
          let power = topology.power(of: node)
          let factor = (0..<abs(power)).reduce(1) { factor, _ in factor * base }
          #expect(shapes[value].extents == image.map { power < 0 ? ($0 + factor - 1) / factor : $0 * factor })
        }
      }
    }
  }

  @Test func `the output node can be smaller than the image`() throws {
    let encoder = generator { $0.scales.minimum = -2 }
    let topology = try encoder.topology(inputChannels: 1, seed: 4, member: 0, outputPower: -2)
    let network = try SMSNet().graph(topology: topology, inputChannels: 1, outputChannels: 2, dimensions: 2)
    #expect(try network.shapes(extents: [65, 64]).last?.extents == [17, 16])
  }

  @Test func `scales do not change the connections that a seed gives`() throws {
    let plain = try generator { _ in }.topology(inputChannels: 1, seed: 4, member: 1)
    let scaled = try generator { $0.scales.minimum = -1 }.topology(inputChannels: 1, seed: 4, member: 1)
    #expect(plain.edges == scaled.edges)
    #expect(plain.scales == nil)
    #expect(try #require(scaled.scales).powers.contains(-1))
    #expect(try throughJSON(scaled).value == scaled)
  }

  @Test func `dilations are drawn for edges or nodes, or taken in turn`() throws {
    func hidden(_ mode: SMSNetGenerator.DilationMode) throws -> [Int: Set<Int>] {
      let settings = generator { ($0.dilationMode, $0.dilations, $0.alpha) = (mode, [1, 2, 5], 0) }
      let topology = try settings.topology(inputChannels: 1, seed: 2, member: 0)
      var dilations: [Int: Set<Int>] = [:]
      for edge in topology.edges where edge.source != 0 && edge.target != topology.output {
        dilations[edge.target, default: []].insert(edge.dilation)
      }
      return dilations
    }
    #expect(try hidden(.edge).values.contains { $0.count > 1 })
    let nodes = try hidden(.node)
    #expect(nodes.values.allSatisfy { $0.count == 1 })
    #expect(Set(nodes.values).count > 1)
    for (node, dilations) in try hidden(.cyclic) { #expect(dilations == [[1, 2, 5][(node - 1) % 3]]) }
  }

  @Test func `bounds of parameters are kept, by another try of the same member where needed`() throws {
    let free = generator { _ in }
    let counts = try (0..<8).map { try graph(free, member: $0, dimensions: 2).costs(extents: [32, 32]).parameters }
    let middle = counts.sorted()[4]
    let bounded = generator { $0.parameters = .init(min: middle, max: 2 * middle) }
    for member in 0..<8 {
      let network = try graph(bounded, member: member, dimensions: 2)
      let count = try network.costs(extents: [32, 32]).parameters
      #expect(count >= middle && count <= 2 * middle)
      #expect(try graph(bounded, member: member, dimensions: 2) == network)
      // A member that keeps the bounds at once is the one that is drawn without them.
      if counts[member] >= middle, counts[member] <= 2 * middle {
        #expect(try graph(free, member: member, dimensions: 2) == network)
      }
    }
  }

  @Test func `bounds that cannot be kept end with an error that tells what there was`() throws {
    let small = generator { ($0.nodes, $0.parameters.min) = (2, 1_000_000) }
    let error = try #require(throws: NetworkSettingError.self) { try graph(small, member: 3, dimensions: 2) }
    #expect(error.setting == "parameters")
    #expect(error.problem.contains("member 3") && error.problem.contains("Widen the bounds"))
    let crossed = generator { $0.parameters = .init(min: 5, max: 4) }
    #expect(throws: NetworkSettingError.self) { try graph(crossed, member: 0, dimensions: 2) }
  }

  @Test func `a reservoir trains its last convolution alone`() throws {
    var reservoir = SMSNet()
    (reservoir.isReservoir, reservoir.normalizesOutput, reservoir.finalActivation) = (true, true, .relu)
    let network = try graph(generator { _ in }, member: 0, dimensions: 2, reservoir)
    let layout = try network.layout(extents: [32, 32])
    let trained = layout.parameters.filter(\.isTrainable).map(\.name)
    #expect(trained == ["last.conv.weight", "last.conv.bias", "last.norm.weight", "last.norm.bias"])
    #expect(layout.trainableRanges.count == 1)
  }
}
