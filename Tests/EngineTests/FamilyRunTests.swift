import Engine
import Host
import Networks
import TestSupport
import Testing

/// What the families' less usual networks compute.
@Suite struct FamilyRunTests {
  private func outputs(_ graph: NetworkGraph, extents: [Int], seed: UInt64 = 1) throws -> [Float] {
    let plan = try Plan(graph, extents: extents, purpose: .inference)
    let run = Execution(plan, samplesPerShard: 1, shards: 1, team: try ThreadTeam(size: 2))
    _ = run.parameters.buffer.update(from: plan.layout.initialParameters(seed: seed, member: 0))
    _ = run.statistics.buffer.update(from: plan.layout.initialStatistics())
    var random = TestRandom(seed)
    let image = random.uniforms(plan.inputShape.elements)
    image.withUnsafeBufferPointer { run.input(0).setPixels($0) }
    run.forward(samples: 1)
    return run.output(0).pixels()
  }

  @Test func `the three quantiles never cross`() throws {
    var base = TUNet()
    (base.depth, base.baseChannels) = (2, 4)
    var heads = QuantileHeads()
    heads.features = 4
    let graph = try NetworkFamily(base, quantileHeads: heads).graph(
      inputChannels: 1, outputChannels: 6, dimensions: 2, seed: 1, member: 0)
    for seed in 1...3 {
      let values = try outputs(graph, extents: [12, 13], seed: UInt64(seed))
      let size = 2 * 12 * 13
      #expect(values.count == 3 * size)
      for place in 0..<size {
        #expect(values[place] <= values[size + place] && values[size + place] <= values[2 * size + place])
      }
    }
  }

  @Test(arguments: [(2, -2, 1), (3, -1, 1)])
  func `sparse networks with nodes of several scales run, and their gradients are right`(
    base: Int, minimum: Int, maximum: Int
  ) throws {
    var generator = SMSNetGenerator()
    (generator.nodes, generator.hiddenChannels, generator.dilations) = (5, [2], [1, 2])
    (generator.scales.base, generator.scales.minimum, generator.scales.maximum) = (base, minimum, maximum)
    for member in 0..<3 {
      let graph = try NetworkFamily(SMSNetFamily(generator, SMSNet(activation: .silu))).graph(
        inputChannels: 1, outputChannels: 2, dimensions: 2, seed: 2, member: member)
      let trial = try Trial(graph, extents: [21, 22], batch: 2, seed: UInt64(member + 1))
      try trial.expectOracle(samplesPerShard: 1, threads: 2, "member \(member)")
    }
  }
}
