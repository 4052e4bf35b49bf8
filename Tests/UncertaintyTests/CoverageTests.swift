import Testing

@testable import Uncertainty

@Suite("Coverage")
struct CoverageTests {
  @Test("the rank is exact for every coverage in percent and tenths of percent")
  func exact() throws {
    for thousandth in 1...999 {
      let coverage = try Coverage(Double(thousandth) / 1000)
      for n in Array(0...60) + [99, 499, 999, 1999, 123_456_789] {
        let expected = Int64(((n + 1) * thousandth + 999) / 1000)
        #expect(coverage.rank(of: Int64(n)) == expected, "\(n) scores, \(coverage)")
      }
    }
  }

  @Test("nine tenths of ten are nine, also where floating-point numbers say more")
  func tenths() throws {
    #expect(try Coverage(0.9).rank(of: 9) == 9)
    #expect(try Coverage(0.7).rank(of: 9) == 7)
    #expect(try Coverage(0.07).rank(of: 99) == 7)
    #expect(try Coverage(0.55).rank(of: 99) == 55)
    #expect((100 * 0.55).rounded(.up) == 56)  // what a Double would say
  }

  @Test("too few scores have a rank beyond them, and huge counts do not overflow")
  func extremes() throws {
    #expect(try Coverage(0.95).rank(of: 18) == 19)
    #expect(try Coverage(0.95).rank(of: 19) == 19)
    #expect(try Coverage(0.5).rank(of: Int64.max - 1) == 1 << 62)
    #expect(try Coverage(1e-05).rank(of: 99_999) == 1)
    #expect(try Coverage(1.25e-05).rank(of: 99_999) == 2)
  }

  @Test("a coverage that is no share, or too fine, is refused with what to write", arguments: [0, 1, -0.1, 90, .nan])
  func refused(value: Double) {
    let error = #expect(throws: UncertaintyError.self) { try Coverage(value) }
    #expect(error?.description.contains("0.9") == true)
  }

  @Test("a coverage of more than 18 decimals is refused")
  func tooFine() {
    #expect(throws: UncertaintyError.coverageTooFine(1.5e-20)) { try Coverage(1.5e-20) }
  }
}
