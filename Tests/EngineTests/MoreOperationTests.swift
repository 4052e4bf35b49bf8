import Networks
import TestSupport
import Testing

@testable import Engine

/// Normalization by groups, PReLU, upsampling, sums, reshaping and clamping: values by their definitions, gradients by
/// differences of that.
@Suite struct MoreOperationTests {
  private static let images: [(extents: [Int], batch: Int)] = [([19], 2), ([7, 18], 2), ([4, 5, 6], 3)]

  private func check(
    _ operation: Networks.Operation, extents: [Int], batch: Int, channels: Int = 4, scale: Float = 1, _ what: String
  ) throws {
    var graph = NetworkGraph(dimensions: extents.count)
    let input = graph.add("input", .input(channels: channels))
    graph.add("it", operation, input)
    var trial = try Trial(graph, extents: extents, batch: batch)
    for index in trial.images.indices { trial.images[index] *= scale }
    try trial.expectOracle(samplesPerShard: 1, what)
    try trial.expectOracle(samplesPerShard: 2, threads: 1, what)
  }

  @Test func `group and instance normalization are their definitions, with and without weights`() throws {
    for image in Self.images {
      for (groups, affine) in [(1, true), (2, true), (2, false), (4, false), (nil, true)] as [(Int?, Bool)] {
        try check(
          .groupNormalization(GroupNormalization(groups: groups, epsilon: 1e-3, affine: affine)),
          extents: image.extents, batch: image.batch, "\(image.extents), \(groups ?? 0) groups, affine \(affine)")
      }
    }
  }

  @Test func `an activation is fused to a group normalization, whatever reads it`() throws {
    for activation in [Activation.relu, .silu, .prelu(perChannel: true)] {
      var graph = NetworkGraph(dimensions: 2)
      var value = graph.add("input", .input(channels: 2))
      value = graph.add("conv", .convolution(.same(channels: 4)), value)
      value = graph.add("norm", .groupNormalization(GroupNormalization(groups: 2)), value)
      value = graph.add("act", .activation(activation), value)
      graph.add("last", .convolution(.same(channels: 2, paddingMode: .reflect)), value)
      let plan = try Plan(graph, extents: [6, 17], purpose: .training)
      #expect(plan.steps.count == (activation == .prelu(perChannel: true) ? 4 : 3))
      try Trial(graph, extents: [6, 17], batch: 3).expectOracle("\(activation)")
    }
  }

