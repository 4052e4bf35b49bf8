import Networks
import TestSupport
import Testing

/// Every operator against PyTorch: results, evaluation results, all gradients, running statistics.
@Suite struct OperatorGoldenTests {
  @Test func `every operator gives PyTorch's values and gradients`() throws {
    var checked = 0
    for group in try Golden("ops.h5").groups {
      let operation = try operation(of: group)
      let dimensions = max(2, try group.array("x").shape.count - 2)
      var graph = NetworkGraph(dimensions: dimensions)
      let input = graph.add("input", .input(channels: try group.array("x").shape[1]))
      graph.add("op", operation, input)
      let run = GoldenRun(group: group, graph: graph) { String($0.dropFirst("op.".count)) }
      try run.check(samplesPerShard: 1, threads: 2)
      try run.check(samplesPerShard: 2, threads: 1)
      checked += 1
    }
    #expect(checked > 0)
  }

  /// A group of an operation that there is not.
  private struct UnknownKind: Error {
    var group: String
    var kind: String
  }

  /// The operation of a group.
  private func operation(of group: GoldenGroup) throws -> Networks.Operation {
    func all(_ name: String, _ value: Int) throws -> PerAxis { .all(try group.integer(name, default: value)) }
    let kind = try group.string("kind")
    switch kind {
    case "conv1d", "conv2d", "conv3d":
      return .convolution(
        Convolution(
          channels: try group.array("y").shape[1], kernel: try all("kernel", 1), stride: try all("stride", 1),
          dilation: try all("dilation", 1), padding: try all("padding", 0),
          paddingMode: PaddingMode(rawValue: try group.string("padding_mode", default: "zeros")) ?? .zeros,
          bias: try group.flag("bias", default: true)))
    case "convtranspose1d", "convtranspose2d", "convtranspose3d":
      return .transposedConvolution(
        TransposedConvolution(
          channels: try group.array("y").shape[1], kernel: try all("kernel", 1), stride: try all("stride", 1),
          padding: try all("padding", 0), outputPadding: try all("output_padding", 0)))
    case "batchnorm1d", "batchnorm2d", "batchnorm3d":
      return .batchNormalization(
        BatchNormalization(
          epsilon: try group.number("eps", default: 1e-5), momentum: try group.number("momentum", default: 0.1),
          tracksRunningStatistics: try group.flag("track_running_stats", default: true)))
    case "groupnorm":
      return .groupNormalization(
        GroupNormalization(
          groups: try group.integer("groups"), epsilon: try group.number("eps", default: 1e-5),
          affine: try group.has("state/weight")))
    case "instancenorm1d", "instancenorm2d", "instancenorm3d":
      return .groupNormalization(
        .instance(epsilon: try group.number("eps", default: 1e-5), affine: try group.has("state/weight")))
    case "upsample1d", "upsample2d", "upsample3d":
      return .upsampling(
        Upsampling(
          mode: try group.string("mode") == "nearest" ? .nearest : .linear, factor: try all("scale", 2),
          alignCorners: try group.flag("align_corners", default: false)))
    case "maxpool1d", "maxpool2d", "maxpool3d":
      return .maxPooling(MaxPooling(kernel: try all("kernel", 2), stride: try all("stride", 2)))
    case "linear": return .linear(features: try group.array("y").shape[1], bias: true)
    case "relu": return .activation(.relu)
    case "leaky_relu": return .activation(.leakyReLU(negativeSlope: try group.number("negative_slope")))
    case "prelu": return .activation(.prelu(perChannel: try group.array("state/weight").values.count > 1))
    case "elu": return .activation(.elu(alpha: try group.number("alpha")))
    case "gelu": return .activation(.gelu)
    case "silu": return .activation(.silu)
    case "tanh": return .activation(.tanh)
    case "sigmoid": return .activation(.sigmoid)
    case "softplus": return .activation(.softplus)
    case "hardswish": return .activation(.hardswish)
    case "softmax": return .softmax(logarithm: false)
    case "log_softmax": return .softmax(logarithm: true)
    default: throw UnknownKind(group: group.name, kind: kind)
    }
  }
}
