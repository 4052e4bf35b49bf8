import CKernels
import Testing

/// Minimal filtering along y against the plain sums.
@Suite("Convolutions by minimal filtering along y") struct FilteringTests {
  /// A random convolution, or data gradient, with what it takes as a plain one.
  private struct Sample {
    let planes: Int, rows: Int, width: Int, zTaps: Int, xTaps: Int, dilation: Int, firstX: Int
    let sources: Int, targets: Int
    let transposed: Bool, accumulate: Bool
    let z: AxisMap, y: AxisMap
    let rowOf: IntegerList, shifts: IntegerList
    /// Beside these a row's halo is zeros.
    let sourcePixels: Range<Int32>
    /// How a data gradient folds what lies beside a row, if it does.
    let padding: PaddingMode
    let folded: [tutti_folded_pixel]
    let source: Planes, target: Planes
    let weights: [Float], bias: [Float]
    var taps: Int { 3 * zTaps * xTaps }
    var quads: Int { planes * Int(tutti_filtering_quads(Int32(rows), Int32(dilation))) }

    init(_ index: Int, transposed: Bool? = nil) {
      var random = TestRandom(seed: index)
      func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
      let isVolume = index % 3 == 0
      self.transposed = transposed ?? (index % 2 == 1)
      accumulate = index % 4 >= 2
      zTaps = isVolume ? 3 : 1
      xTaps = index % 7 == 0 ? 1 : 3
      dilation = index % 6 == 1 ? pick(1...20) : pick(1...5)
      planes = pick(isVolume ? 6...8 : 1...2)
      rows = pick(dilation + 1...45)
      width = pick(1...(index % 4 == 0 ? 150 : 70))
      let many = index % 5 == 0 ? 33 : 11
      (sources, targets) = (pick(1...many), pick(1...many))
      // Data gradients also cover the halo of other paddings than zeros; they read zeros outside.
      let mode: PaddingMode = self.transposed ? .zeros : PaddingMode.allCases[index % 4]
      let forwardZ = AxisMap(
        extent: planes, kernel: zTaps, dilation: dilation, padding: zTaps / 2 * dilation,
        mode: PaddingMode.allCases[index % 4])
      z = self.transposed ? forwardZ.adjoint(extent: planes) : forwardZ
      let forwardY = AxisMap(extent: rows, kernel: 3, dilation: dilation, padding: dilation, mode: mode)
      y = self.transposed ? forwardY.adjoint(extent: rows) : forwardY
      let (extent, d) = (rows, dilation)
      rowOf = IntegerList(
        (0..<(rows + 4 * d - 1) / (4 * d) * 4 * d + 2 * d).map { padded in
          guard padded < extent + 2 * d else { return -1 }
          return AxisMap.pixel(padded - d, extent: extent, mode: mode) ?? -1
        })
      padding = self.transposed && xTaps > 1 && width > dilation ? PaddingMode.allCases[index / 2 % 4] : .zeros
      folded = padding == .zeros ? [] : Self.foldedPixels(width, dilation, padding)
      firstX = self.transposed && padding == .zeros ? -pick(0...3) : 0
      let sign = self.transposed ? -1 : 1
      shifts = IntegerList(xTaps == 1 ? [0] : [-sign * d, 0, sign * d])
      let reach = padding == .zeros ? d - firstX : 2 * d
      source = Planes(channels: sources, rows: planes * rows, width: width, margin: 48)
      source.fill(-reach..<width + reach) { _, _, _ in 0 }
      let halo = self.transposed || mode == .zeros ? 0 : d
      sourcePixels = Int32(-halo)..<Int32(width + halo)
      source.fillRandom(-halo..<width + halo, &random)
      target = Planes(channels: targets, rows: planes * rows, width: width, margin: 48)
      target.fillRandom(firstX..<width - firstX, &random)
      weights = (0..<targets * sources * 3 * zTaps * xTaps).map { _ in random.value() }
      bias = (0..<targets).map { _ in random.value() }
    }

