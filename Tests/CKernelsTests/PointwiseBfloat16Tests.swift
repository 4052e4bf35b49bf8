import CKernels
import Foundation
import Testing

@Suite("Pointwise kernels: bfloat16", .serialized)
struct PointwiseBfloat16Tests {
  /// The nearest of the numbers whose lower 16 bits are zero, of two as near the one whose last bit is.
  private func nearest(_ x: Float) -> Float {
    if x.isNaN || x.isInfinite { return x }
    let low = Float(bitPattern: x.bitPattern & 0xffff_0000)
    let high = Float(bitPattern: low.bitPattern + 0x1_0000)
    let (below, above) = (
      abs(Double(x) - Double(low)),
      abs((high.isInfinite ? 0x1p128 * Double(high.sign == .plus ? 1 : -1) : Double(high)) - Double(x))
    )
    if below == above { return low.bitPattern & 0x1_0000 == 0 ? low : high }
    return below < above ? low : high
  }

  @Test("rows are rounded to the nearest, ties to even, in every instruction set")
  func rounding() {
    var random = SplitMix(21)
    for shape in shapes(&random) {
      let u = Rows(rows: shape.rows, nx: shape.nx, pitch: shape.nx + shape.gap)
      for r in 0..<u.rows {
        for x in 0..<u.nx {
          var bits = UInt32.random(in: 0...UInt32.max, using: &random)
          // Ties, and numbers next to them.
          if x % 3 == 0 { bits = bits & 0xffff_0000 | 0x8000 }
          if x % 5 == 0 { bits &+= 1 }
          u[r, x] = Float(bitPattern: bits)
        }
      }
      u[0, 0] = .nan
      u[u.rows - 1, u.nx - 1] = -.infinity
      forEachInstructionSet { name in
        let y = Rows(rows: u.rows, nx: u.nx, pitch: u.nx + 3)
        tutti_bfloat16_rows(u.pointer, u.step, y.pointer, y.step, y.count, y.width)
        for (found, from) in zip(y.pixels, u.pixels) {
          #expect(from.isNaN ? found.isNaN : found == nearest(from), "\(name): \(from)")
        }
        #expect(y.isUntouched())
      }
    }
  }
}
