import Networks
import Testing

@testable import Engine

/// Values that are made anew for the backward pass, out of a result that is kept anyway.
@Suite struct RemadeValueTests {
  /// A wide value that `reader` alone reads, unless it is tapped.
  private func network(_ reader: Operation, activation: Activation = .relu) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    let wide = graph.add("wide", .convolution(.same(channels: 64)), input)
    let norm = graph.add("norm", .batchNormalization(BatchNormalization()), wide)
    let active = graph.add("active", .activation(activation), norm)
    let read = graph.add("read", reader, active)
    graph.add("last", .convolution(Convolution(channels: 2, kernel: 1)), read)
    return graph
  }

  private func remade(_ graph: NetworkGraph) throws -> Int {
    try Plan(graph, extents: [6, 20], purpose: .training).stages.count { $0.remade != nil }
  }

  @Test(arguments: [
    Operation.convolution(.same(channels: 16)), .convolution(.same(channels: 3, dilation: 2, paddingMode: .reflect)),
    .convolution(Convolution(channels: 4, kernel: 2, stride: 2)),
    .transposedConvolution(TransposedConvolution(channels: 3, kernel: 2, stride: 2)),
  ])
  func `values that one product reads are made anew, and its gradients are right`(reader: Operation) throws {
    let graph = network(reader)
    #expect(try remade(graph) == 1)
    try Trial(graph, extents: [6, 20], batch: 2).expectOracle()
    try Trial(network(reader, activation: .elu(alpha: 1)), extents: [6, 20], batch: 2).expectOracle()
  }

  @Test func `values that are tapped or read twice stay`() throws {
    var tapped = network(.convolution(.same(channels: 3)))
    let active = tapped.nodes.firstIndex { $0.name == "active" }!
    var twice = tapped
    tapped.tap("active", active)
    #expect(try remade(tapped) == 0)
    let other = twice.add("other", .convolution(.same(channels: 2)), active)
    twice.add("sum", .sum(factors: []), twice.nodes.firstIndex { $0.name == "last" }!, other)
    #expect(try remade(twice) == 0)
    try Trial(twice, extents: [6, 20], batch: 2).expectOracle()
  }
}
