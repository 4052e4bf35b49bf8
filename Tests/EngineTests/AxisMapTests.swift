import Networks
import TestSupport
import Testing

@testable import Engine

/// Which pixel every tap reads.
@Suite struct AxisMapTests {
  /// Settings of every kind, as (pixels, kernel, stride, dilation, padding, mode).
  private var axes: [AxisConvolution] {
    var result: [AxisConvolution] = []
    for mode in PaddingMode.allCases {
      for source in [1, 2, 5, 12] {
        for kernel in 1...4 {
          for stride in 1...3 {
            for dilation in [1, 2, 5] {
              for padding in [0, 1, 3, 5] {
                let span = source + 2 * padding - dilation * (kernel - 1) - 1
                let fits = mode == .reflect ? padding < source : mode == .circular ? padding <= source : true
                guard span >= 0, fits else { continue }
                result.append(
                  AxisConvolution(
                    source: source, target: span / stride + 1, kernel: kernel, stride: stride, dilation: dilation,
                    padding: padding, mode: mode))
              }
            }
          }
        }
      }
    }
    return result
  }

  @Test func `the forward map lists the taps that fall on a pixel, ascending, by the formula of the padding`() {
    for axis in axes {
      for (index, pairs) in axis.forward.enumerated() {
        let expected = (0..<axis.kernel).compactMap { tap in
          Oracle.pixel(
            index * axis.stride + tap * axis.dilation - axis.padding, extent: axis.source, mode: axis.mode
          ).map { [$0, tap] }
        }
        #expect(pairs.map { [$0.source, $0.tap] } == expected, "\(axis), index \(index)")
      }
    }
  }

  @Test func `the adjoint is the transpose of the forward map, taps ascending`() {
    for axis in axes {
      var forward = Set<[Int]>()
      for (index, pairs) in axis.forward.enumerated() {
        for pair in pairs { #expect(forward.insert([index, pair.source, pair.tap]).inserted) }
      }
      var adjoint = Set<[Int]>()
      for (place, pairs) in axis.adjoint.enumerated() {
        #expect(pairs.map(\.tap) == pairs.map(\.tap).sorted())
        for pair in pairs { #expect(adjoint.insert([pair.source, place, pair.tap]).inserted) }
      }
      #expect(forward == adjoint, "\(axis)")
    }
  }

  @Test func `the kernels' form holds the same pairs`() {
    for axis in axes {
      for pairs in [axis.forward, axis.adjoint] {
        let map = AxisMap(pairs)
        let entries = map.entries
        #expect(entries.start[0] == 0)
        for (index, list) in pairs.enumerated() {
          let read = (entries.start[index]..<entries.start[index + 1]).map {
            [Int(entries.source[Int($0)]), Int(entries.tap[Int($0)])]
          }
          #expect(read == list.map { [$0.source, $0.tap] })
        }
        withExtendedLifetime(map) {}
      }
    }
  }
}
