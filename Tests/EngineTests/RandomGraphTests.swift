import Networks
import Testing

@testable import Engine

/// The compiler on random networks.
@Suite struct RandomGraphTests {
  @Test(arguments: [(dimensions: 1, extents: [11]), (2, [6, 17]), (3, [4, 5, 6])])
  func `random networks give the values and gradients of their definition`(dimensions: Int, extents: [Int]) throws {
    for seed in 0..<UInt64(25) {
      let graph = RandomGraph(dimensions: dimensions, nodes: 4 + Int(seed) / 3, seed: seed).graph
      let trial = try Trial(graph, extents: extents, batch: 3, seed: seed)
      try trial.expectOracle(samplesPerShard: 1 + Int(seed) % 3, threads: 1 + Int(seed) % 2, "seed \(seed)")
    }
  }

  @Test func `random networks give the same bits for one, two and three threads`() throws {
    for seed in 100..<UInt64(115) {
      let graph = RandomGraph(dimensions: 2, nodes: 12, seed: seed).graph
      let trial = try Trial(graph, extents: [9, 20], batch: 4, seed: seed)
      let key = DropoutKey(seed: seed, member: 0, step: 0, firstSample: 0)
      let one = try trial.run(samplesPerShard: 2, threads: 1, key: key)
      #expect(try trial.run(samplesPerShard: 2, threads: 2, key: key) == one, "seed \(seed)")
      #expect(try trial.run(samplesPerShard: 2, threads: 3, key: key) == one, "seed \(seed)")
      let prediction = try trial.predict(threads: 1)
      #expect(try trial.predict(threads: 3) == prediction, "seed \(seed)")
    }
  }

  @Test func `two compilations give one plan`() throws {
    for seed in 0..<UInt64(20) {
      let graph = RandomGraph(dimensions: 2, nodes: 14, seed: seed).graph
      for purpose in [Plan.Purpose.training, .inference] {
        let plans = try (0..<2).map { _ in try Plan(graph, extents: [8, 9], purpose: purpose) }
        #expect(plans[0].buffers.map(\.offset) == plans[1].buffers.map(\.offset))
        #expect(plans[0].zeroedBuffers == plans[1].zeroedBuffers)
        #expect(plans[0].arenaFloats == plans[1].arenaFloats)
      }
    }
  }
}
