import Networks
import TestSupport
import Testing

@testable import Engine

/// Every operation alone: values by its definition, gradients by differences of that.
@Suite struct OperationTests {
  private static let images: [(extents: [Int], batch: Int)] = [([19], 2), ([7, 18], 2), ([4, 5, 6], 3)]

  private func check(
    _ operation: Networks.Operation, extents: [Int], batch: Int, channels: Int = 3, _ what: String,
    prepare: (inout Trial) -> Void = { _ in }
  ) throws {
    var graph = NetworkGraph(dimensions: extents.count)
    let input = graph.add("input", .input(channels: channels))
    graph.add("it", operation, input)
    var trial = try Trial(graph, extents: extents, batch: batch)
    prepare(&trial)
    try trial.expectOracle(samplesPerShard: 1, what)
    try trial.expectOracle(samplesPerShard: 2, threads: 1, what)
  }

  @Test(arguments: PaddingMode.allCases)
  func `a convolution is its definition for every kernel, stride, dilation and padding`(mode: PaddingMode) throws {
    for image in Self.images {
      for (kernel, stride, dilation, padding) in [
        (1, 1, 1, 0), (3, 1, 1, 1), (3, 1, 1, 0), (3, 2, 1, 1), (3, 1, 2, 2), (2, 1, 1, 1), (2, 2, 1, 0), (3, 2, 2, 3),
        (1, 1, 1, 2), (3, 1, 3, 3), (4, 3, 1, 2),
      ] {
        let convolution = Convolution(
          channels: 4, kernel: .all(kernel), stride: .all(stride), dilation: .all(dilation), padding: .all(padding),
          paddingMode: mode, bias: kernel != 2)
        guard image.extents.allSatisfy({ $0 + 2 * padding > dilation * (kernel - 1) && $0 > padding }) else { continue }
        try check(
          .convolution(convolution), extents: image.extents, batch: image.batch,
          "\(mode) \(image.extents) k\(kernel) s\(stride) d\(dilation) p\(padding)")
      }
    }
  }

  @Test(arguments: [PaddingMode.zeros, .replicate])
  func `a dilation may be larger than the image`(mode: PaddingMode) throws {
    for extents in [[5], [3, 6], [2, 3, 4]] {
      for dilation in [7, 20] {
        try check(
          .convolution(.same(channels: 2, dilation: dilation, paddingMode: mode)), extents: extents, batch: 2,
          "\(mode) \(extents) d\(dilation)")
      }
    }
  }

  @Test func `circular padding may be as wide as the image, reflected padding one less`() throws {
    try check(
      .convolution(.same(channels: 2, dilation: 6, paddingMode: .circular)), extents: [6, 6], batch: 2, "circular")
    try check(
      .convolution(.same(channels: 2, dilation: 5, paddingMode: .reflect)), extents: [6, 6], batch: 2, "reflect")
  }

  @Test func `settings may differ from axis to axis`() throws {
    try check(
      .convolution(
        Convolution(
          channels: 3, kernel: [1, 3, 5], stride: [1, 2, 1], dilation: [1, 1, 2], padding: [0, 2, 4],
          paddingMode: .reflect)), extents: [3, 5, 9], batch: 2, "anisotropic")
    try check(
      .convolution(Convolution(channels: 3, kernel: [3, 1, 3], stride: [2, 1, 3], padding: [1, 0, 2])),
      extents: [3, 5, 9], batch: 2, "anisotropic, strided along x")
    try check(
      .transposedConvolution(
        TransposedConvolution(channels: 3, kernel: [1, 2, 3], stride: [1, 2, 2], outputPadding: [0, 0, 1])),
      extents: [2, 3, 4], batch: 2, "transposed, anisotropic")
    try check(
      .maxPooling(MaxPooling(kernel: [1, 2, 3], stride: [1, 1, 2])), extents: [2, 4, 8], batch: 2, "pooling")
  }