    private func list(_ planes: Planes) -> [UnsafeMutablePointer<Float>?] {
      (0..<planes.channels).map { planes.base + $0 * planes.channelStride }
    }

    /// The weights, transformed in two parts, as of two convolutions with a dilation in common.
    private func packed() -> [Float] {
      var packed = [Float](
        repeating: .nan,
        count: tutti_filtering_packed_count(Int32(targets), Int32(sources), Int32(zTaps), Int32(xTaps)))
      let (all, other) = transposed ? (sources, targets) : (targets, sources)
      let cut = all / 2
      for part in [0..<cut, cut..<all] where !part.isEmpty {
        let first = part.lowerBound * other * taps
        weights[first..<first + part.count * other * taps].withUnsafeBufferPointer { weights in
          tutti_filtering_pack(
            weights.baseAddress, Int32(transposed ? targets : part.count), Int32(transposed ? part.count : sources),
            Int32(transposed ? 0 : part.lowerBound), Int32(targets), Int32(transposed ? part.lowerBound : 0),
            Int32(sources), Int32(zTaps), Int32(xTaps), transposed, &packed)
        }
      }
      return packed
    }

    /// The whole, or so many quads at a time, the last ones first.
    func run(into target: Planes, step: Int? = nil) {
      let (packed, sourceList, targetList) = (packed(), list(source), list(target))
      packed.withUnsafeBufferPointer { packed in
        withUnsafeBuffers(bias, folded) { bias, folded in
          sourceList.withUnsafeBufferPointer { sourceList in
            targetList.withUnsafeBufferPointer { targetList in
              var job = tutti_filtering()
              job.sources = UnsafeRawPointer(sourceList.baseAddress!).assumingMemoryBound(
                to: UnsafePointer<Float>?.self)
              job.source_channels = Int32(sources)
              job.source_pitch = Int32(source.pitch)
              job.targets = targetList.baseAddress
              job.target_channels = Int32(targets)
              job.target_pitch = Int32(target.pitch)
              (job.planes, job.rows) = (Int32(planes), Int32(rows))
              job.first_x = Int32(firstX)
              job.width = Int32(width - 2 * firstX)
              job.dilation = Int32(dilation)
              job.row_of = UnsafePointer(rowOf.pointer)
              job.z = z.map
              (job.z_taps, job.x_taps) = (Int32(zTaps), Int32(xTaps))
              job.x_shift = UnsafePointer(shifts.pointer)
              (job.first_source_x, job.last_source_x) = (sourcePixels.lowerBound, sourcePixels.upperBound)
              (job.folded, job.folded_count) = (folded.baseAddress, Int32(folded.count))
              job.weights = packed.baseAddress
              job.bias = accumulate ? nil : bias.baseAddress
              job.accumulate = accumulate
              withScratch(tutti_filtering_scratch(&job)) { scratch in
                for first in stride(from: 0, to: quads, by: step ?? quads).reversed() {
                  tutti_filtering_run(&job, Int32(first), Int32(min(quads, first + (step ?? quads))), scratch)
                }
              }
            }
          }
        }
      }
    }

    private func withScratch(_ floats: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
      let scratch = UnsafeMutableRawPointer.allocate(byteCount: 4 * floats, alignment: 64)
      defer { scratch.deallocate() }
      body(scratch.assumingMemoryBound(to: Float.self))
    }

    private func withUnsafeBuffers<A, B>(
      _ a: [A], _ b: [B], _ body: (UnsafeBufferPointer<A>, UnsafeBufferPointer<B>) -> Void
    ) {
      a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { b in body(a, b) } }
    }

    /// What the pixels of a data gradient get through padding: pairs that no shift gives.
    private static func foldedPixels(_ width: Int, _ dilation: Int, _ mode: PaddingMode) -> [tutti_folded_pixel] {
      let axis = AxisMap(extent: width, kernel: 3, dilation: dilation, padding: dilation, mode: mode)
      return axis.adjoint(extent: width).entries.enumerated().flatMap { x, entries in
        entries.filter { $0.source != x - ($0.tap - 1) * dilation }.map {
          tutti_folded_pixel(tap: Int32($0.tap), x: Int32(x), source: Int32($0.source))
        }
      }
    }

