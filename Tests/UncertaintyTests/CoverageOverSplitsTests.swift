import TestSupport
import Testing

@testable import Uncertainty

/// The code of thresholds, over many draws: of uniform scores the threshold is its own coverage.
@Suite struct CoverageOverSplitsTests {
  @Test(arguments: [(10, 300), (100, 300), (1000, 100), (10_000, 20)])
  func `mean coverage over draws is k over n + 1, by pixel and by units of one score`(count: Int, draws: Int) throws {
    var random = TestRandom(UInt64(count))
    let levels = try [0.5, 0.9].map { try Coverage($0) }
    var sums = [[Double]](repeating: [0, 0], count: 2)
    for _ in 0..<draws {
      var scores = UnitScores(units: count)
      for unit in 0..<count { scores.add(CollectionOfOne((random.uniform() + 1) / 2), unit: unit) }
      for (kind, byUnit) in [false, true].enumerated() {
        let found = try UnitThresholds(scores, byUnit: byUnit, levels: levels, sum: alone).thresholds
        for (level, threshold) in found.enumerated() {
          guard case .score(let score) = threshold else {
            Issue.record("infeasible")
            continue
          }
          sums[kind][level] += Double(score)
        }
      }
    }
    for sums in sums {
      for (sum, level) in zip(sums, levels) {
        let (n, k) = (Double(count), Double(level.rank(of: Int64(count))))
        // The coverage of the k-th smallest of n is Beta(k, n + 1 − k).
        let error = (k * (n + 1 - k) / ((n + 1) * (n + 1) * (n + 2)) / Double(draws)).squareRoot()
        #expect(abs(sum / Double(draws) - k / (n + 1)) <= 3 * error, "\(sum / Double(draws)) of \(k / (n + 1))")
      }
    }
  }

  @Test func `ties only raise coverage`() throws {
    var random = TestRandom(77)
    var sum = 0.0
    for _ in 0..<300 {
      let scores = (0..<40).map { _ in Float(random.integer(1...8)) / 8 }
      let found = try conformalThresholds(scores, levels: [Coverage(0.8)], sum: alone).thresholds
      guard case .score(let score) = found[0] else { continue }
      sum += Double(score)
    }
    // Of eight equally likely values the threshold is the share at or below it.
    #expect(sum / 300 >= 33.0 / 41 && sum / 300 < 33.0 / 41 + 0.125)
  }
}
