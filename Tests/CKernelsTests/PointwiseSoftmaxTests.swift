import CKernels
import Foundation
import Testing

@Suite("Pointwise kernels: softmax", .serialized)
struct PointwiseSoftmaxTests {
  /// `channels` planes of `rows` rows each stand one after the other in one `Rows`.
  private func softmax(_ x: Rows, into y: Rows, channels: Int, logarithm: Bool) {
    let rows = x.rows / channels
    tutti_softmax(
      x.pointer, rows * x.step, x.step, y.pointer, rows * y.step, y.step, Int32(channels), Int64(rows), x.width,
      logarithm)
  }

  private func oracle(_ x: Rows, channels: Int, row: Int, pixel: Int, logarithm: Bool) -> [Double] {
    let rows = x.rows / channels
    let z = (0..<channels).map { Double(x[$0 * rows + row, pixel]) }
    let top = z.max() ?? 0
    let sum = z.reduce(0) { $0 + exp($1 - top) }
    return z.map { logarithm ? $0 - top - log(sum) : exp($0 - top) / sum }
  }

  @Test("softmax and its logarithm equal double precision, in place too, and nothing else is written")
  func forward() {
    var random = SplitMix(12)
    for (i, shape) in shapes(&random).enumerated() {
      for channels in [1, 2, 3, 7] {
        let range: ClosedRange<Float> = i % 2 == 0 ? -5...5 : -90...90
        let x = Rows(
          rows: channels * shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: range, using: &random)
        for logarithm in [false, true] {
          expectSameBits("softmax") { name in
            let y = Rows(copy: x)
            softmax(i % 3 == 0 ? y : x, into: y, channels: channels, logarithm: logarithm)
            for r in 0..<shape.rows {
              for p in 0..<shape.nx {
                let expected = oracle(x, channels: channels, row: r, pixel: p, logarithm: logarithm)
                for c in 0..<channels {
                  let found = Double(y[c * shape.rows + r, p])
                  // What rounding x − max to float does to its exponential is the definition's, not the kernel's.
                  let rounding = range.upperBound < 10 ? 0 : 6e-8 * 180
                  #expect(
                    near(found, expected[c], relative: 1e-6 + rounding, absolute: logarithm ? 4e-7 : 3e-45),
                    "\(name) \(shape) \(channels) channels")
                }
              }
            }
            #expect(y.isUntouched())
            return y.pixels
          }
        }
      }
    }
  }

  @Test("a channel at minus infinity has probability 0, and NaN in one channel poisons its pixel alone")
  func specialValues() {
    for logarithm in [false, true] {
      forEachInstructionSet { _ in
        let x = Rows(rows: 3, nx: 20, pitch: 20)
        for c in 0..<3 { for p in 0..<20 { x[c, p] = Float(c) } }
        x[0, 5] = -.infinity
        for c in 0..<3 { x[c, 17 - c] = .nan }
        softmax(x, into: x, channels: 3, logarithm: logarithm)
        #expect(x[0, 5] == (logarithm ? -.infinity : 0))
        for p in 0..<20 {
          for c in 0..<3 { #expect(x[c, p].isNaN == (15...17).contains(p)) }
        }
      }
    }
  }

  @Test("a pixel's bits do not depend on its place in the row")
  func placeIndependent() {
    for logarithm in [false, true] {
      forEachInstructionSet { _ in
        let x = Rows(rows: 3, nx: 37, pitch: 37)
        for c in 0..<3 { for p in 0..<37 { x[c, p] = [0.3, -1.7, 2.9][c] } }
        softmax(x, into: x, channels: 3, logarithm: logarithm)
        for c in 0..<3 { for p in 0..<37 { #expect(x[c, p].bitPattern == x[c, 0].bitPattern) } }
      }
    }
  }

  @Test("the gradient of softmax and of its logarithm equals its formula, added or not")
  func gradient() {
    var random = SplitMix(13)
    for shape in shapes(&random) {
      for channels in [1, 3, 5] {
        let rows = channels * shape.rows
        let x = Rows(rows: rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: -4...4, using: &random)
        let g = Rows(rows: rows, nx: shape.nx, pitch: shape.nx + 1, in: -1...1, using: &random)
        let before = Rows(rows: rows, nx: shape.nx, pitch: shape.nx + 2, in: -1...1, using: &random)
        for (logarithm, accumulate) in [(false, false), (false, true), (true, false), (true, true)] {
          expectSameBits("softmax gradient") { name in
            let y = Rows(copy: x)
            let gx = Rows(copy: before)
            softmax(x, into: y, channels: channels, logarithm: logarithm)
            tutti_softmax_gradient(
              y.pointer, shape.rows * y.step, y.step, g.pointer, shape.rows * g.step, g.step, gx.pointer,
              shape.rows * gx.step, gx.step, Int32(channels), Int64(shape.rows), gx.width, logarithm, accumulate)
            for r in 0..<shape.rows {
              for p in 0..<shape.nx {
                let slopes = (0..<channels).map { Double(g[$0 * shape.rows + r, p]) }
                let probability = oracle(x, channels: channels, row: r, pixel: p, logarithm: false)
                let sum = logarithm ? slopes.reduce(0, +) : zip(slopes, probability).reduce(0) { $0 + $1.0 * $1.1 }
                for c in 0..<channels {
                  let row = c * shape.rows + r
                  let d = logarithm ? slopes[c] - probability[c] * sum : probability[c] * (slopes[c] - sum)
                  let expected = d + (accumulate ? Double(before[row, p]) : 0)
                  #expect(near(Double(gx[row, p]), expected, relative: 1e-6, absolute: 2e-6), "\(name) \(shape)")
                }
              }
            }
            #expect(gx.isUntouched())
            return gx.pixels
          }
        }
      }
    }
  }
}
