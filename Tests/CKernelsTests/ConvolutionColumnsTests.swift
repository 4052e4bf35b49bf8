import CKernels
import Testing

@Suite("Columns of a convolution") struct ConvolutionColumnsTests {
  /// Axis maps of one random strided convolution with their extents.
  private struct Sample {
    let extents: [Int], kernel: [Int], maps: [AxisMap]
    let channels: Int
    let source: Planes
    var taps: Int { kernel.reduce(1, *) }
    var pixels: Int { maps.map(\.count).reduce(1, *) }

    init(_ index: Int) {
      var random = TestRandom(seed: index)
      var maps: [AxisMap] = []
      var extents: [Int] = []
      var kernel: [Int] = []
      for axis in 0..<3 {
        while maps.count == axis {
          let extent = Int.random(in: 1...[4, 9, 70][axis], using: &random)
          let k = Int.random(in: 1...4, using: &random)
          let dilation = Int.random(in: 1...3, using: &random)
          let stride = Int.random(in: 1...3, using: &random)
          let padding = Int.random(in: 0...dilation * (k - 1), using: &random)
          let mode = PaddingMode.allCases.randomElement(using: &random) ?? .zeros
          let most = mode == .reflect ? extent - 1 : mode == .circular ? extent : padding
          guard extent + 2 * padding > dilation * (k - 1), padding <= most else { continue }
          maps.append(
            AxisMap(extent: extent, kernel: k, dilation: dilation, padding: padding, stride: stride, mode: mode))
          extents.append(extent)
          kernel.append(k)
        }
      }
      (self.maps, self.extents, self.kernel) = (maps, extents, kernel)
      channels = Int.random(in: 1...5, using: &random)
      source = Planes(channels: channels, rows: extents[0] * extents[1], width: extents[2], margin: 2)
      source.fillRandom(0..<extents[2], &random)
    }

    /// Calls `body` with (channel, column offset, source row, source x) for every entry, in the order of the adjoint.
    func visit(_ body: (Int, Int, Int, Int) -> Void) {
      for c in 0..<channels {
        for tap in 0..<taps {
          let (tx, ty, tz) = (tap % kernel[2], tap / kernel[2] % kernel[1], tap / kernel[2] / kernel[1])
          for z in 0..<maps[0].count {
            for y in 0..<maps[1].count {
              for x in 0..<maps[2].count {
                guard let ez = maps[0].entries[z].first(where: { $0.tap == tz }),
                  let ey = maps[1].entries[y].first(where: { $0.tap == ty }),
                  let ex = maps[2].entries[x].first(where: { $0.tap == tx })
                else { continue }
                let pixel = (z * maps[1].count + y) * maps[2].count + x
                body(c, (c * taps + tap) * pixels + pixel, ez.source * extents[1] + ey.source, ex.source)
              }
            }
          }
        }
      }
    }
  }

  @Test("a column holds the source pixel of every tap, zero on padding")
  func columns() {
    for index in 0..<60 {
      let sample = Sample(index)
      var expected = [Float](repeating: 0, count: sample.channels * sample.taps * sample.pixels)
      sample.visit { c, column, row, x in expected[column] = sample.source[c, row, x] }
      var found = [Float](repeating: .nan, count: expected.count)
      for channel in 0..<sample.channels {
        tutti_im2col(
          sample.source.base, sample.source.channelStride, Int32(sample.extents[1]), Int32(sample.source.pitch),
          sample.maps[0].map, sample.maps[1].map, sample.maps[2].map, Int32(sample.kernel[0]),
          Int32(sample.kernel[1]), Int32(sample.kernel[2]), Int32(sample.maps[0].count), Int32(sample.maps[1].count),
          Int32(sample.maps[2].count), Int32(channel), Int32(channel + 1), &found)
      }
      #expect(found == expected, "case \(index)")
    }
  }

