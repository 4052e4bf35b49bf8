import Host
import Testing

@testable import Imaging

@Suite("IntensityScaling")
struct IntensityScalingTests {
  @Test("merged moments equal the direct formula", arguments: [[1], [7, 8, 9], [100, 3, 50, 1, 1000]])
  func moments(blocks: [Int]) {
    var stream = RandomStream(seed: 4, purpose: .test)
    var moments = Moments()
    var all: [Double] = []
    for count in blocks {
      // A large offset: the difference of sums of squares would lose all digits.
      let block = (0..<count).map { _ in 1000 + stream.uniform() }
      block.withUnsafeBufferPointer { moments.add($0) }
      all += block.map(Double.init)
    }
    let mean = all.reduce(0, +) / Double(all.count)
    let squares = all.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    #expect(moments.count == Double(all.count))
    #expect(abs(moments.mean - mean) < 1e-10)
    #expect(abs(moments.squares - squares) <= 1e-9 * squares + 1e-15)
  }

  @Test("scaling subtracts the channel's mean and divides by its deviation")
  func apply() {
    let scaling = IntensityScaling(mean: [10, -1], standardDeviation: [4, 0.5])
    var values: [Float] = [10, 14, 2, -1, 0, -2]
    values.withUnsafeMutableBufferPointer { scaling.apply(to: $0) }
    #expect(values == [0, 1, -2, 0, 2, -2])
  }
}