    /// Plain sums; where padding is folded, over rows that have a halo, which is folded then.
    func reference(into target: Planes) {
      guard padding != .zeros else {
        sum(into: target, firstX: firstX, accumulate: accumulate)
        return
      }
      let whole = Planes(channels: targets, rows: planes * rows, width: width, margin: 48)
      whole.fill(-dilation..<width + dilation) { _, _, _ in 0 }
      sum(into: whole, firstX: -dilation, accumulate: true)
      for channel in 0..<targets {
        for row in 0..<planes * rows {
          for x in -dilation..<width + dilation {
            guard let pixel = AxisMap.pixel(x, extent: width, mode: padding) else { continue }
            if pixel != x { whole[channel, row, pixel] += whole[channel, row, x] }
          }
          for x in 0..<width {
            target[channel, row, x] = whole[channel, row, x] + (accumulate ? target[channel, row, x] : bias[channel])
          }
        }
      }
    }

    private func sum(into target: Planes, firstX: Int, accumulate: Bool) {
      bias.withUnsafeBufferPointer { bias in
        var job = tutti_convolution()
        job.source = UnsafePointer(source.base)
        job.source_channel_stride = source.channelStride
        job.source_channels = Int32(sources)
        job.source_rows = Int32(rows)
        job.source_pitch = Int32(source.pitch)
        job.target = target.base
        job.target_channel_stride = target.channelStride
        job.target_channels = Int32(targets)
        job.target_rows = Int32(rows)
        job.target_pitch = Int32(target.pitch)
        job.first_x = Int32(firstX)
        job.width = Int32(width - 2 * firstX)
        (job.z, job.y) = (z.map, y.map)
        (job.z_taps, job.y_taps, job.x_taps) = (Int32(zTaps), 3, Int32(xTaps))
        job.x_shift = UnsafePointer(shifts.pointer)
        job.bias = accumulate ? nil : bias.baseAddress
        job.accumulate = accumulate
        tutti_convolution_rows_reference(&job, weights, transposed, true, 0, Int32(planes * rows))
      }
    }

    /// Weights' gradients added to 1, source channels in so many calls.
    func weightGradient(calls: Int) -> [Float] {
      var result = [Float](repeating: 1, count: weights.count)
      let (sourceList, gradientList) = (list(source), list(target))
      result.withUnsafeMutableBufferPointer { result in
        for call in 0..<calls {
          let (first, last) = (call * sources / calls, (call + 1) * sources / calls)
          let results: [UnsafeMutablePointer<Float>?] = (0..<targets).map {
            result.baseAddress! + ($0 * sources + first) * taps
          }
          sourceList.withUnsafeBufferPointer { sourceList in
            gradientList.withUnsafeBufferPointer { gradientList in
              results.withUnsafeBufferPointer { results in
                func constant(_ list: UnsafeBufferPointer<UnsafeMutablePointer<Float>?>) -> UnsafePointer<
                  UnsafePointer<Float>?
                > {
                  UnsafeRawPointer(list.baseAddress!).assumingMemoryBound(to: UnsafePointer<Float>?.self)
                }
                var job = tutti_filtering_gradient()
                job.sources = constant(sourceList) + first
                job.source_channels = Int32(last - first)
                job.source_pitch = Int32(source.pitch)
                job.gradients = constant(gradientList)
                job.target_channels = Int32(targets)
                job.gradient_pitch = Int32(target.pitch)
                (job.planes, job.rows, job.width) = (Int32(planes), Int32(rows), Int32(width))
                job.dilation = Int32(dilation)
                job.row_of = UnsafePointer(rowOf.pointer)
                job.z = z.map
                (job.z_taps, job.x_taps) = (Int32(zTaps), Int32(xTaps))
                job.x_shift = UnsafePointer(shifts.pointer)
                job.accumulate = true
                job.results = results.baseAddress
                withScratch(tutti_filtering_gradient_scratch(&job)) { tutti_filtering_weight_gradient(&job, $0) }
              }
            }
          }
        }
      }
      return result
    }

