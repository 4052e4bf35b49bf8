import CKernels
import Host
import Testing

/// Winograd's algorithm against the plain sums.
@Suite("Convolutions by Winograd's minimal filtering") struct WinogradTests {
  /// A random convolution of some samples, with what it takes as a plain one.
  private struct Sample {
    let planes: Int, rows: Int, width: Int, zTaps: Int
    let sources: Int, targets: Int, samples: Int
    let z: AxisMap, y: AxisMap
    let shifts = IntegerList([-1, 0, 1])
    let source: Planes, target: Planes
    let weights: [Float], bias: [Float]
    var taps: Int { 9 * zTaps }

    init(_ index: Int) {
      var random = TestRandom(seed: index)
      func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
      let isVolume = index % 3 == 0
      zTaps = isVolume ? 3 : 1
      planes = pick(1...(isVolume ? 7 : 2))
      rows = pick(1...(isVolume ? 18 : 23))
      width = pick(1...(isVolume ? 24 : 70))
      samples = pick(1...3)
      let many = index % 5 == 0 ? 70 : 19
      (sources, targets) = (pick(1...many), pick(1...many))
      z = AxisMap(extent: planes, kernel: zTaps, dilation: 1, padding: zTaps / 2)
      y = AxisMap(extent: rows, kernel: 3, dilation: 1, padding: 1)
      source = Planes(channels: samples * sources, rows: planes * rows, width: width, margin: 2)
      source.fill(-1..<width + 1) { _, _, _ in 0 }
      source.fillRandom(0..<width, &random)
      target = Planes(channels: samples * targets, rows: planes * rows, width: width, margin: 1)
      target.fillRandom(0..<width, &random)
      weights = (0..<targets * sources * 9 * zTaps).map { _ in random.value() }
      bias = (0..<targets).map { _ in random.value() }
    }

    /// Holds the weights of all targets, or of a piece at a time.
    func run(into target: Planes, transposed: Bool, accumulate: Bool, biased: Bool, step: Int? = nil) {
      let piece = Int(tutti_winograd_weight_piece())
      let most = step == nil ? targets : piece
      let transformed = AlignedBuffer<Float>(
        count: tutti_winograd_weight_count(Int32(min(most, targets)), Int32(sources), Int32(zTaps)))
      for held in stride(from: 0, to: targets, by: most) {
        let count = min(most, targets - held)
        for first in stride(from: held, to: held + count, by: piece) {
          tutti_winograd_weights(
            weights, Int32(targets), Int32(sources), Int32(zTaps), transposed, Int32(held), Int32(count), Int32(first),
            Int32(min(held + count, first + piece)), transformed.pointer)
        }
        bias.withUnsafeBufferPointer { bias in
          var job = tutti_winograd(
            source: source.base, source_sample_stride: sources * source.channelStride,
            source_channel_stride: source.channelStride, source_channels: Int32(sources),
            source_pitch: Int32(source.pitch), target: target.base + held * target.channelStride,
            target_sample_stride: targets * target.channelStride, target_channel_stride: target.channelStride,
            target_channels: Int32(count), target_pitch: Int32(target.pitch), samples: Int32(samples),
            planes: Int32(planes), rows: Int32(rows), width: Int32(width), z_taps: Int32(zTaps),
            weights: transformed.pointer, bias: biased ? bias.baseAddress! + held : nil, accumulate: accumulate)
          let scratch = UnsafeMutableRawPointer.allocate(
            byteCount: 4 * tutti_winograd_scratch(&job), alignment: 64)
          defer { scratch.deallocate() }
          let vectors = Int(tutti_winograd_vectors(&job))
          for first in stride(from: 0, to: vectors, by: step ?? vectors) {
            tutti_winograd_run(
              &job, Int32(first), Int32(min(vectors, first + (step ?? vectors))),
              scratch.assumingMemoryBound(to: Float.self))
          }
        }
      }
    }

    /// The weights as a plain convolution takes them: taps turned around and channels exchanged when transposed.
    private func plainWeights(transposed: Bool) -> [Float] {
      guard transposed else { return weights }
      return (0..<targets).flatMap { t in
        (0..<sources).flatMap { s in (0..<taps).map { weights[(s * targets + t) * taps + taps - 1 - $0] } }
      }
    }

    func reference(into target: Planes, transposed: Bool, accumulate: Bool, biased: Bool) {
      let weights = plainWeights(transposed: transposed)
      bias.withUnsafeBufferPointer { bias in
        for sample in 0..<samples {
          var job = tutti_convolution()
          job.source = UnsafePointer(source.base + sample * sources * source.channelStride)
          job.source_channel_stride = source.channelStride
          job.source_channels = Int32(sources)
          job.source_rows = Int32(rows)
          job.source_pitch = Int32(source.pitch)
          job.target = target.base + sample * targets * target.channelStride
          job.target_channel_stride = target.channelStride
          job.target_channels = Int32(targets)
          job.target_rows = Int32(rows)
          job.target_pitch = Int32(target.pitch)
          job.width = Int32(width)
          (job.z, job.y) = (z.map, y.map)
          (job.z_taps, job.y_taps, job.x_taps) = (Int32(zTaps), 3, 3)
          job.x_shift = UnsafePointer(shifts.pointer)
          job.bias = biased ? bias.baseAddress : nil
          job.accumulate = accumulate
          tutti_convolution_rows_reference(&job, weights, false, true, 0, Int32(planes * rows))
        }
      }
    }

