import CKernels
import Testing

/// The kernels: by what their lanes are.
enum GradientKernel: CaseIterable {
  case pixels, channels

  func callAsFunction(
    _ job: inout tutti_weight_gradient, targets: Range<Int>, sources: Range<Int>
  ) {
    let (c0, c1) = (Int32(targets.lowerBound), Int32(targets.upperBound))
    let (s0, s1) = (Int32(sources.lowerBound), Int32(sources.upperBound))
    switch self {
    case .pixels: tutti_convolution_weight_gradient(&job, c0, c1, s0, s1)
    case .channels: tutti_channel_weight_gradient(&job, c0, c1, s0, s1)
    }
  }
}

@Suite("Weight gradient kernels") struct ConvolutionWeightGradientTests {
  private func computed(_ kernel: GradientKernel, _ sample: ConvolutionCase, _ gradient: Planes) -> [Float] {
    var result = [Float](repeating: .nan, count: sample.weights.count)
    sample.withGradientJob(of: gradient, into: &result) { job in
      kernel(&job, targets: 0..<sample.targets, sources: 0..<sample.sources)
    }
    return result
  }

  private func agrees(_ found: [Float], _ expected: [Float], _ tolerance: Float) -> Bool {
    let scale = expected.reduce(1e-30) { max($0, abs($1)) }
    return zip(found, expected).allSatisfy { abs($0 - $1) <= tolerance * scale }
  }

  @Test("every element agrees with the sum in double", arguments: instructionSets, GradientKernel.allCases)
  func values(instructionSet: String, kernel: GradientKernel) {
    for index in 300..<350 {
      let sample = ConvolutionCase.random(index)
      let gradient = sample.target(seed: index)
      var expected = [Float](repeating: .nan, count: sample.weights.count)
      sample.withGradientJob(of: gradient, into: &expected) { job in
        tutti_convolution_weight_gradient_reference(&job, 0, Int32(sample.targets), 0, Int32(sample.sources))
      }
      let found = withInstructionSet(instructionSet) { computed(kernel, sample, gradient) }
      #expect(agrees(found, expected, 2e-6), "case \(index)")
    }
  }

  @Test("source pixels may lie several apart", arguments: instructionSets)
  func steps(instructionSet: String) {
    for index in 350..<380 {
      let sample = ConvolutionCase.random(index)
      let gradient = sample.target(seed: index)
      var expected = [Float](repeating: .nan, count: sample.weights.count)
      var found = expected
      let step = 2 + index % 3
      func steps(_ job: inout tutti_weight_gradient) {
        job.x_step = Int32(step)
        job.width = Int32((sample.targetWidth + step - 1) / step)
      }
      sample.withGradientJob(of: gradient, into: &expected) { job in
        steps(&job)
        tutti_convolution_weight_gradient_reference(&job, 0, Int32(sample.targets), 0, Int32(sample.sources))
      }
      withInstructionSet(instructionSet) {
        sample.withGradientJob(of: gradient, into: &found) { job in
          steps(&job)
          GradientKernel.channels(&job, targets: 0..<sample.targets, sources: 0..<sample.sources)
        }
      }
      #expect(agrees(found, expected, 2e-6), "case \(index)")
    }
  }

  @Test("a long sum keeps its precision", arguments: instructionSets, GradientKernel.allCases)
  func precision(instructionSet: String, kernel: GradientKernel) {
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
    let found = withInstructionSet(instructionSet) { computed(kernel, sample, gradient) }
    #expect(agrees(found, expected, kernel == .pixels ? 1e-6 : 4e-6))
  }

  @Test(
    "ranges of channels do not change a bit, and accumulating is one addition", arguments: instructionSets,
    GradientKernel.allCases)
  func ranges(instructionSet: String, kernel: GradientKernel) {
    for index in 400..<420 {
      let sample = ConvolutionCase.random(index)
      let gradient = sample.target(seed: index)
      withInstructionSet(instructionSet) {
        let whole = computed(kernel, sample, gradient)
        var random = TestRandom(seed: index)
        let before = whole.map { _ in random.value() }
        var parts = before
        sample.withGradientJob(of: gradient, into: &parts, accumulate: true) { job in
          let (targets, sources) = (sample.targets, sample.sources)
          let (c, s) = (Int.random(in: 0...targets, using: &random), Int.random(in: 0...sources, using: &random))
          let result = job.result
          for (t, u) in [(0..<c, 0..<s), (0..<c, s..<sources), (c..<targets, s..<sources), (c..<targets, 0..<s)] {
            job.result = result.map { $0 + t.lowerBound * job.result_stride + u.lowerBound * sample.taps }
            kernel(&job, targets: t, sources: u)
          }
        }
        #expect(parts.map(\.bitPattern) == zip(whole, before).map { ($1 + $0).bitPattern }, "case \(index)")
      }
    }
  }
}
