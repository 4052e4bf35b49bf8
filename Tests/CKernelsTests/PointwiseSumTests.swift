import CKernels
import Foundation
import Testing

@Suite("Pointwise kernels: sums and moments", .serialized)
struct PointwiseSumTests {
  private func oracle(_ pixels: [Float]) -> (mean: Double, m2: Double) {
    let mean = pixels.reduce(0) { $0 + Double($1) } / Double(pixels.count)
    return (mean, pixels.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) })
  }

  @Test("count, mean and squared deviations equal double precision, far from zero as well")
  func moments() {
    var random = SplitMix(4)
    for offset: Float in [0, 1000] {
      for shape in shapes(&random) + [(70, 63, 0), (3, 1500, 2), (2, 5000, 1), (300, 20, 0)] {
        let u = Rows(
          rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: (offset - 1)...(offset + 2), using: &random)
        expectSameBits("moments") { name in
          let found = tutti_row_moments(u.pointer, u.count, u.step, u.width)
          let expected = oracle(u.pixels)
          #expect(found.count == Double(u.rows * u.nx))
          #expect(near(found.mean, expected.mean, relative: 1e-7, absolute: 1e-7), "\(name) \(shape)")
          #expect(near(found.m2, expected.m2, relative: 2e-6, absolute: 1e-9), "\(name) \(shape)")
          return [Float(found.mean), Float(found.m2)]
        }
        #expect(u.isUntouched())
      }
    }
  }

  @Test("moments of equal pixels have no deviation, of no pixels all are zero, and NaN shows")
  func momentsOfSpecialValues() {
    forEachInstructionSet { _ in
      let u = Rows(rows: 5, nx: 37, pitch: 40)
      for r in 0..<5 { for x in 0..<37 { u[r, x] = 0.1 } }
      let same = tutti_row_moments(u.pointer, u.count, u.step, u.width)
      #expect(same.mean == Double(Float(0.1)))
      #expect(same.m2 == 0)
      let none = tutti_row_moments(u.pointer, 0, u.step, u.width)
      #expect(none.count == 0 && none.mean == 0 && none.m2 == 0)
      u[4, 36] = .nan
      let poisoned = tutti_row_moments(u.pointer, u.count, u.step, u.width)
      #expect(poisoned.mean.isNaN && poisoned.m2.isNaN)
    }
  }

  @Test("a sum's bits depend on the pixels only, not on the pitch")
  func pitchDoesNotMatter() {
    var random = SplitMix(5)
    for shape in shapes(&random) + [(9, 1300, 0)] {
      let u = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx, in: -3...3, using: &random)
      let apart = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + 29)
      for r in 0..<u.rows { for x in 0..<u.nx { apart[r, x] = u[r, x] } }
      forEachInstructionSet { _ in
        #expect(
          tutti_row_sum(u.pointer, u.count, u.step, u.width)
            == tutti_row_sum(apart.pointer, apart.count, apart.step, apart.width))
        let a = tutti_row_moments(u.pointer, u.count, u.step, u.width)
        let b = tutti_row_moments(apart.pointer, apart.count, apart.step, apart.width)
        #expect(a.mean == b.mean && a.m2 == b.m2)
      }
    }
  }

  @Test("the sum of rows equals double precision")
  func rowSum() {
    var random = SplitMix(6)
    for shape in shapes(&random) + [(1, 4000, 0)] {
      let g = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: -1...1, using: &random)
      let expected = g.pixels.reduce(0) { $0 + Double($1) }
      expectSameBits("sum") { name in
        let sum = tutti_row_sum(g.pointer, g.count, g.step, g.width)
        #expect(near(sum, expected, relative: 0, absolute: 1e-7 * Double(g.rows * g.nx)), "\(name) \(shape)")
        return [Float(sum)]
      }
    }
  }
}
