import TestSupport
import Testing

@testable import Uncertainty

@Suite struct MemberMomentsTests {
  @Test func `quantiles of the normal distribution`() {
    for (probability, z) in [
      (0.5, 0), (0.975, 1.959963984540054), (0.05, -1.6448536269514729), (1e-10, -6.361340902404056),
      (0.6, 0.2533471031357997),
    ] {
      #expect(abs(normalQuantile(probability) - z) < 1e-12, "\(probability)")
    }
  }

  @Test func `a quantile is corrected for skewness and kurtosis`() {
    // Mean 2.5, variance 8.3, and by hand G₁ = 1.7643, G₂ = 3.3338 of these numbers.
    let members: [Float] = [1, 2, 0, 1, 3, 8, 2, 1, 2, 5]
    let moments = MemberMoments(count: 1)
    for value in members { moments.add([value]) }
    func read(_ write: (UnsafeMutablePointer<Float>) -> Void) -> Double {
      var result: [Float] = [0]
      write(&result)
      return Double(result[0])
    }
    let (mean, deviation) = (read(moments.writeMean), read(moments.writeStandardDeviation))
    let (s, k) = (read(moments.writeSkewness), read(moments.writeKurtosis))
    let third = members.reduce(0) { $0 + pow3(Double($1) - 2.5) } / 10
    #expect(abs(mean - 2.5) < 1e-6 && s > 1)
    let variance = members.reduce(0) { $0 + (Double($1) - 2.5) * (Double($1) - 2.5) } / 10
    #expect(abs(s - Double(90).squareRoot() / 8 * third / (variance * variance.squareRoot())) < 1e-5)
    let z = 1.6448536269514729
    let first = (z * z - 1) * s / 6 + (z * z * z - 3 * z) * k / 24
    let adjusted = z + first - (2 * z * z * z - 5 * z) * s * s / 36
    #expect(abs(read { moments.writeQuantile(0.95, to: $0) } - (mean + adjusted * deviation)) < 1e-5)
    // The median of a distribution with a tail to the right lies left of its mean.
    #expect(read { moments.writeQuantile(0.5, to: $0) } < mean)
  }

  private func pow3(_ x: Double) -> Double { x * x * x }

  @Test func `too few members have no higher moments, and members that agree have themselves as quantiles`() {
    let moments = MemberMoments(count: 2)
    moments.add([1, 4])
    moments.add([3, 4])
    var result: [Float] = [0, 0]
    moments.writeSkewness(to: &result)
    #expect(result[0].isNaN && result[1].isNaN)
    moments.writeStandardDeviation(to: &result)
    #expect(result == [Float(2).squareRoot(), 0])
    moments.writeQuantile(0.9, to: &result)
    #expect(result[0].isNaN && result[1] == 4)
    moments.reset()
    moments.add([5, 6])
    moments.writeMean(to: &result)
    #expect(result == [5, 6])
  }
}
