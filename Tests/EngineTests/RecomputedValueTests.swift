import Networks
import Testing

@testable import Engine

/// Values that the backward pass recomputes from a kept convolution result.
@Suite struct RecomputedValueTests {
  /// A wide value whose only consumer is `consumer`, unless it is tapped.
  private func network(_ consumer: Operation, activation: Activation = .relu) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    let wide = graph.add("wide", .convolution(.same(channels: 64)), input)
    let norm = graph.add("norm", .batchNormalization(BatchNormalization()), wide)
    let active = graph.add("active", .activation(activation), norm)
    let read = graph.add("read", consumer, active)
    graph.add("last", .convolution(Convolution(channels: 2, kernel: 1)), read)
    return graph
  }

  private func recomputed(_ graph: NetworkGraph) throws -> Int {
    try Plan(graph, extents: [6, 20], purpose: .training).stages.count { $0.recomputation != nil }
  }

  @Test(arguments: [
    Operation.convolution(.same(channels: 16)), .convolution(.same(channels: 3, dilation: 2, paddingMode: .reflect)),
    .convolution(Convolution(channels: 4, kernel: 2, stride: 2)),
    .transposedConvolution(TransposedConvolution(channels: 3, kernel: 2, stride: 2)),
  ])
  func `values that one product reads are recomputed, and its gradients are right`(consumer: Operation) throws {
    let graph = network(consumer)
    #expect(try recomputed(graph) == 1)
    try Trial(graph, extents: [6, 20], batch: 2).expectOracle()
    try Trial(network(consumer, activation: .elu(alpha: 1)), extents: [6, 20], batch: 2).expectOracle()
  }

  @Test func `values that are tapped or read twice are kept`() throws {
    var tapped = network(.convolution(.same(channels: 3)))
    let active = tapped.nodes.firstIndex { $0.name == "active" }!
    var twice = tapped
    tapped.tap("active", active)
    #expect(try recomputed(tapped) == 0)
    let other = twice.add("other", .convolution(.same(channels: 2)), active)
    twice.add("sum", .sum(factors: []), twice.nodes.firstIndex { $0.name == "last" }!, other)
    #expect(try recomputed(twice) == 0)
    try Trial(twice, extents: [6, 20], batch: 2).expectOracle()
  }
}