  @Test func `many channels and short rows, which go by matrix products, and long rows give the definition's values`()
    throws
  {
    try check(.convolution(.same(channels: 17)), extents: [5, 6], batch: 3, channels: 18, "deep")
    try check(
      .convolution(.same(channels: 17, dilation: 2, paddingMode: .reflect)), extents: [5, 6], batch: 3, channels: 18,
      "deep, reflected")
    try check(.convolution(.same(channels: 20)), extents: [3, 41], batch: 2, channels: 9, "wide")
    // Rows in several bands.
    try check(.convolution(.same(channels: 1, dilation: 3)), extents: [70, 70], batch: 2, channels: 1, "banded")
  }

  @Test func `a transposed convolution is its definition`() throws {
    for image in Self.images {
      for (kernel, stride, padding, extra) in [(2, 2, 0, 0), (3, 2, 1, 1), (3, 1, 1, 0), (4, 2, 1, 0), (2, 3, 0, 2)] {
        try check(
          .transposedConvolution(
            TransposedConvolution(
              channels: 2, kernel: .all(kernel), stride: .all(stride), padding: .all(padding),
              outputPadding: .all(extra), bias: kernel != 4)), extents: image.extents, batch: image.batch,
          "\(image.extents) k\(kernel) s\(stride) p\(padding)")
      }
    }
  }

  @Test func `a transposed convolution follows the extents of its second input`() throws {
    for extents in [[9], [7, 10], [5, 6, 7]] {
      var graph = NetworkGraph(dimensions: extents.count)
      let input = graph.add("input", .input(channels: 2))
      let low = graph.add("pool", .maxPooling(MaxPooling(kernel: 2)), input)
      let up = TransposedConvolution(channels: 3, kernel: 2, stride: 2)
      graph.add("up", .transposedConvolution(up), low, input)
      try Trial(graph, extents: extents, batch: 2).expectOracle()
    }
  }

  @Test func `a linear layer is its definition`() throws {
    for image in Self.images {
      try check(.linear(features: 5, bias: true), extents: image.extents, batch: image.batch, "\(image.extents)")
      try check(.linear(features: 1, bias: false), extents: image.extents, batch: image.batch, "\(image.extents)")
    }
  }

  @Test func `a linear layer takes the shape of its second input`() throws {
    for extents in [[9], [7, 10], [4, 5, 6]] {
      var graph = NetworkGraph(dimensions: extents.count)
      let input = graph.add("input", .input(channels: 2))
      let low = graph.add("low", .maxPooling(MaxPooling(kernel: 2)), input)
      let code = graph.add("code", .linear(features: 3, bias: true), low)
      let wide = graph.add("wide", .linear(features: 0, bias: extents.count > 1), code, low)
      let conv = graph.add("conv", .convolution(.same(channels: 2, paddingMode: .circular)), wide)
      graph.add("act", .activation(.silu), conv)
      try Trial(graph, extents: extents, batch: 3).expectOracle(samplesPerShard: 2, "\(extents)")
    }
  }

  @Test func `max pooling is its definition, windows that overlap or leave gaps included`() throws {
    for image in Self.images {
      for (kernel, stride) in [(2, 2), (3, 1), (3, 2), (1, 2), (2, 3)] {
        try check(
          .maxPooling(MaxPooling(kernel: .all(kernel), stride: .all(stride))), extents: image.extents,
          batch: image.batch, "\(image.extents) k\(kernel) s\(stride)")
      }
    }
  }

  @Test func `softmax and its logarithm are their definitions`() throws {
    for image in Self.images {
      for logarithm in [false, true] {
        try check(.softmax(logarithm: logarithm), extents: image.extents, batch: image.batch, "\(logarithm)") {
          for index in $0.images.indices { $0.images[index] *= 4 }
        }
      }
    }
  }

  @Test func `batch normalization in training and with running statistics is its definition`() throws {
    for image in Self.images {
      for tracks in [true, false] {
        try check(
          .batchNormalization(BatchNormalization(epsilon: 1e-3, tracksRunningStatistics: tracks)),
          extents: image.extents, batch: image.batch, "\(image.extents), running statistics \(tracks)"
        ) {
          for index in $0.images.indices { $0.images[index] += 2 }
        }
      }
    }
  }

