import CKernels
import Foundation
import Testing

@Suite("Pointwise kernels: activations and halos", .serialized)
struct PointwiseActivationTests {
  @Test("every activation of an affine map equals its definition, halo by index, and nothing else is written")
  func affineActivation() {
    var random = SplitMix(1)
    for oracle in ActivationOracle.all {
      for (i, shape) in shapes(&random).enumerated() {
        let padding = paddings[i % 4]
        let widest = padding == TUTTI_REFLECT ? shape.nx - 1 : padding == TUTTI_CIRCULAR ? shape.nx : 12
        let halo = Int.random(in: 0...min(widest, 12), using: &random)
        let scale = Float.random(in: -2...2, using: &random)
        let shift = Float.random(in: -1...1, using: &random)
        let mean = Float.random(in: -1...1, using: &random)
        let u = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: -4...4, using: &random)
        let inPlace = i % 3 == 0
        expectSameBits("\(oracle)") { name in
          let y = Rows(
            rows: shape.rows, nx: shape.nx, pitch: shape.nx + 2 * halo + (i % 2) * shape.gap, halo: halo)
          if inPlace { for r in 0..<y.rows { for x in 0..<y.nx { y[r, x] = u[r, x] } } }
          tutti_affine_activation(
            inPlace ? y.pointer : u.pointer, inPlace ? y.step : u.step, y.pointer, y.step, y.count, y.width,
            scale, mean, shift, oracle.kind, oracle.parameter, padding, Int32(halo))
          for r in 0..<y.rows {
            for x in 0..<y.nx {
              let z = Double(scale) * (Double(u[r, x]) - Double(mean)) + Double(shift)
              let rounding = 3e-7 * (abs(Double(scale) * Double(u[r, x])) + 1)
              #expect(
                near(Double(y[r, x]), oracle.value(z), relative: 1e-6, absolute: rounding),
                "\(oracle) \(name) at \(z)")
            }
            for x in Array(-halo..<0) + Array(y.nx..<(y.nx + halo)) {
              let expected = haloSource(x, nx: y.nx, padding: padding).map { y[r, $0] } ?? 0
              #expect(y[r, x] == expected, "\(oracle) \(name) padding \(padding.rawValue) x \(x)")
            }
          }
          #expect(y.isUntouched(beyond: halo), "\(oracle) \(name) \(shape)")
          return y.pixels
        }
      }
    }
  }

  @Test("activations are precise to 1e-6 of their value from the smallest to the largest arguments")
  func precision() {
    var arguments: [Float] = stride(from: Float(-87), through: 88, by: 0.0717).map { $0 }
    for power in -30..<7 {
      for sign: Float in [-1, 1] { arguments.append(sign * Float(sign: .plus, exponent: power, significand: 1.37)) }
    }
    let u = Rows(rows: 1, nx: arguments.count, pitch: arguments.count)
    for (x, value) in arguments.enumerated() { u[0, x] = value }
    for oracle in ActivationOracle.all {
      forEachInstructionSet { name in
        let y = Rows(copy: u)
        tutti_affine_activation(
          u.pointer, u.step, y.pointer, y.step, 1, y.width, 1, 0, 0, oracle.kind, oracle.parameter, TUTTI_ZEROS, 0)
        for (x, z) in arguments.enumerated() {
          let expected = oracle.value(Double(z))
          // Below the smallest normal number only its last place counts; erfc amplifies the rounding of its argument.
          let relative = oracle.kind == TUTTI_GELU ? 1e-6 + 1.2e-7 * Double(z) * Double(z) : 1e-6
          #expect(
            near(Double(y[0, x]), expected, relative: relative, absolute: 3e-45 * max(1, abs(Double(z)))),
            "\(oracle) \(name) at \(z)")
        }
      }
    }
  }

  @Test("NaN stays NaN through every activation, and infinities give their limits")
  func specialValues() {
    for oracle in ActivationOracle.all {
      forEachInstructionSet { name in
        let u = Rows(rows: 1, nx: 19, pitch: 19)
        for x in 0..<19 { u[0, x] = [Float.nan, -.infinity, .infinity, 1][x % 4] }
        tutti_affine_activation(
          u.pointer, u.step, u.pointer, u.step, 1, u.width, 1, 0, 0, oracle.kind, oracle.parameter, TUTTI_ZEROS, 0)
        for x in stride(from: 0, to: 19, by: 4) { #expect(u[0, x].isNaN, "\(oracle) \(name)") }
        let expected = oracle.value(.infinity)
        for x in stride(from: 2, to: 19, by: 4) {
          #expect(near(Double(u[0, x]), expected, relative: 1e-6), "\(oracle) \(name) of infinity")
        }
        guard oracle.value(-.infinity).isFinite else { return }
        for x in stride(from: 1, to: 19, by: 4) {
          #expect(
            near(Double(u[0, x]), oracle.value(-.infinity), relative: 1e-6), "\(oracle) \(name) of minus infinity")
        }
      }
    }
  }

  @Test("an activation's gradient and its two sums equal the derivative's, and nothing else is written")
  func activationGradient() {
    var random = SplitMix(2)
    for oracle in ActivationOracle.all {
      for shape in shapes(&random) + [(2, 2100, 1)] {
        let scale = Float.random(in: 0.5...2, using: &random)
        let shift = Float.random(in: -1...1, using: &random)
        let mean = Float.random(in: -1...1, using: &random)
        let pitch = shape.nx + shape.gap
        let u = Rows(rows: shape.rows, nx: shape.nx, pitch: pitch, in: -4...4, using: &random)
        let g0 = Rows(rows: shape.rows, nx: shape.nx, pitch: pitch + 2, in: -1...1, using: &random)
        expectSameBits("\(oracle)") { name in
          let g = Rows(copy: g0)
          let sums = tutti_activation_gradient(
            g.pointer, g.step, u.pointer, u.step, g.count, g.width, scale, mean, shift, oracle.kind, oracle.parameter,
            tutti_gradient_halo(padding: TUTTI_ZEROS, folded: 0, zeroed: 0), true)
          var sum = 0.0
          var sumU = 0.0
          var size = 0.0
          for r in 0..<g.rows {
            for x in 0..<g.nx {
              let z = Double(scale) * (Double(u[r, x]) - Double(mean)) + Double(shift)
              let kink = [0, 3, -3].contains { abs(z - $0) < 1e-5 }
              let expected = Double(g0[r, x]) * oracle.slope(z)
              #expect(
                kink || near(Double(g[r, x]), expected, relative: 2e-6, absolute: 2e-6), "\(oracle) \(name) at \(z)")
              sum += Double(g[r, x])
              sumU += Double(g[r, x]) * (Double(u[r, x]) - Double(mean))
              size += abs(Double(g[r, x])) * (1 + abs(Double(u[r, x])))
            }
          }
          #expect(near(sums.g, sum, relative: 0, absolute: 1e-6 * size + 1e-12), "\(oracle) \(name) \(shape)")
          #expect(near(sums.g_u, sumU, relative: 0, absolute: 1e-6 * size + 1e-12), "\(oracle) \(name) \(shape)")
          #expect(g.isUntouched(), "\(oracle) \(name) \(shape)")
          return g.pixels + [Float(sums.g), Float(sums.g_u)]
        }
      }
    }
  }

  @Test("an activation that is taken twice, first for its sums alone, and a halo settled on the way give the same bits")
  func activationTwice() {
    var random = SplitMix(11)
    for oracle in ActivationOracle.all where tutti_has_cheap_derivative(oracle.kind) {
      for padding in paddings {
        for shape in shapes(&random) {
          let folded = padding == TUTTI_ZEROS ? 0 : min(shape.nx - 1, 7)
          let halo = tutti_gradient_halo(padding: padding, folded: Int32(folded), zeroed: Int32(folded + 2))
          let pitch = shape.nx + 2 * (folded + 2)
          let u = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap, in: -4...4, using: &random)
          // The halos stand between the rows, as in a plane.
          let whole = Rows(rows: shape.rows + 2, nx: pitch, pitch: pitch, in: -1...1, using: &random)
          let (scale, mean, shift, a, b) = (Float(1.3), Float(0.2), Float(-0.4), Float(0.1), Float(-0.7))
          expectSameBits("\(oracle)") { name in
            let (once, twice) = (Rows(copy: whole), Rows(copy: whole))
            let none = tutti_gradient_halo(padding: TUTTI_ZEROS, folded: 0, zeroed: 0)
            func row(_ rows: Rows) -> UnsafeMutablePointer<Float> { rows.pointer + rows.step + folded + 2 }
            tutti_fold_halo(row(once), u.count, once.step, u.width, padding, Int32(folded))
            tutti_fill_halo(row(once), u.count, once.step, u.width, TUTTI_ZEROS, Int32(folded + 2))
            let first = tutti_activation_gradient(
              row(once), once.step, u.pointer, u.step, u.count, u.width, scale, mean, shift, oracle.kind,
              oracle.parameter, none, true)
            tutti_normalization_gradient(
              row(once), once.step, u.pointer, u.step, u.count, u.width, scale, mean, a, b, 0, TUTTI_IDENTITY, 0)
            let second = tutti_activation_gradient(
              row(twice), twice.step, u.pointer, u.step, u.count, u.width, scale, mean, shift, oracle.kind,
              oracle.parameter, halo, false)
            tutti_normalization_gradient(
              row(twice), twice.step, u.pointer, u.step, u.count, u.width, scale, mean, a, b, shift, oracle.kind,
              oracle.parameter)
            #expect(first.g == second.g && first.g_u == second.g_u, "\(oracle) \(padding) \(name) \(shape)")
            #expect(once.pixels == twice.pixels, "\(oracle) \(padding) \(name) \(shape)")
            return twice.pixels
          }
        }
      }
    }
  }

  @Test("the derivative of relu at 0 is 0, of leaky relu the negative slope")
  func derivativeAtZero() {
    forEachInstructionSet { _ in
      for (kind, expected) in [(TUTTI_RELU, Float(0)), (TUTTI_LEAKY_RELU, 0.25), (TUTTI_ELU, 0.25)] {
        var g = [Float](repeating: 1, count: 18)
        let u = [Float](repeating: 0, count: 18)
        _ = tutti_activation_gradient(
          &g, 18, u, 18, 1, 18, 1, 0, 0, kind, 0.25, tutti_gradient_halo(padding: TUTTI_ZEROS, folded: 0, zeroed: 0),
          true)
        #expect(g.allSatisfy { $0 == expected })
      }
    }
  }

  @Test("folding a halo is the adjoint of filling it, and leaves the halo zero")
  func foldIsAdjoint() {
    var random = SplitMix(3)
    for padding in paddings {
      for shape in shapes(&random) {
        let widest = padding == TUTTI_REFLECT ? shape.nx - 1 : padding == TUTTI_CIRCULAR ? shape.nx : 12
        let halo = min(widest, Int.random(in: 0...12, using: &random))
        let pitch = shape.nx + 2 * halo + shape.gap
        // Small integers: sums are exact, so that <fill(y), g> = <y, fold(g)> holds exactly.
        let y = Rows(rows: shape.rows, nx: shape.nx, pitch: pitch, halo: halo)
        let g = Rows(rows: shape.rows, nx: shape.nx, pitch: pitch, halo: halo)
        for r in 0..<shape.rows {
          for x in 0..<shape.nx { y[r, x] = Float(Int.random(in: -8...8, using: &random)) }
          for x in -halo..<(shape.nx + halo) { g[r, x] = Float(Int.random(in: -8...8, using: &random)) }
        }
        tutti_fill_halo(y.pointer, y.count, y.step, y.width, padding, Int32(halo))
        var before: Float = 0
        for r in 0..<shape.rows { for x in -halo..<(shape.nx + halo) { before += y[r, x] * g[r, x] } }
        tutti_fold_halo(g.pointer, g.count, g.step, g.width, padding, Int32(halo))
        var after: Float = 0
        for r in 0..<shape.rows { for x in 0..<shape.nx { after += y[r, x] * g[r, x] } }
        #expect(before == after, "padding \(padding.rawValue) \(shape) halo \(halo)")
        for r in 0..<shape.rows {
          for x in Array(-halo..<0) + Array(shape.nx..<(shape.nx + halo)) { #expect(g[r, x] == 0) }
        }
        #expect(y.isUntouched(beyond: halo) && g.isUntouched(beyond: halo))
      }
    }
  }
}
