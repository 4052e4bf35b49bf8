import Networks
import Testing

@testable import Engine

/// Convolutions that read the same stack form one step.
@Suite struct StageGroupTests {
  /// A node of a sparse network with edges of several dilations, normalized and plain, into two nodes.
  private func sparse(mode: PaddingMode, dimensions: Int) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: dimensions)
    let input = graph.add("input", .input(channels: 2))
    let first = graph.add("first", .convolution(.same(channels: 3, paddingMode: mode)), input)
    var ends: [Int] = []
    for (index, dilation) in [2, 1, 3, 2].enumerated() {
      let convolution = Convolution.same(channels: 1 + index % 3, dilation: dilation, paddingMode: mode)
      var value = graph.add("conv\(index)", .convolution(convolution), first)
      if index != 1 {
        value = graph.add("norm\(index)", .batchNormalization(BatchNormalization(epsilon: 1e-3)), value)
        value = graph.add("act\(index)", .activation(.leakyReLU(negativeSlope: 0.2)), value)
      }
      ends.append(value)
    }
    let left = graph.add("left", .concatenation, ends[0], ends[3])
    let right = graph.add("right", .concatenation, ends[1], ends[2])
    let a = graph.add("a", .convolution(.same(channels: 2, paddingMode: mode)), left)
    let b = graph.add("b", .convolution(.same(channels: 2, dilation: 2, paddingMode: mode)), right)
    graph.add("last", .concatenation, a, b)
    return graph
  }

  /// Layers of `width` planes, each activated, then normalized.
  private func dense(layers: Int, width: Int, mode: PaddingMode, bias: Bool = true) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: 2)
    var stack = graph.add("input", .input(channels: 1))
    for layer in 0..<layers {
      var parts = [stack]
      for place in 0..<width {
        let convolution = Convolution.same(
          channels: 1 + layer % 2, dilation: 1 + (layer + place) % 3, paddingMode: mode, bias: bias)
        var value = graph.add("conv\(layer).\(place)", .convolution(convolution), stack)
        value = graph.add("act\(layer).\(place)", .activation(.leakyReLU(negativeSlope: 0.3)), value)
        value = graph.add(
          "norm\(layer).\(place)", .batchNormalization(BatchNormalization(epsilon: 1e-2)), value)
        parts.append(value)
      }
      stack = graph.add("stack\(layer)", .concatenation, inputs: parts)
    }
    graph.add("last", .convolution(Convolution(channels: 2, kernel: 1)), stack)
    return graph
  }

  @Test(arguments: PaddingMode.allCases)
  func `edges that leave a node are one step, and values and gradients are right`(mode: PaddingMode) throws {
    let graph = sparse(mode: mode, dimensions: 2)
    #expect(try Plan(graph, extents: [7, 9], purpose: .training).steps.count == 4)
    try Trial(graph, extents: [7, 9], batch: 3).expectOracle(samplesPerShard: 2)
    try Trial(sparse(mode: mode, dimensions: 3), extents: [5, 4, 14], batch: 2).expectOracle()
  }

  @Test(arguments: [PaddingMode.zeros, .reflect])
  func `layers of a dense network are computed in blocks, and values and gradients are right`(mode: PaddingMode) throws
  {
    let narrow = dense(layers: 10, width: 1, mode: mode)
    // Eight layers; two and the last convolution.
    #expect(try Plan(narrow, extents: [5, 17], purpose: .training).steps.count == 2)
    try Trial(narrow, extents: [5, 17], batch: 2).expectOracle()
    try Trial(dense(layers: 3, width: 2, mode: mode, bias: false), extents: [6, 8], batch: 3).expectOracle(
      samplesPerShard: 2)
  }

  @Test func `planes too large for the cache are summed in parts with the same bits on any number of threads`() throws {
    let trial = try Trial(dense(layers: 9, width: 1, mode: .zeros), extents: [150, 130], batch: 2)
    let one = try trial.run(threads: 1)
    #expect(one == (try trial.run(threads: 3)))
  }

  /// Two nodes of a sparse network whose edges have few channels: three from one, of which two have a dilation in
  /// common and one has a kernel of 1, and normalized ones from the other.
  private func filtered(mode: PaddingMode, dimensions: Int) -> NetworkGraph {
    var graph = NetworkGraph(dimensions: dimensions)
    let input = graph.add("input", .input(channels: 1))
    let first = graph.add("first", .convolution(.same(channels: 4, paddingMode: mode)), input)
    func edge(_ name: String, _ source: Int, _ channels: Int, _ dilation: Int) -> Int {
      let value = graph.add(
        name, .convolution(.same(channels: channels, dilation: dilation, paddingMode: mode)), source)
      let norm = graph.add("\(name).norm", .batchNormalization(BatchNormalization(epsilon: 1e-3)), value)
      return graph.add("\(name).act", .activation(.leakyReLU(negativeSlope: 0.2)), norm)
    }
    let plain = graph.add("plain", .convolution(.same(channels: 3, dilation: 2, paddingMode: mode)), first)
    let second = graph.add("second", .concatenation, edge("a", first, 3, 1), edge("b", first, 2, 2), plain)
    let point = graph.add("point", .convolution(Convolution(channels: 2, kernel: 1)), first)
    let ends = [edge("c", second, 3, 3), edge("d", second, 13, 1), edge("e", second, 3, 3), point]
    let last = graph.add("last", .concatenation, inputs: ends)
    graph.add("end", .convolution(Convolution(channels: 2, kernel: 1)), last)
    return graph
  }

  @Test(arguments: PaddingMode.allCases)
  func `edges of few channels are filtered along y, and values and gradients are right`(mode: PaddingMode) throws {
    let graph = filtered(mode: mode, dimensions: 2)
    let plan = try Plan(graph, extents: [38, 41], purpose: .training)
    // What has its results in rows as far apart is worked together.
    #expect(plan.filterSets.map(\.targets).sorted() == (mode == .zeros ? [3, 5, 6, 13] : [3, 3, 6, 13]))
    try Trial(graph, extents: [38, 41], batch: 3).expectOracle(samplesPerShard: 2)
    try Trial(filtered(mode: mode, dimensions: 3), extents: [5, 24, 32], batch: 2).expectOracle()
  }

  @Test(arguments: [PaddingMode.zeros, .reflect])
  func `filtered edges give the same bits on any number of threads`(mode: PaddingMode) throws {
    let trial = try Trial(filtered(mode: mode, dimensions: 2), extents: [150, 140], batch: 2)
    let one = try trial.run(threads: 1)
    #expect(one == (try trial.run(threads: 2)))
    #expect(one == (try trial.run(threads: 5)))
  }
}
