import Host
import Networks
import TestSupport
import Testing

@testable import Engine

/// Products of operands that are rounded to bfloat16.
@Suite struct PrecisionTests {
  private func rounded(_ values: [Float]) -> [Float] {
    values.map { x in
      let bits = x.bitPattern
      return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
    }
  }

  /// A network of one product has nothing but its operands to round.
  @Test(arguments: [
    (channels: 1, kernel: 3, stride: 1, extent: 20), (channels: 16, kernel: 3, stride: 1, extent: 20),
    (channels: 3, kernel: 3, stride: 2, extent: 20), (channels: 20, kernel: 3, stride: 1, extent: 6),
  ])
  func `one product is that of rounded operands, and so are its gradients`(
    channels: Int, kernel: Int, stride: Int, extent: Int
  ) throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: channels))
    let convolution = Convolution(channels: channels, kernel: .all(kernel), stride: .all(stride), padding: 1)
    graph.add("conv", .convolution(convolution), input)
    let trial = try Trial(graph, extents: [extent, extent], batch: 2)
    var plain = trial
    plain.images = rounded(trial.images)
    plain.slopes = rounded(trial.slopes)
    let bias = trial.layout.parameter("conv.bias")!
    let weights = rounded(trial.parameters)
    plain.parameters = trial.parameters.indices.map { bias.range.contains($0) ? trial.parameters[$0] : weights[$0] }
    let found = try trial.run(precision: .bfloat16)
    let expected = try plain.run()
    #expect(found.output == expected.output)
    #expect(found.inputGradient == expected.inputGradient)
    let weight = trial.layout.parameter("conv.weight")!.range
    #expect(Array(found.gradients[weight]) == Array(expected.gradients[weight]))
    #expect(found.output != (try trial.run()).output)
  }

  @Test func `every family's gradients stay near those of float32, with the same bits on any number of threads`() throws
  {
    var tunet = TUNet()
    (tunet.depth, tunet.baseChannels) = (2, 12)
    var dense = MSDNet()
    dense.layers = 6
    var stack = dense
    stack.form = .stack
    let families: [NetworkFamily] = [NetworkFamily(tunet), NetworkFamily(dense), NetworkFamily(stack)]
    for family in families {
      let graph = try family.graph(inputChannels: 1, outputChannels: 2, dimensions: 2, seed: 1, member: 0)
      let trial = try Trial(graph, extents: [24, 28], batch: 2)
      let mixed = try trial.run(threads: 1, precision: .bfloat16)
      #expect(mixed == (try trial.run(threads: 3, precision: .bfloat16)))
      let plain = try trial.run()
      #expect(mixed != plain)
      #expect(distance(mixed.output, plain.output) < 0.05)
      #expect(distance(mixed.gradients, plain.gradients) < 0.15)
    }
  }

  /// Of two vectors, relative to the second's length.
  private func distance(_ a: [Float], _ b: [Float]) -> Double {
    let difference = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    return (difference / b.reduce(0.0) { $0 + Double($1) * Double($1) }).squareRoot()
  }
}
