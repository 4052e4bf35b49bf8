import CKernels
import Networks
import Testing

@testable import Engine

/// Stacks that are activated and normalized after every layer.
@Suite struct StackNormalizationTests {
  private func network(
    layers: Int, width: Int = 1, mode: PaddingMode = .zeros, dimensions: Int = 2, activated: Bool = true,
    tracks: Bool = true, dilation: Int = 3
  ) throws -> NetworkGraph {
    var settings = MSDNet()
    settings.form = .stack
    (settings.layers, settings.width, settings.maximumDilation) = (layers, width, dilation)
    settings.paddingMode = mode
    settings.tracksRunningStatistics = tracks
    if !activated { settings.inputActivations = [] }
    return try settings.graph(inputChannels: 2, outputChannels: 2, dimensions: dimensions)
  }

  private func stackNormalizations(_ plan: Plan) -> Int {
    plan.steps.count { if case .stackNormalization = $0 { true } else { false } }
  }

  @Test(arguments: PaddingMode.allCases)
  func `networks that normalize the stack after every layer are right`(mode: PaddingMode) throws {
    let graph = try network(layers: 5, mode: mode)
    let trial = try Trial(graph, extents: [7, 19], batch: 3)
    #expect(stackNormalizations(try trial.plan()) == 5)
    try trial.expectOracle(samplesPerShard: 2)
    try Trial(try network(layers: 3, width: 2, mode: mode, activated: false), extents: [8, 9], batch: 2).expectOracle()
  }

  @Test(arguments: PaddingMode.allCases)
  func `images that are recomputed in pieces are right`(mode: PaddingMode) throws {
    let rows = 9000
    let trial = try Trial(try network(layers: 3, mode: mode, dilation: 1), extents: [rows, 2], batch: 1)
    let pieces = try trial.plan().steps.compactMap { step -> RecomputedSource? in
      if case .stages(let group) = step { group.recomputedSource } else { nil }
    }
    #expect(pieces.count == 3 && pieces.allSatisfy { $0.pieceRows < rows })
    #expect(mode == .circular || pieces.allSatisfy { $0.rows.channelStride < $0.planes.channelStride })
    try trial.expectOracle()
  }

  @Test func `a prediction by running statistics computes layers in blocks`() throws {
    let plan = try Plan(try network(layers: 20), extents: [16, 16], purpose: .inference)
    let blocks = plan.steps.compactMap { step -> Int? in
      if case .stages(let group) = step, group.recomputedSource != nil { group.stages.count } else { nil }
    }
    #expect(blocks == [8, 8, 4])
    #expect(stackNormalizations(plan) == 20)
    try Trial(try network(layers: 10), extents: [6, 9], batch: 2).expectOracle()
  }

  @Test func `a last stack that others than convolutions read is stored`() throws {
    var graph = try network(layers: 3)
    let last = graph.nodes.firstIndex { $0.name == "layer2.norm" }!
    graph.tap("last", last)
    let trial = try Trial(graph, extents: [7, 9], batch: 2)
    #expect(stackNormalizations(try trial.plan()) == 3)
    try trial.expectOracle()
  }

  @Test func `networks along one and three axes are right`() throws {
    try Trial(try network(layers: 4, dimensions: 1), extents: [33], batch: 2).expectOracle()
    try Trial(try network(layers: 4, dimensions: 3), extents: [5, 4, 17], batch: 2).expectOracle()
  }

  @Test func `a chain ends at a stack that is tapped, and values are right`() throws {
    var graph = try network(layers: 4)
    graph.tap("middle", graph.nodes.firstIndex { $0.name == "layer1.norm" }!)
    let trial = try Trial(graph, extents: [7, 9], batch: 2)
    // The two links before it, and the two behind.
    #expect(stackNormalizations(try trial.plan()) == 4)
    try trial.expectOracle()
  }

  @Test func `bits do not depend on threads or on where shards are cut into ranks`() throws {
    let trial = try Trial(try network(layers: 6), extents: [70, 90], batch: 4)
    for scope in [Plan.NormalizationScope.batch, .shard] {
      let one = try trial.run(threads: 1, scope: scope)
      #expect(one == (try trial.run(threads: 3, scope: scope)))
    }
  }

  @Test func `memory grows with the layers, not with their square`() throws {
    let short = try Plan(try network(layers: 10), extents: [32, 32], purpose: .training)
    let long = try Plan(try network(layers: 40), extents: [32, 32], purpose: .training)
    #expect(long.arenaFloats < 4 * short.arenaFloats)
  }

  @Test func `a prediction by the batch's statistics is what training computes`() throws {
    let trial = try Trial(try network(layers: 5, tracks: false), extents: [9, 21], batch: 3)
    #expect(try trial.predict() == trial.run(samplesPerShard: 1).output)
  }

  @Test func `clamped lines follow ReLU and normalization, however often`() {
    // (scale, mean, shift), among them a falling and a flat one and one that leaves nothing.
    let maps: [(Float, Float, Float)] = [
      (1.5, 0.4, 0.1), (-2, 0.5, 0.3), (0.75, -0.25, -0.125), (-1, 0.1, 0.5), (3, 0.2, 0), (0, 1, 0.25), (2, 0.25, -1),
      (1, 0, 0.5),
    ]
    for x: Float in stride(from: -3, through: 3, by: 0.01) {
      var line = tutti_line.identity
      var value = Double(x)
      for (scale, mean, shift) in maps {
        value = Double(scale) * (max(0, value) - Double(mean)) + Double(shift)
        line = line.normalized(scale: scale, mean: mean, shift: shift)
        let clamped = min(max(x, line.low), line.high)
        let found = Double(line.slope) * Double(clamped - line.reference) + Double(line.value)
        #expect(abs(found - value) < 1e-5)
      }
    }
  }
}