    func referenceWeightGradient() -> [Float] {
      var result = [Float](repeating: 0, count: weights.count)
      result.withUnsafeMutableBufferPointer { result in
        var job = tutti_weight_gradient()
        job.source = UnsafePointer(source.base)
        job.source_channel_stride = source.channelStride
        job.source_channels = Int32(sources)
        job.source_rows = Int32(rows)
        job.source_pitch = Int32(source.pitch)
        job.gradient = UnsafePointer(target.base)
        job.gradient_channel_stride = target.channelStride
        job.gradient_rows = Int32(rows)
        job.gradient_planes = Int32(planes)
        job.gradient_pitch = Int32(target.pitch)
        job.width = Int32(width)
        (job.z, job.y) = (z.map, y.map)
        (job.z_taps, job.y_taps, job.x_taps) = (Int32(zTaps), 3, Int32(xTaps))
        job.x_shift = UnsafePointer(shifts.pointer)
        job.x_step = 1
        job.result = result.baseAddress
        job.result_stride = sources * taps
        tutti_convolution_weight_gradient_reference(&job, 0, Int32(targets), 0, Int32(sources))
      }
      return result
    }
  }

  @Test("results and data gradients are the plain ones, and nothing else is written", arguments: instructionSets)
  func results(_ instructionSet: String) {
    withInstructionSet(instructionSet) {
      for index in 0..<80 {
        let sample = Sample(index)
        let (expected, actual) = (sample.target.copy(), sample.target.copy())
        sample.reference(into: expected)
        sample.run(into: actual)
        let bound = 5e-6 * Float(9 * sample.sources * sample.zTaps).squareRoot() + 2e-6
        let wrong = zip(actual.storage, expected.storage).count { !(abs($0 - $1) <= bound) && !($0.isNaN && $1.isNaN) }
        #expect(wrong == 0, "\(instructionSet), case \(index)")
      }
    }
  }

  @Test("a pixel's bits do not depend on what is computed in the same call", arguments: instructionSets)
  func independence(_ instructionSet: String) {
    withInstructionSet(instructionSet) {
      for index in 100..<130 {
        let sample = Sample(index)
        let (whole, parts) = (sample.target.copy(), sample.target.copy())
        sample.run(into: whole)
        sample.run(into: parts, step: 1 + index % 3)
        #expect(whole.bits == parts.bits, "\(instructionSet), case \(index)")
      }
    }
  }

  @Test("instruction sets with fused multiply-adds give the same bits")
  func sameBits() {
    for index in 200..<230 {
      let sample = Sample(index)
      let bits = instructionSets.filter(fuses).map { name in
        withInstructionSet(name) {
          let target = sample.target.copy()
          sample.run(into: target)
          return target.bits
        }
      }
      #expect(bits.allSatisfy { $0 == bits[0] }, "case \(index)")
    }
  }

  @Test("weight gradients are the plain ones, whatever sources a call computes", arguments: instructionSets)
  func weightGradient(_ instructionSet: String) {
    withInstructionSet(instructionSet) {
      for index in 300..<340 {
        let sample = Sample(index, transposed: false)
        let actual = sample.weightGradient(calls: 1)
        let expected = sample.referenceWeightGradient()
        let pixels = Float(sample.planes * sample.rows * sample.width)
        let bound = 4e-6 * pixels.squareRoot() + 1e-5
        // Sums over a border that is not there would be off by whole products.
        let wrong = zip(actual, expected).count { !(abs($0 - 1 - $1) <= bound) }
        #expect(wrong == 0, "\(instructionSet), case \(index)")
        let parts = sample.weightGradient(calls: min(sample.sources, 3))
        #expect(parts.map(\.bitPattern) == actual.map(\.bitPattern), "\(instructionSet), case \(index)")
      }
    }
  }
}
