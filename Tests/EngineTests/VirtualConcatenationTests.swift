import Networks
import Testing

@testable import Engine

/// Concatenations of sparse networks that are never materialized: their consumers recompute them from convolution
/// results.
@Suite struct VirtualConcatenationTests {
  /// Two nodes with normalized edges between them, a 1×1 edge from each to the output, and one normalized edge to it.
  private func sparse(
    mode: PaddingMode, dimensions: Int, activation: Activation = .relu, tap: Bool = false
  ) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: dimensions)
    let input = graph.add("input", .input(channels: 2))
    func edge(_ name: String, _ source: Int, _ channels: Int, _ dilation: Int) -> Int {
      let value = graph.add(
        name, .convolution(.same(channels: channels, dilation: dilation, paddingMode: mode)), source)
      let norm = graph.add("\(name).norm", .batchNormalization(BatchNormalization(epsilon: 1e-3)), value)
      return graph.add("\(name).act", .activation(activation), norm)
    }
    func point(_ name: String, _ source: Int) -> Int {
      graph.add(name, .convolution(Convolution(channels: 2, kernel: 1, bias: false)), source)
    }
    let first = graph.add("first", .concatenation, edge("a", input, 3, 1), edge("b", input, 2, 2))
    let (b, c, last) = (edge("c", first, 3, 3), edge("d", first, 3, 1), edge("e", first, 1, 2))
    let firstPoint = point("f", first)
    let second = graph.add("second", .concatenation, edge("g", input, 1, 1), c, b)
    let (h, i, j) = (edge("h", second, 4, 4), edge("i", second, 3, 1), point("j", second))
    let node = graph.add("node", .concatenation, inputs: [last, firstPoint, h, i, j])
    graph.add("end", .convolution(Convolution(channels: 2, kernel: 1)), node)
    if tap {
      graph.tap("first", first)
      graph.tap("second", second)
    }
    return graph
  }

  private func virtual(_ plan: Plan) -> Int {
    plan.steps.count { if case .stages(let group) = $0 { group.virtualSource != nil } else { false } }
  }

  @Test(arguments: PaddingMode.allCases)
  func `such concatenations are not stored in training, and values and gradients are right`(mode: PaddingMode) throws {
    let graph = sparse(mode: mode, dimensions: 2)
    let plan = try Plan(graph, extents: [38, 41], purpose: .training)
    #expect(virtual(plan) == 2)
    let stored = try Plan(sparse(mode: mode, dimensions: 2, tap: true), extents: [38, 41], purpose: .training)
    #expect(virtual(stored) == 0 && plan.arenaFloats < stored.arenaFloats)
    try Trial(graph, extents: [38, 41], batch: 3, seed: 2).expectOracle(samplesPerShard: 2)
    try Trial(
      sparse(mode: mode, dimensions: 3, activation: .leakyReLU(negativeSlope: 0.2)), extents: [5, 24, 32], batch: 2
    ).expectOracle()
  }

  @Test(arguments: PaddingMode.allCases, [Plan.Precision.float32, .bfloat16])
  func `whether a concatenation is stored changes no bit, nor does the number of threads`(
    mode: PaddingMode, precision: Plan.Precision
  ) throws {
    for scope in Plan.NormalizationScope.allCases {
      let stored = try Trial(sparse(mode: mode, dimensions: 2, tap: true), extents: [70, 140], batch: 3)
      let known = try stored.run(samplesPerShard: 2, threads: 1, scope: scope, precision: precision)
      let trial = try Trial(sparse(mode: mode, dimensions: 2), extents: [70, 140], batch: 3)
      for threads in [1, 2, 5] {
        #expect(try trial.run(samplesPerShard: 2, threads: threads, scope: scope, precision: precision) == known)
      }
    }
  }

  @Test func `volumes in pieces give the same bits`() throws {
    let stored = try Trial(sparse(mode: .reflect, dimensions: 3, tap: true), extents: [12, 20, 33], batch: 1)
    let trial = try Trial(sparse(mode: .reflect, dimensions: 3), extents: [12, 20, 33], batch: 1)
    #expect(virtual(try trial.plan()) == 2)
    let known = try stored.run(threads: 1)
    for threads in [1, 4] { #expect(try trial.run(threads: threads) == known) }
  }

  @Test func `a concatenation behind a costly activation, or larger than the caches, is stored`() throws {
    let costly = sparse(mode: .zeros, dimensions: 2, activation: .gelu)
    #expect(virtual(try Plan(costly, extents: [38, 41], purpose: .training)) == 0)
    let graph = sparse(mode: .zeros, dimensions: 2)
    #expect(virtual(try Plan(graph, extents: [512, 512], purpose: .training)) == 0)
    #expect(virtual(try Plan(graph, extents: [38, 41], purpose: .inference)) == 0)
  }
}
