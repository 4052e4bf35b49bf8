import CKernels
import Foundation
import Testing

@Suite("Pointwise kernels: clamped lines", .serialized)
struct PointwiseLineTests {
  private let lines = [
    tutti_line(low: -.infinity, high: .infinity, reference: 0, slope: 1, value: 0),
    tutti_line(low: -0.5, high: .infinity, reference: -0.5, slope: 1.75, value: -0.25),
    tutti_line(low: -0.25, high: 0.75, reference: 0.75, slope: -2, value: -0.5),
    tutti_line(low: -1, high: 1, reference: 0, slope: 0, value: 0.125),
  ]

  private func value(_ line: tutti_line, _ x: Float) -> Double {
    Double(line.slope) * (Double(min(max(x, line.low), line.high)) - Double(line.reference)) + Double(line.value)
  }

  @Test("rows become the line of their pixels, halos are filled")
  func rows() {
    var random = SplitMix(11)
    for shape in shapes(&random) {
      let x = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: -2...2, using: &random)
      for line in lines {
        expectSameBits("line") { name in
          let y = Rows(rows: x.rows, nx: x.nx, pitch: x.nx + 6, halo: 3)
          tutti_line_rows(line, x.pointer, x.step, y.pointer, y.step, y.count, y.width, TUTTI_REPLICATE, 3)
          for (found, from) in zip(y.pixels, x.pixels) {
            #expect(near(Double(found), value(line, from), relative: 1e-6, absolute: 1e-6), "\(name) \(shape)")
          }
          for r in 0..<y.rows { #expect(y[r, -3] == y[r, 0] && y[r, y.nx + 2] == y[r, y.nx - 1]) }
          return y.pixels
        }
      }
      #expect(x.isUntouched())
    }
  }

  @Test("moments are those of the line's positive part, and NaN shows")
  func moments() {
    var random = SplitMix(12)
    for shape in shapes(&random) + [(70, 63, 0), (3, 1500, 2), (2, 5000, 1)] {
      let x = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: -2...2, using: &random)
      for line in lines {
        let values = x.pixels.map { max(0, value(line, $0)) }
        let mean = values.reduce(0, +) / Double(values.count)
        let m2 = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        expectSameBits("moments") { name in
          let found = tutti_line_moments(line, x.pointer, x.count, x.step, x.width)
          #expect(found.count == Double(values.count))
          #expect(near(found.mean, mean, relative: 1e-6, absolute: 1e-6), "\(name) \(shape)")
          #expect(near(found.m2, m2, relative: 1e-5, absolute: 1e-6), "\(name) \(shape)")
          return [Float(found.mean), Float(found.m2)]
        }
        expectSameBits("moments while rows are made") { name in
          let plain = Rows(rows: x.rows, nx: x.nx, pitch: x.nx + 6, halo: 2)
          tutti_line_rows(line, x.pointer, x.step, plain.pointer, plain.step, x.count, x.width, TUTTI_REPLICATE, 2)
          let y = Rows(rows: x.rows, nx: x.nx, pitch: x.nx + 6, halo: 2)
          let found = tutti_line_rows_moments(
            line, x.pointer, x.step, y.pointer, y.step, y.count, y.width, TUTTI_REPLICATE, 2, 0.25)
          #expect(y.pixels == plain.pixels)
          for r in 0..<y.rows { #expect(y[r, -2] == y[r, 0] && y[r, y.nx + 1] == y[r, y.nx - 1]) }
          #expect(found.count == Double(values.count))
          #expect(near(found.mean, mean, relative: 1e-6, absolute: 1e-6), "\(name) \(shape)")
          #expect(near(found.m2, m2, relative: 1e-5, absolute: 1e-6), "\(name) \(shape)")
          return y.pixels + [Float(found.mean), Float(found.m2)]
        }
      }
      x[0, 0] = .nan
      forEachInstructionSet { _ in
        #expect(tutti_line_moments(lines[1], x.pointer, x.count, x.step, x.width).mean.isNaN)
      }
    }
  }

  @Test("gradients go back through normalization and ReLU where the line is positive")
  func gradients() {
    var random = SplitMix(13)
    let (scale, mean, a, b): (Float, Float, Float, Float) = (1.5, 0.375, -0.125, 0.25)
    for shape in shapes(&random) + [(3, 1500, 2)] {
      let x = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: -2...2, using: &random)
      let g = Rows(rows: x.rows, nx: x.nx, pitch: x.nx + 5, in: -1...1, using: &random)
      for line in lines {
        let z = x.pixels.map { value(line, $0) }
        expectSameBits("gradient") { name in
          let sums = tutti_line_gradient_sums(
            line, g.pointer, g.step, x.pointer, x.step, x.count, x.width, mean)
          let tolerance = 2e-6 * Double(z.count)
          #expect(near(sums.g, g.pixels.reduce(0) { $0 + Double($1) }, relative: 0, absolute: tolerance))
          let slope = zip(g.pixels, z).reduce(0) { $0 + Double($1.0) * (max(0, $1.1) - Double(mean)) }
          #expect(near(sums.g_u, slope, relative: 0, absolute: tolerance), "\(name) \(shape)")
          let to = Rows(rows: x.rows, nx: x.nx, pitch: x.nx + 1)
          let y = Rows(rows: x.rows, nx: x.nx, pitch: x.nx + 2)
          tutti_line_gradient(
            line, g.pointer, g.step, x.pointer, x.step, to.pointer, to.step, y.pointer, y.step, x.count, x.width, scale,
            mean, a, b)
          for (found, z) in zip(y.pixels, z) { #expect(near(Double(found), z, relative: 1e-6, absolute: 1e-6)) }
          for (found, (g, z)) in zip(to.pixels, zip(g.pixels, z)) where abs(z) > 1e-6 {
            let back = z > 0 ? Double(scale) * (Double(g) - Double(a) - (z - Double(mean)) * Double(b)) : 0
            #expect(near(Double(found), back, relative: 1e-5, absolute: 1e-5), "\(name) \(shape)")
          }
          let inPlace = Rows(copy: g)
          tutti_line_gradient(
            line, inPlace.pointer, inPlace.step, x.pointer, x.step, inPlace.pointer, inPlace.step, nil, 0, x.count,
            x.width, scale, mean, a, b)
          #expect(inPlace.pixels == to.pixels)
          return to.pixels + [Float(sums.g), Float(sums.g_u)]
        }
      }
      #expect(x.isUntouched() && g.isUntouched())
    }
  }
}
