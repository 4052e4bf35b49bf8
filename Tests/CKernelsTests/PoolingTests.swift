import CKernels
import Testing

@Suite("Pooling kernels", .serialized)
struct PoolingTests {
  struct Window: CustomStringConvertible {
    var target: (z: Int, y: Int, x: Int)
    var kernel: (z: Int, y: Int, x: Int)
    var stride: (z: Int, y: Int, x: Int)
    var source: (z: Int, y: Int, x: Int) {
      (
        (target.z - 1) * stride.z + kernel.z, (target.y - 1) * stride.y + kernel.y,
        (target.x - 1) * stride.x + kernel.x
      )
    }
    var description: String { "target \(target) kernel \(kernel) stride \(stride)" }
  }

  private func windows(_ random: inout SplitMix) -> [Window] {
    var all = [
      Window(target: (1, 4, 33), kernel: (1, 2, 2), stride: (1, 2, 2)),
      Window(target: (3, 2, 16), kernel: (2, 2, 2), stride: (2, 2, 2)),
      Window(target: (2, 3, 17), kernel: (3, 3, 3), stride: (2, 2, 2)),
      Window(target: (1, 3, 50), kernel: (1, 3, 3), stride: (1, 1, 1)),
      Window(target: (2, 2, 20), kernel: (2, 3, 4), stride: (1, 2, 3)),
    ]
    for _ in 0..<20 {
      func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
      all.append(
        Window(
          target: (pick(1...3), pick(1...4), pick(1...40)), kernel: (pick(1...3), pick(1...3), pick(1...4)),
          stride: (pick(1...3), pick(1...3), pick(1...3))))
    }
    return all
  }

  /// Pools a source of small whole numbers (with ties) and, when `poisoned`, some NaN.
  private func check(_ window: Window, poisoned: Bool, _ random: inout SplitMix) {
    let (m, k, s) = (window.target, window.kernel, window.stride)
    let extent = window.source
    let source = Rows(rows: extent.z * extent.y, nx: extent.x, pitch: extent.x + 2)
    for r in 0..<source.rows {
      for x in 0..<source.nx {
        source[r, x] = Float(Int.random(in: -4...4, using: &random))
        if poisoned, Int.random(in: 0..<9, using: &random) == 0 { source[r, x] = .nan }
      }
    }
    forEachInstructionSet { name in
      let target = Rows(rows: m.z * m.y, nx: m.x, pitch: m.x + 1)
      var argmax = [Int32](repeating: -7, count: m.z * m.y * m.x + 16)
      tutti_max_pool(
        source.pointer, Int32(extent.y), Int32(source.pitch), target.pointer, Int32(target.pitch), Int32(m.z),
        Int32(m.y), Int32(m.x), Int32(k.z), Int32(k.y), Int32(k.x), Int32(s.z), Int32(s.y), Int32(s.x), &argmax)
      var i = 0
      for z in 0..<m.z {
        for y in 0..<m.y {
          for x in 0..<m.x {
            var best = -Float.infinity
            var at = (z * s.z * extent.y + y * s.y) * source.pitch + x * s.x
            for tz in 0..<k.z {
              for ty in 0..<k.y {
                for tx in 0..<k.x {
                  let row = (z * s.z + tz) * extent.y + y * s.y + ty
                  let value = source[row, x * s.x + tx]
                  if value > best || value.isNaN { (best, at) = (value, row * source.pitch + x * s.x + tx) }
                }
              }
            }
            let found = target[z * m.y + y, x]
            #expect(found == best || (found.isNaN && best.isNaN), "\(name) \(window)")
            #expect(Int(argmax[i]) == at, "\(name) \(window)")
            i += 1
          }
        }
      }
      #expect(argmax[i...].allSatisfy { $0 == -7 })
      #expect(target.isUntouched(), "\(name) \(window)")
    }
  }

  @Test("the largest pixel of each window is found, the first of equals, and nothing else is written")
  func maxPool() {
    var random = SplitMix(20)
    for window in windows(&random) { check(window, poisoned: false, &random) }
  }

  @Test("NaN in a window is its maximum")
  func maxPoolOfNaN() {
    var random = SplitMix(21)
    for window in windows(&random) { check(window, poisoned: true, &random) }
  }

  @Test("a window of minus infinities names its first pixel")
  func minusInfinity() {
    forEachInstructionSet { _ in
      let source = [Float](repeating: -.infinity, count: 2 * 40)
      var target = [Float](repeating: 0, count: 20)
      var argmax = [Int32](repeating: -1, count: 20)
      tutti_max_pool(source, 2, 40, &target, 20, 1, 1, 20, 1, 2, 2, 1, 2, 2, &argmax)
      #expect(target.allSatisfy { $0 == -.infinity })
      #expect(argmax == (0..<20).map { 2 * $0 })
    }
  }

  @Test("each gradient is added to the pixel that was chosen, overlapping windows too")
  func gradient() {
    let argmax: [Int32] = [0, 3, 3, 9, 1, 3]
    let gradient: [Float] = [1, 2, 4, .nan, 8, 16, 32, .nan]
    var source = [Float](repeating: 0.5, count: 10)
    tutti_max_pool_gradient(gradient, 4, 1, 2, 3, argmax, &source)
    #expect(source == [1.5, 16.5, 0.5, 38.5, 0.5, 0.5, 0.5, 0.5, 0.5, 8.5])
  }
}
