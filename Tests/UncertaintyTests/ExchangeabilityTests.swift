import TestSupport
import Testing

@testable import Uncertainty

@Suite struct ExchangeabilityTests {
  private func drawn(_ count: Int, _ random: inout TestRandom, shift: Double = 0) -> [Double] {
    (0..<count).map { _ in Double(random.uniform()) + shift }
  }

  @Test func `a new unit's p value counts the known ones that are as far out, on either side`() {
    let known = [1.0, 2, 3, 4, 5, 6, 7, 8, 9]
    #expect(Exchangeability.pValues(of: [0, 1, 5, 9.5, .nan], among: known).prefix(4) == [0.2, 0.4, 1, 0.2])
    #expect(Exchangeability.pValues(of: [.nan], among: known)[0].isNaN)
  }

  @Test func `of exchangeable units the test is rarely small, of others it is`() {
    var random = TestRandom(7)
    var small = 0
    for _ in 0..<100 {
      if Exchangeability.pValue(of: drawn(8, &random), among: drawn(12, &random)) <= 0.1 { small += 1 }
    }
    // Of 100 at most a tenth, and three standard errors.
    #expect(small <= 19, "\(small)")
    #expect(Exchangeability.pValue(of: drawn(12, &random, shift: 1), among: drawn(15, &random)) < 0.005)
    #expect(Exchangeability.pValue(of: drawn(12, &random, shift: -1), among: drawn(15, &random)) < 0.005)
  }

  @Test func `the test is exact for few units: 1 of 3 orders of one among three is as far out on each side`() {
    // Of the three places of the new unit two are ends.
    #expect(abs(Exchangeability.pValue(of: [3], among: [1, 2]) - 2.0 / 3) < 0.02)
    #expect(Exchangeability.pValue(of: [1, 1], among: [1, 1, 1]) == 1)
    #expect(Exchangeability.pValue(of: [], among: [1]).isNaN && Exchangeability.pValue(of: [.nan], among: [1]).isNaN)
  }

  @Test func `of many units the normal distribution gives what random orders do`() {
    var random = TestRandom(9)
    for shift in [0.0, 0.06, 0.2] {
      let (few, many) = (drawn(1000, &random), drawn(1000, &random, shift: shift))
      let drawn = Exchangeability.pValue(of: many, among: few)
      // One more known unit in the middle brings it above 2000.
      let normal = Exchangeability.pValue(of: many, among: few + [shift / 2])
      #expect(abs(drawn - normal) < 0.02, "\(drawn) \(normal)")
    }
  }
}