  @Test func `group normalization of equal pixels is its shift, and of pixels far from 0 still right`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 2))
    graph.add("norm", .groupNormalization(.instance()), input)
    var trial = try Trial(graph, extents: [9, 17], batch: 2)
    trial.images = trial.images.map { _ in 0.7 }
    let result = try trial.run()
    let shifts = trial.layout.parameter("norm.bias")!.range.map { trial.parameters[$0] }
    expectClose(result.output, result.output.indices.map { shifts[$0 / 153 % 2] }, relative: 1e-4)
    #expect((result.gradients + result.inputGradient).allSatisfy { $0.isFinite })
    var far = try Trial(graph, extents: [9, 17], batch: 2)
    for index in far.images.indices { far.images[index] += 100 }
    try far.expectOracle("mean 100")
  }

  @Test func `PReLU is its definition with one slope and with one a channel, negative ones too`() throws {
    for image in Self.images {
      for perChannel in [false, true] {
        var graph = NetworkGraph(dimensions: image.extents.count)
        let input = graph.add("input", .input(channels: 3))
        graph.add("it", .activation(.prelu(perChannel: perChannel)), input)
        var trial = try Trial(graph, extents: image.extents, batch: image.batch)
        #expect(trial.layout.parameters.map(\.shape) == [[perChannel ? 3 : 1]])
        trial.parameters[0] = -0.5
        try trial.expectOracle(samplesPerShard: 2, "\(image.extents), a channel \(perChannel)")
      }
    }
  }

  @Test func `upsampling is its definition by a factor, corners aligned or not`() throws {
    for image in Self.images {
      for factor in 1...3 {
        for (mode, alignCorners) in [(Upsampling.Mode.nearest, false), (.linear, false), (.linear, true)] {
          try check(
            .upsampling(Upsampling(mode: mode, factor: .all(factor), alignCorners: alignCorners)),
            extents: image.extents, batch: image.batch, channels: 2, "\(mode) \(image.extents) × \(factor)")
        }
      }
    }
    try check(
      .upsampling(Upsampling(mode: .linear, factor: [1, 3, 2])), extents: [2, 3, 4], batch: 2, "anisotropic")
    try check(
      .upsampling(Upsampling(mode: .linear, factor: 4)), extents: [1, 5], batch: 2, "a single row")
  }

  @Test func `upsampling follows the extents of its second input, smaller ones too`() throws {
    for (extents, pooling) in [([9], 2), ([7, 10], 3), ([5, 6, 7], 2)] {
      for mode in Upsampling.Mode.allCases {
        var graph = NetworkGraph(dimensions: extents.count)
        let input = graph.add("input", .input(channels: 2))
        let low = graph.add("pool", .maxPooling(MaxPooling(kernel: .all(pooling))), input)
        let up = graph.add("up", .upsampling(Upsampling(mode: mode, factor: .all(pooling))), low, input)
        let conv = graph.add("conv", .convolution(.same(channels: 2, paddingMode: .circular)), up)
        graph.add("down", .upsampling(Upsampling(mode: mode, factor: 1)), conv, low)
        try Trial(graph, extents: extents, batch: 2).expectOracle("\(mode) \(extents)")
      }
    }
  }

  @Test func `a nearest pixel is the one that PyTorch's single precision gives`() {
    func pixels(_ source: Int, _ target: Int) -> [Int] {
      let table = ResamplingTable(source: source, target: target, alignCorners: false, mode: .nearest)
      return (0..<target).map { Int(table.entries.first[$0]) }
    }
    // By torch.nn.functional.interpolate 2.7.
    #expect(pixels(3, 7) == [0, 0, 0, 1, 1, 2, 2])
    #expect(pixels(41, 123)[120...] == [40, 40, 40])
    #expect(pixels(5, 10) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
  }

  @Test func `a sum is that of its inputs times their factors, one input twice too`() throws {
    for image in Self.images {
      for factors in [[], [1, -1, 0.5, 2]] as [[Double]] {
        var graph = NetworkGraph(dimensions: image.extents.count)
        let input = graph.add("input", .input(channels: 2))
        let a = graph.add("a", .convolution(.same(channels: 2)), input)
        let b = graph.add("b", .activation(.softplus), a)
        let sum = graph.add("sum", .sum(factors: factors), a, b, a, input)
        let stack = graph.add("stack", .concatenation, a, sum)
        let conv = graph.add("conv", .convolution(.same(channels: 2, paddingMode: .replicate)), stack)
        graph.add("difference", .difference, conv, sum)
        try Trial(graph, extents: image.extents, batch: image.batch).expectOracle(
          samplesPerShard: 2, "\(image.extents), \(factors)")
      }
    }
  }

  @Test func `reshaping keeps the order of values, to a vector and back and between planes`() throws {
    for (extents, channels, shape) in [([6], 4, [4]), ([4, 6], 3, [3, 8]), ([2, 4, 5], 4, [5, 1, 8])] {
      var graph = NetworkGraph(dimensions: extents.count)
      let input = graph.add("input", .input(channels: 2))
      let elements = 2 * extents.reduce(1, *)
      var value = graph.add(
        "flat", .reshape(channels: elements, extents: extents.map { _ in 1 }), input)
      value = graph.add("norm", .batchNormalization(BatchNormalization()), value)
      value = graph.add("planes", .reshape(channels: elements / shape.reduce(1, *), extents: shape), value)
      value = graph.add("conv", .convolution(.same(channels: channels, paddingMode: .circular)), value)
      graph.add("again", .reshape(channels: 1, extents: [channels * shape[0]] + shape.dropFirst()), value)
      try Trial(graph, extents: extents, batch: 3).expectOracle("\(extents)")
    }
  }

  @Test func `clamping is its definition`() throws {
    for image in Self.images {
      try check(
        .clamp(minimum: -0.5, maximum: 0.25), extents: image.extents, batch: image.batch, "\(image.extents)")
    }
  }
}