    /// The job of one sample's weight gradient, that of the target being `target`.
    func withGradientJob(
      sample: Int, into result: UnsafeMutablePointer<Float>, accumulate: Bool,
      _ body: (inout tutti_weight_gradient) -> Void
    ) {
      var job = tutti_weight_gradient()
      job.source = UnsafePointer(source.base + sample * sources * source.channelStride)
      job.source_channel_stride = source.channelStride
      job.source_channels = Int32(sources)
      job.source_rows = Int32(rows)
      job.source_pitch = Int32(source.pitch)
      job.gradient = UnsafePointer(target.base + sample * targets * target.channelStride)
      job.gradient_channel_stride = target.channelStride
      job.gradient_rows = Int32(rows)
      job.gradient_planes = Int32(planes)
      job.gradient_pitch = Int32(target.pitch)
      job.width = Int32(width)
      (job.z, job.y) = (z.map, y.map)
      (job.z_taps, job.y_taps, job.x_taps) = (Int32(zTaps), 3, 3)
      job.x_shift = UnsafePointer(shifts.pointer)
      job.x_step = 1
      job.accumulate = accumulate
      job.result = result
      job.result_stride = sources * taps
      body(&job)
    }

    /// The gradient of all weights over all samples, in blocks of so many channels.
    func weightGradient(targets targetBlock: Int, sources sourceBlock: Int) -> [Float] {
      var result = [Float](repeating: .nan, count: weights.count)
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: 4 * tutti_winograd_gradient_scratch(Int32(targetBlock), Int32(sourceBlock), Int32(zTaps)),
        alignment: 64)
      defer { scratch.deallocate() }
      result.withUnsafeMutableBufferPointer { result in
        for sample in 0..<samples {
          for t in stride(from: 0, to: targets, by: targetBlock) {
            for s in stride(from: 0, to: sources, by: sourceBlock) {
              withGradientJob(
                sample: sample, into: result.baseAddress! + t * sources * taps + s * taps, accumulate: sample > 0
              ) {
                tutti_winograd_weight_gradient(
                  &$0, Int32(t), Int32(min(targets, t + targetBlock)), Int32(s), Int32(min(sources, s + sourceBlock)),
                  scratch.assumingMemoryBound(to: Float.self))
              }
            }
          }
        }
      }
      return result
    }
  }

  /// Whether two sets of pixels agree within rounding, and nothing else was written.
  private func expectClose(_ actual: Planes, _ expected: Planes, depth: Int, _ name: String) {
    let bound = 2e-5 * Float(9 * depth).squareRoot()
    var wrong = 0
    for (a, e) in zip(actual.storage, expected.storage) where !(abs(a - e) <= bound) {
      wrong += a.isNaN && e.isNaN ? 0 : 1
    }
    #expect(wrong == 0, "\(name)")
  }

  @Test("results are the plain convolution's, and nothing else is written", arguments: instructionSets)
  func forward(_ instructionSet: String) {
    withInstructionSet(instructionSet) {
      for index in 0..<60 {
        let sample = Sample(index)
        let (transposed, accumulate) = (index % 2 == 1, index % 4 >= 2)
        let (expected, actual) = (sample.target.copy(), sample.target.copy())
        sample.reference(into: expected, transposed: transposed, accumulate: accumulate, biased: !accumulate)
        sample.run(into: actual, transposed: transposed, accumulate: accumulate, biased: !accumulate)
        expectClose(actual, expected, depth: sample.sources * sample.zTaps, "\(instructionSet), case \(index)")
      }
    }
  }

  @Test("a pixel's bits do not depend on what is computed in the same call", arguments: instructionSets)
  func independence(_ instructionSet: String) {
    withInstructionSet(instructionSet) {
      for index in 0..<20 {
        let sample = Sample(100 + index)
        let (whole, parts) = (sample.target.copy(), sample.target.copy())
        sample.run(into: whole, transposed: false, accumulate: false, biased: true)
        sample.run(into: parts, transposed: false, accumulate: false, biased: true, step: 1 + index % 3)
        #expect(whole.bits == parts.bits, "\(instructionSet), case \(index)")
      }
    }
  }

  @Test("weight gradients are the plain ones, whatever channels a call computes", arguments: instructionSets)
  func weightGradient(_ instructionSet: String) {
    withInstructionSet(instructionSet) {
      for index in 0..<40 {
        let sample = Sample(200 + index)
        let most = 48 / sample.zTaps
        let actual = sample.weightGradient(targets: 48, sources: most)
        var expected = [Double](repeating: 0, count: actual.count)
        var part = [Float](repeating: 0, count: actual.count)
        for one in 0..<sample.samples {
          part.withUnsafeMutableBufferPointer { part in
            sample.withGradientJob(sample: one, into: part.baseAddress!, accumulate: false) {
              tutti_convolution_weight_gradient_reference(&$0, 0, Int32(sample.targets), 0, Int32(sample.sources))
            }
          }
          for i in expected.indices { expected[i] += Double(part[i]) }
        }
        let pixels = sample.samples * sample.planes * sample.rows * sample.width
        let bound = 2e-5 * Double(pixels).squareRoot() + 1e-5
        let wrong = zip(actual, expected).filter { !(abs(Double($0) - $1) <= bound) }.count
        #expect(wrong == 0, "\(instructionSet), case \(index)")
        let blocks = sample.weightGradient(targets: 16, sources: max(1, most / 3))
        #expect(blocks.map(\.bitPattern) == actual.map(\.bitPattern), "\(instructionSet), case \(index)")
      }
    }
  }
}
