import Host
import Networks
import TestSupport
import Testing

@testable import Engine

/// The hot path takes no memory.
@Suite struct AllocationTests {
  @Test func `after the first, a forward and backward pass allocates nothing`() throws {
    try expectNoGrowth(everything())
  }

  @Test func `after the first, a pass with matrix products allocates nothing but what OpenBLAS does`() throws {
    var network = TUNet()
    network.depth = 3
    network.baseChannels = 2
    var graph = try network.graph(inputChannels: 1, outputChannels: 2, dimensions: 3)
    graph.add("vector", .linear(features: 3, bias: true), graph.output)
    try expectNoGrowth(graph)
  }

  private func expectNoGrowth(_ graph: NetworkGraph) throws {
    let plan = try Plan(graph, extents: [4, 8, 12], purpose: .training, inputGradient: true)
    let run = Execution(plan, samplesPerShard: 2, shards: 2, team: try ThreadTeam(size: 2))
    let key = DropoutKey(seed: 1, member: 0, step: 0, firstSample: 0)
    func pass() {
      run.forward(samples: 3, randomKey: key)
      run.backward()
    }
    pass()
    guard let seen = allocatedBytes({ touchHeap(bytes: 24) }) else { return }
    #expect(seen >= 24, "the measurement sees a small block taken for a moment")
    // Tests that run beside this one may allocate meanwhile; not every time.
    let taken = (0..<8).compactMap { _ in allocatedBytes(pass) }
    #expect(taken.contains(0), "bytes: \(taken)")
  }

  /// A network with steps of every kind, all products by the direct kernels.
  private func everything() -> NetworkGraph {
    var graph = NetworkGraph(dimensions: 3)
    let input = graph.add("input", .input(channels: 2))
    let a = graph.add("a", .convolution(.same(channels: 3, dilation: 2, paddingMode: .reflect)), input)
    let norm = graph.add("norm", .batchNormalization(BatchNormalization()), a)
    let drop = graph.add("drop", .dropout(rate: 0.5), norm)
    let low = graph.add("low", .maxPooling(MaxPooling(kernel: 2)), drop)
    let wide = graph.add("wide", .convolution(.same(channels: 2, dilation: 2)), low)
    let first = graph.add("first", .concatenation, wide, low)
    let second = graph.add("second", .concatenation, low, wide, first)
    let soft = graph.add("soft", .softmax(logarithm: false), second)
    let group = graph.add("group", .groupNormalization(GroupNormalization(groups: 5)), soft)
    let prelu = graph.add("prelu", .activation(.prelu(perChannel: true)), group)
    let up = graph.add("up", .upsampling(Upsampling(mode: .linear, factor: 2)), prelu)
    let nearest = graph.add("nearest", .upsampling(Upsampling(mode: .nearest, factor: 2)), prelu)
    let sum = graph.add("sum", .difference, up, nearest)
    let clamp = graph.add("clamp", .clamp(minimum: 0, maximum: 1), sum)
    let flat = graph.add("flat", .reshape(channels: 10 * 384, extents: [1, 1, 1]), clamp)
    graph.add("last", .activation(.silu), flat)
    return graph
  }
}