  @Test("the adjoint adds every column to its pixel, in the documented order and nowhere else")
  func adjoint() {
    for index in 100..<160 {
      let sample = Sample(index)
      var random = TestRandom(seed: index)
      let columns = (0..<sample.channels * sample.taps * sample.pixels).map { _ in random.value() }
      let expected = sample.source.copy()
      let found = sample.source.copy()
      sample.visit { c, column, row, x in expected[c, row, x] += columns[column] }
      tutti_col2im(
        columns, found.base, found.channelStride, Int32(sample.extents[1]), Int32(found.pitch),
        sample.maps[0].map, sample.maps[1].map, sample.maps[2].map, Int32(sample.kernel[0]), Int32(sample.kernel[1]),
        Int32(sample.kernel[2]), Int32(sample.maps[0].count), Int32(sample.maps[1].count),
        Int32(sample.maps[2].count), 0, Int32(sample.channels))
      #expect(found.bits == expected.bits, "case \(index)")
    }
  }
}

@Suite("Products whose taps never meet") struct DisjointTests {
  @Test("every wide pixel is one pair's, and back") func gatherAndSeparate() {
    var random = TestRandom(seed: 3)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    for index in 0..<60 {
      let channels = pick(1...3)
      let kernel = (z: pick(1...2), y: pick(1...3), x: pick(1...3))
      let narrow = (z: pick(1...3), y: pick(1...4), x: pick(1...21))
      let wide = (z: narrow.z * kernel.z, y: narrow.y * kernel.y, x: narrow.x * kernel.x)
      let (pitch, tapPitch, rows) = (wide.x + 3, narrow.x + 2, narrow.z * narrow.y)
      let pairs = channels * kernel.z * kernel.y * kernel.x
      var planes = [Float](repeating: .infinity, count: channels * wide.z * wide.y * pitch)
      var taps = (0..<pairs * rows * tapPitch).map { _ in random.value() }
      var back = [Float](repeating: .nan, count: taps.count)
      let bias = (0..<channels).map { Float($0 + 1) }
      let middle = pick(0...rows)
      planes.withUnsafeMutableBufferPointer { planes in
        func job(_ taps: UnsafeMutableBufferPointer<Float>, from row: Int) -> tutti_disjoint {
          tutti_disjoint(
            wide: planes.baseAddress, wide_channel_stride: wide.z * wide.y * pitch, wide_rows: Int32(wide.y),
            wide_pitch: Int32(pitch), channels: Int32(channels), z_kernel: Int32(kernel.z), y_kernel: Int32(kernel.y),
            x_kernel: Int32(kernel.x), narrow_rows: Int32(narrow.y), narrow_width: Int32(narrow.x),
            taps: taps.baseAddress.map { $0 + row * tapPitch }, tap_stride: rows * tapPitch, tap_pitch: Int32(tapPitch))
        }
        taps.withUnsafeMutableBufferPointer { taps in
          for range in [0..<middle, middle..<rows] {
            var part = job(taps, from: range.lowerBound)
            tutti_disjoint_gather(&part, bias, Int32(range.lowerBound), Int32(range.upperBound))
          }
        }
        back.withUnsafeMutableBufferPointer { back in
          var whole = job(back, from: 0)
          tutti_disjoint_separate(&whole, 0, Int32(rows))
        }
      }
      var wrong = 0
      for (place, value) in planes.enumerated() {
        let (row, x) = place.quotientAndRemainder(dividingBy: pitch)
        let (c, y, z) = (row / wide.y / wide.z, row % wide.y, row / wide.y % wide.z)
        let tap = (z % kernel.z * kernel.y + y % kernel.y) * kernel.x + x % kernel.x
        let pair = c * kernel.z * kernel.y * kernel.x + tap
        let from = (pair * rows + z / kernel.z * narrow.y + y / kernel.y) * tapPitch + x / kernel.x
        let isRight = x < wide.x ? value == taps[from] + bias[c] && back[from] == value : value == .infinity
        wrong += isRight ? 0 : 1
      }
      #expect(wrong == 0, "case \(index)")
    }
  }
}
