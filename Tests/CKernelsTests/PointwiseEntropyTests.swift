import CKernels
import Foundation
import Testing

@Suite("Pointwise kernels: entropy", .serialized)
struct PointwiseEntropyTests {
  @Test("the entropy of every pixel equals its definition, zero probability adds nothing, NaN stays")
  func entropy() {
    var random = SplitMix(14)
    for count in [1, 15, 16, 17, 70] {
      let p = Rows(rows: 3, nx: count, pitch: count + 2, in: 0...1, using: &random)
      p[1, count / 2] = 0
      p[2, 0] = .leastNonzeroMagnitude
      p[0, count - 1] = .nan
      expectSameBits("entropy") { name in
        let result = Rows(rows: 1, nx: count, pitch: count)
        tutti_entropy(p.pointer, p.step, 3, result.pointer, count)
        for x in 0..<count {
          let expected = (0..<3).map { Double(p[$0, x]) }.reduce(0) { $1 == 0 ? $0 : $0 - $1 * log($1) }
          #expect(near(Double(result[0, x]), expected, relative: 1e-6, absolute: 1e-7), "\(name)")
        }
        #expect(result.isUntouched())
        return result.pixels.filter { !$0.isNaN }
      }
    }
  }
}