  @Test func `batch normalization is right far from 0, and finite where all pixels are equal`() throws {
    let normalization = Networks.Operation.batchNormalization(BatchNormalization())
    try check(normalization, extents: [30, 40], batch: 3, "mean 100") {
      for index in $0.images.indices { $0.images[index] += 100 }
    }
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 2))
    graph.add("norm", normalization, input)
    var trial = try Trial(graph, extents: [9, 17], batch: 3)
    trial.images = trial.images.map { _ in 0.7 }
    let result = try trial.run(samplesPerShard: 2)
    let shifts = trial.layout.parameter("norm.bias")!.range.map { trial.parameters[$0] }
    let expected = result.output.indices.map { shifts[$0 / 153 % 2] }
    expectClose(result.output, expected, relative: 1e-4)
    #expect((result.gradients + result.inputGradient + result.statistics).allSatisfy { $0.isFinite })
  }

  static let activations: [Activation] = [
    .relu, .leakyReLU(negativeSlope: 0.1), .leakyReLU(negativeSlope: 0), .leakyReLU(negativeSlope: -0.5),
    .elu(alpha: 1.5), .gelu, .silu, .tanh, .sigmoid, .softplus, .hardswish,
  ]

  @Test(arguments: activations)
  func `an activation is its definition, alone and fused to a convolution with and without normalization`(
    activation: Activation
  ) throws {
    for image in Self.images {
      try check(.activation(activation), extents: image.extents, batch: image.batch, "\(activation)") {
        for index in $0.images.indices { $0.images[index] *= 5 }
      }
    }
    for isNormalized in [false, true] {
      var graph = NetworkGraph(dimensions: 2)
      var value = graph.add("input", .input(channels: 2))
      value = graph.add("conv", .convolution(.same(channels: 3)), value)
      if isNormalized { value = graph.add("norm", .batchNormalization(BatchNormalization()), value) }
      value = graph.add("act", .activation(activation), value)
      graph.add("last", .convolution(.same(channels: 2, paddingMode: .reflect)), value)
      try Trial(graph, extents: [6, 17], batch: 3).expectOracle("\(activation), normalized \(isNormalized)")
    }
  }

  @Test func `dropout zeroes at its rate, scales the rest, and hands gradients through the same factors`() throws {
    let rate = 0.3
    var graph = NetworkGraph(dimensions: 3)
    let input = graph.add("input", .input(channels: 2))
    graph.add("drop", .dropout(rate: rate), input)
    let trial = try Trial(graph, extents: [6, 16, 19], batch: 3)
    func run(step: UInt64, first: Int = 0, samples: Int = 3, threads: Int = 2) throws -> Trial.Result {
      try trial.run(
        threads: threads, samples: samples,
        key: DropoutKey(seed: 1, member: 2, step: step, firstSample: first))
    }
    let result = try run(step: 0)
    var dropped = 0
    for (index, value) in result.output.enumerated() {
      let factor: Float = value == 0 ? 0 : 1 / (1 - Float(rate))
      if value == 0 { dropped += 1 }
      #expect(value == trial.images[index] * factor)
      #expect(result.inputGradient[index] == trial.slopes[index] * factor)
    }
    let count = Double(result.output.count)
    #expect(abs(Double(dropped) - rate * count) < 5 * (count * rate * (1 - rate)).squareRoot())
    #expect(try run(step: 0, threads: 1) == result)
    #expect(try run(step: 1).output != result.output)
    // The second sample draws what it would as the first of a batch that begins there.
    let size = result.output.count / 3
    var shifted = trial
    shifted.images.replaceSubrange(0..<size, with: trial.images[size..<2 * size])
    let alone = try shifted.run(
      samples: 1, key: DropoutKey(seed: 1, member: 2, step: 0, firstSample: 1))
    #expect(alone.output == Array(result.output[size..<2 * size]))
    #expect(try trial.predict() == trial.images)
  }
}
