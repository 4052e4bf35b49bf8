import CKernels
import Testing

@Suite("Convolution kernels") struct ConvolutionTests {
  /// The target after a convolution by the kernels of an instruction set, in pieces of rows.
  private func computed(
    _ sample: ConvolutionCase, _ instructionSet: String, bias: Bool, accumulate: Bool, pieces: [Int]
  ) -> Planes {
    let target = sample.target()
    let packed = sample.packed()
    packed.withUnsafeBufferPointer { packed in
      sample.withJob(into: target, bias: bias, accumulate: accumulate) { job in
        job.weights = packed.baseAddress
        for (first, last) in zip(pieces, pieces.dropFirst()) {
          tutti_convolution_rows(&job, Int32(first), Int32(last))
        }
      }
    }
    return target
  }

  private func reference(
    _ sample: ConvolutionCase, bias: Bool, accumulate: Bool, fused: Bool
  ) -> Planes {
    let target = sample.target()
    sample.withJob(into: target, bias: bias, accumulate: accumulate) { job in
      tutti_convolution_rows_reference(&job, sample.weights, false, fused, 0, Int32(sample.targetRows))
    }
    return target
  }

  @Test("every pixel has the bits of the plain loop, and nothing else is touched", arguments: instructionSets)
  func bits(instructionSet: String) {
    for index in 0..<60 {
      let sample = ConvolutionCase.random(index)
      let bias = index % 3 != 0
      let accumulate = index % 4 == 1
      let expected = reference(sample, bias: bias, accumulate: accumulate, fused: fuses(instructionSet))
      let found = withInstructionSet(instructionSet) {
        computed(sample, instructionSet, bias: bias, accumulate: accumulate, pieces: [0, sample.targetRows])
      }
      #expect(found.bits == expected.bits, "case \(index): \(sample)")
      #expect(!found[0, 0, 0].isNaN)
    }
  }

  @Test("row ranges do not change a bit", arguments: instructionSets)
  func ranges(instructionSet: String) {
    for index in 100..<120 {
      let sample = ConvolutionCase.random(index)
      var random = TestRandom(seed: index)
      var pieces = [0]
      while pieces[pieces.count - 1] < sample.targetRows {
        pieces.append(min(sample.targetRows, pieces[pieces.count - 1] + Int.random(in: 1...5, using: &random)))
      }
      withInstructionSet(instructionSet) {
        let whole = computed(
          sample, instructionSet, bias: true, accumulate: false, pieces: [0, sample.targetRows])
        let parts = computed(sample, instructionSet, bias: true, accumulate: false, pieces: pieces)
        #expect(whole.bits == parts.bits, "case \(index)")
      }
    }
  }

  @Test("sums over source channels may be made in parts without a change of bits", arguments: instructionSets)
  func sourceParts(instructionSet: String) {
    for index in 200..<230 {
      let sample = ConvolutionCase.random(index)
      let expected = reference(sample, bias: true, accumulate: false, fused: fuses(instructionSet))
      let found = sample.target()
      let rows = Int32(sample.targetRows)
      let step = 1 + index % 5
      withInstructionSet(instructionSet) {
        sample.packed().withUnsafeBufferPointer { packed in
          sample.withJob(into: found) { job in
            job.weights = packed.baseAddress
            for first in stride(from: 0, to: sample.sources, by: step) {
              job.first_source = Int32(first)
              job.summed_sources = Int32(min(step, sample.sources - first))
              job.accumulate = first > 0
              tutti_convolution_rows(&job, 0, rows)
            }
          }
        }
      }
      #expect(found.bits == expected.bits, "case \(index)")
    }
  }

  @Test("many taps and folded maps keep the order of summation", arguments: instructionSets)
  func manyTaps(instructionSet: String) {
    // 9 × 9 × 9 taps are more than a pass holds.
    let sample = ConvolutionCase(
      extents: (10, 12, 21), kernel: (9, 9, 9), dilation: 1, mode: .replicate, sources: 2, targets: 5, seed: 5)
    let expected = reference(sample, bias: true, accumulate: true, fused: fuses(instructionSet))
    let found = withInstructionSet(instructionSet) {
      computed(sample, instructionSet, bias: true, accumulate: true, pieces: [0, 7, sample.targetRows])
    }
    #expect(found.bits == expected.bits)
  }

  @Test("the data gradient is the adjoint, halos included, with the bits of the plain loop", arguments: instructionSets)
  func adjoint(instructionSet: String) {
    for index in 200..<240 {
      let sample = ConvolutionCase.random(index)
      let halo = sample.padding.x
      let reach = sample.dilation * (sample.kernel.x - 1)
      let forward = reference(sample, bias: false, accumulate: false, fused: true)
      // The gradient's rows carry zeros as far as the widest source pixel looks.
      var random = TestRandom(seed: index)
      let gradient = Planes(
        channels: sample.targets, rows: sample.targetRows, width: sample.targetWidth, margin: reach + 1)
      gradient.fill(-reach..<sample.targetWidth + reach) { _, _, _ in 0 }
      gradient.fillRandom(0..<sample.targetWidth, &random)

      let z = sample.z.adjoint(extent: sample.extents.z)
      let y = sample.y.adjoint(extent: sample.extents.y)
      let shifts = IntegerList((0..<sample.kernel.x).map { halo - $0 * sample.dilation })
      let found = Planes(
        channels: sample.sources, rows: sample.extents.z * sample.extents.y, width: sample.extents.x, margin: halo + 2)
      let expected = found.copy()
      var job = tutti_convolution()
      job.source = UnsafePointer(gradient.base)
      job.source_channel_stride = gradient.channelStride
      job.source_channels = Int32(sample.targets)
      job.source_rows = Int32(sample.y.count)
      job.source_pitch = Int32(gradient.pitch)
      job.target = found.base
      job.target_channel_stride = found.channelStride
      job.target_channels = Int32(sample.sources)
      job.target_rows = Int32(sample.extents.y)
      job.target_pitch = Int32(found.pitch)
      job.first_x = Int32(-halo)
      job.width = Int32(sample.extents.x + 2 * halo)
      (job.z, job.y) = (z.map, y.map)
      (job.z_taps, job.y_taps, job.x_taps) = (
        Int32(sample.kernel.z), Int32(sample.kernel.y), Int32(sample.kernel.x)
      )
      job.x_shift = UnsafePointer(shifts.pointer)
      let rows = Int32(sample.extents.z * sample.extents.y)
      withInstructionSet(instructionSet) {
        sample.packed(transposed: true).withUnsafeBufferPointer { packed in
          job.weights = packed.baseAddress
          tutti_convolution_rows(&job, 0, rows)
        }
      }
      job.target = expected.base
      tutti_convolution_rows_reference(&job, sample.weights, true, fuses(instructionSet), 0, rows)
      #expect(found.bits == expected.bits, "case \(index)")

      var left = 0.0
      var right = 0.0
      var scale = 0.0
      for c in 0..<sample.targets {
        for row in 0..<sample.targetRows {
          for x in 0..<sample.targetWidth {
            left += Double(forward[c, row, x]) * Double(gradient[c, row, x])
            scale += abs(Double(forward[c, row, x]) * Double(gradient[c, row, x]))
          }
        }
      }
      for c in 0..<sample.sources {
        for row in 0..<Int(rows) {
          for x in -halo..<sample.extents.x + halo {
            right += Double(sample.source[c, row, x]) * Double(found[c, row, x])
          }
        }
      }
      #expect(abs(left - right) <= 1e-5 * scale, "case \(index): \(left) \(right)")
      withExtendedLifetime((z, y, shifts)) {}
    }
  }
}
