import CKernels
import Foundation
import Testing

@Suite("Pointwise kernels: rows and arrays", .serialized)
struct PointwiseArrayTests {
  @Test("the gradient through a normalization equals its formula in place")
  func normalizationGradient() {
    var random = SplitMix(7)
    for shape in shapes(&random) {
      let u = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: -2...2, using: &random)
      let g0 = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + 1, in: -2...2, using: &random)
      let (scale, mean, a, b) = (Float(1.7), Float(0.3), Float(0.2), Float(-0.6))
      expectSameBits("normalization gradient") { name in
        let g = Rows(copy: g0)
        tutti_normalization_gradient(
          g.pointer, g.step, u.pointer, u.step, g.count, g.width, scale, mean, a, b, 0, TUTTI_IDENTITY, 0)
        for r in 0..<g.rows {
          for x in 0..<g.nx {
            let inner = Double(g0[r, x]) - Double(a) - (Double(u[r, x]) - Double(mean)) * Double(b)
            #expect(near(Double(g[r, x]), Double(scale) * inner, relative: 1e-6, absolute: 1e-6), "\(name)")
          }
        }
        #expect(g.isUntouched())
        return g.pixels
      }
    }
  }

  @Test("rows are copied, scaled, added and zeroed, and nothing else is written")
  func copyAndZero() {
    var random = SplitMix(8)
    for shape in shapes(&random) {
      let source = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: -2...2, using: &random)
      let target0 = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + 3, in: -2...2, using: &random)
      for (factor, accumulate): (Float, Bool) in [(1, false), (1, true), (0.7, false), (-0.7, true)] {
        expectSameBits("copy") { name in
          let target = Rows(copy: target0)
          tutti_copy_rows(
            source.pointer, source.step, target.pointer, target.step, target.count, target.width, factor, accumulate)
          for r in 0..<shape.rows {
            for x in 0..<shape.nx {
              let fused = accumulate ? target0[r, x].addingProduct(factor, source[r, x]) : factor * source[r, x]
              let portable = accumulate ? target0[r, x] + factor * source[r, x] : factor * source[r, x]
              #expect(target[r, x] == (name == "portable" ? portable : fused), "\(name)")
            }
          }
          #expect(target.isUntouched())
          return target.pixels
        }
      }
      tutti_zero_rows(target0.pointer, target0.step, target0.count, target0.width)
      #expect(target0.pixels.allSatisfy { $0.bitPattern == 0 } && target0.isUntouched())
    }
  }

  @Test("arrays are added element by element")
  func add() {
    var random = SplitMix(9)
    for count in [0, 1, 15, 16, 17, 40, 70] {
      let a = Rows(rows: 1, nx: count, pitch: count, in: -2...2, using: &random)
      let b = Rows(rows: 1, nx: count, pitch: count, in: -2...2, using: &random)
      let expected = zip(a.pixels, b.pixels).map { $0 + $1 }
      forEachInstructionSet { _ in
        let sum = Rows(copy: a)
        tutti_add(sum.pointer, b.pointer, count)
        #expect(sum.pixels == expected && sum.isUntouched())
      }
    }
  }

  @Test("Welford's update over members gives mean and squared deviations")
  func welford() {
    var random = SplitMix(11)
    for count in [1, 16, 21, 64, 70] {
      let members = (0..<8).map { _ in Rows(rows: 1, nx: count, pitch: count, in: 0...1, using: &random) }
      expectSameBits("welford") { name in
        let mean = Rows(rows: 1, nx: count, pitch: count, in: 0...0, using: &random)
        let m2 = Rows(copy: mean)
        for (i, member) in members.enumerated() {
          tutti_welford(member.pointer, mean.pointer, m2.pointer, count, Float(i + 1))
        }
        for i in 0..<count {
          let values = members.map { Double($0[0, i]) }
          let average = values.reduce(0, +) / 8
          let squares = values.reduce(0) { $0 + ($1 - average) * ($1 - average) }
          #expect(near(Double(mean[0, i]), average, relative: 1e-6), "\(name)")
          #expect(near(Double(m2[0, i]), squares, relative: 1e-5, absolute: 1e-7), "\(name)")
        }
        #expect(mean.isUntouched() && m2.isUntouched())
        return mean.pixels + m2.pixels
      }
    }
  }
}
