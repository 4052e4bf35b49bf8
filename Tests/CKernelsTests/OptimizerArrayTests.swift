import CKernels
import Foundation
import Testing

@Suite("Optimizers' kernels on arrays", .serialized)
struct OptimizerArrayTests {
  private static let forms = [
    0, TUTTI_FIRST, TUTTI_SECOND, TUTTI_FIRST | TUTTI_SECOND, TUTTI_FIRST | TUTTI_SECOND | TUTTI_LARGEST,
    TUTTI_SECOND | TUTTI_CENTERED, TUTTI_SECOND | TUTTI_DIVIDED_FIRST,
    TUTTI_SECOND | TUTTI_CENTERED | TUTTI_DIVIDED_FIRST,
  ]

  /// The step of `optimizer.h` for one element, in double.
  private static func reference(_ k: tutti_optimizer_step, _ gradient: Double, _ s: inout [Double]) {
    let parts = Int(k.parts)
    let g = gradient + Double(k.decay) * s[0]
    s[2] = Double(k.keep_second) * s[2] + Double(k.blend_second) * g * g
    var square = s[2]
    if parts & TUTTI_LARGEST != 0 {
      s[3] = max(s[3], s[2])
      square = s[3]
    }
    if parts & TUTTI_CENTERED != 0 {
      s[3] += Double(k.blend_second) * (g - s[3])
      square = max(0, square - s[3] * s[3])
    }
    let divisor = parts & TUTTI_SECOND != 0 ? square.squareRoot() / Double(k.root) + Double(k.epsilon) : 1
    if parts & TUTTI_DIVIDED_FIRST != 0 {
      s[1] = Double(k.keep_first) * s[1] + Double(k.blend_first) * g / divisor
      s[0] = Double(k.shrink) * s[0] - Double(k.through) * s[1]
    } else {
      s[1] = parts & TUTTI_FIRST != 0 ? Double(k.keep_first) * s[1] + Double(k.blend_first) * g : 0
      s[0] = Double(k.shrink) * s[0] - (Double(k.direct) * g + Double(k.through) * s[1]) / divisor
    }
  }

  @Test("every form of a step equals double precision and keeps to its elements", arguments: forms)
  func step(form: Int) {
    var random = SplitMix(10)
    for count in [1, 16, 37, 70] {
      let start = Rows(rows: 1, nx: count, pitch: count, in: -1...1, using: &random)
      let gradients = (0..<5).map { _ in Rows(rows: 1, nx: count, pitch: count, in: -1...1, using: &random) }
      var k = tutti_optimizer_step(
        parts: Int32(form), decay: 0.1, shrink: 0.99, keep_first: 0.9, blend_first: 0.1, keep_second: 0.99,
        blend_second: 0.01, root: 0.3, epsilon: 1e-3, direct: 0.01, through: 0.02)
      expectSameBits("step \(form)") { name in
        let state = (0..<4).map { _ in Rows(rows: 1, nx: count, pitch: count, in: 0...0, using: &random) }
        for x in 0..<count { state[0][0, x] = start[0, x] }
        var expected = (0..<count).map { [Double(start[0, $0]), 0, 0, 0] }
        for g in gradients {
          tutti_optimize(
            &k, state[0].pointer, g.pointer, state[1].pointer, state[2].pointer, state[3].pointer, count)
          for x in 0..<count { Self.reference(k, Double(g[0, x]), &expected[x]) }
        }
        for x in 0..<count {
          #expect(near(Double(state[0][0, x]), expected[x][0], relative: 1e-5, absolute: 1e-6), "\(name) \(count)")
        }
        let kept = [TUTTI_FIRST | TUTTI_DIVIDED_FIRST, TUTTI_SECOND, TUTTI_LARGEST | TUTTI_CENTERED]
        for (index, bits) in kept.enumerated() {
          for x in 0..<count {
            let value = Double(state[index + 1][0, x])
            let wanted = form & bits != 0 ? expected[x][index + 1] : 0
            #expect(near(value, wanted, relative: 1e-5, absolute: 1e-6), "\(name) \(count) \(index)")
          }
        }
        #expect(state.allSatisfy { $0.isUntouched() })
        return state.flatMap(\.pixels)
      }
    }
  }

  @Test("arrays are scaled, limited, added and moved towards others, and squares summed")
  func changes() {
    var random = SplitMix(12)
    for count in [1, 15, 16, 33, 100] {
      let a0 = Rows(rows: 1, nx: count, pitch: count, in: -2...2, using: &random)
      let b = Rows(rows: 1, nx: count, pitch: count, in: -2...2, using: &random)
      let changes: [(String, (UnsafeMutablePointer<Float>) -> Void, (Double, Double) -> Double)] = [
        ("scale", { tutti_scale($0, 0.3, count) }, { a, _ in Double(Float(0.3)) * a }),
        ("clamp", { tutti_clamp($0, 0.7, count) }, { a, _ in min(max(a, -Double(Float(0.7))), Double(Float(0.7))) }),
        ("add", { tutti_add_scaled($0, b.pointer, 0.3, count) }, { a, b in a + Double(Float(0.3)) * b }),
        ("lerp", { tutti_lerp($0, b.pointer, 0.3, count) }, { a, b in a + Double(Float(0.3)) * (b - a) }),
      ]
      for (label, change, expected) in changes {
        expectSameBits(label) { name in
          let a = Rows(copy: a0)
          change(a.pointer)
          for x in 0..<count {
            let wanted = expected(Double(a0[0, x]), Double(b[0, x]))
            #expect(near(Double(a[0, x]), wanted, relative: 1e-6, absolute: 1e-6), "\(label) \(name) \(count)")
          }
          #expect(a.isUntouched())
          return a.pixels
        }
      }
      expectSameBits("squares") { name in
        let sum = tutti_sum_of_squares(a0.pointer, count)
        let wanted = a0.pixels.reduce(0) { $0 + Double($1) * Double($1) }
        #expect(near(sum, wanted, relative: 1e-14), "\(name) \(count)")
        return [Float(sum)]
      }
    }
  }

  @Test("a limit leaves what is not a number")
  func clampsNaN() {
    var values: [Float] = [.nan, 5, -.infinity, 0.5]
    tutti_clamp(&values, 1, values.count)
    #expect(values[0].isNaN && values[1...] == [1, -1, 0.5])
  }
}
