import CKernels
import Testing

@Suite("Weight gradient kernels") struct ConvolutionWeightGradientTests {
  private func computed(_ sample: ConvolutionCase, _ gradient: Planes) -> [Float] {
    var result = [Float](repeating: .nan, count: sample.weights.count)
    sample.withGradientJob(of: gradient, into: &result) { job in
      tutti_convolution_weight_gradient(&job, 0, Int32(sample.targets), 0, Int32(sample.sources))
    }
    return result
  }

  private func agrees(_ found: [Float], _ expected: [Float], _ tolerance: Float) -> Bool {
    let scale = expected.reduce(1e-30) { max($0, abs($1)) }
    return zip(found, expected).allSatisfy { abs($0 - $1) <= tolerance * scale }
  }

  @Test("every element agrees with the sum in double", arguments: instructionSets)
  func values(instructionSet: String) {
    for index in 300..<350 {
      let sample = ConvolutionCase.random(index)
      let gradient = sample.target(seed: index)
      var expected = [Float](repeating: .nan, count: sample.weights.count)
      sample.withGradientJob(of: gradient, into: &expected) { job in
        tutti_convolution_weight_gradient_reference(&job, 0, Int32(sample.targets), 0, Int32(sample.sources))
      }
      let found = withInstructionSet(instructionSet) { computed(sample, gradient) }
      #expect(agrees(found, expected, 2e-6), "case \(index)")
    }
  }

  @Test("a long sum keeps its precision", arguments: instructionSets)
  func precision(instructionSet: String) {
    // All products are positive: a plain float32 sum of 98,304 pixels would be off by far more.
    let sample = ConvolutionCase(
      extents: (8, 96, 128), kernel: (3, 3, 3), dilation: 2, mode: .zeros, sources: 1, targets: 2, seed: 1)
    sample.source.fill(0..<128) { _, row, x in 0.5 + 0.37 * Float((row * 31 + x * 17) % 97) / 97 }
    let gradient = sample.target()
    gradient.fill(0..<128) { c, row, x in 0.25 + Float((row * 7 + x * 3 + c) % 101) / 101 }
    var expected = [Float](repeating: .nan, count: sample.weights.count)
    sample.withGradientJob(of: gradient, into: &expected) { job in
      tutti_convolution_weight_gradient_reference(&job, 0, 2, 0, 1)
    }
    let found = withInstructionSet(instructionSet) { computed(sample, gradient) }
    #expect(agrees(found, expected, 1e-6))
  }

  @Test("ranges of channels do not change a bit, and accumulating is one addition", arguments: instructionSets)
  func ranges(instructionSet: String) {
    for index in 400..<420 {
      let sample = ConvolutionCase.random(index)
      let gradient = sample.target(seed: index)
      withInstructionSet(instructionSet) {
        let whole = computed(sample, gradient)
        var random = TestRandom(seed: index)
        let before = whole.map { _ in random.value() }
        var parts = before
        sample.withGradientJob(of: gradient, into: &parts, accumulate: true) { job in
          let targets = Int32(sample.targets)
          let sources = Int32(sample.sources)
          let (c, s) = (Int32.random(in: 0...targets, using: &random), Int32.random(in: 0...sources, using: &random))
          tutti_convolution_weight_gradient(&job, 0, c, 0, s)
          tutti_convolution_weight_gradient(&job, 0, c, s, sources)
          tutti_convolution_weight_gradient(&job, c, targets, s, sources)
          tutti_convolution_weight_gradient(&job, c, targets, 0, s)
        }
        #expect(parts.map(\.bitPattern) == zip(whole, before).map { ($1 + $0).bitPattern }, "case \(index)")
      }
    }
  }
}
