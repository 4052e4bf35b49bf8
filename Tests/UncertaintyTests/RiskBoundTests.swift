import Foundation
import TestSupport
import Testing

@testable import Uncertainty

@Suite struct RiskBoundTests {
  @Test func `the binomial tail is the sum of its terms`() {
    for (n, p) in [(5, 0.3), (40, 0.1), (200, 0.02)] {
      var (term, sum) = (pow(1 - p, Double(n)), 0.0)
      for k in 0..<n {
        sum += term
        #expect(abs(binomialBelow(k, of: n, probability: p) - sum) < 1e-9)
        term *= Double(n - k) / Double(k + 1) * p / (1 - p)
      }
      #expect(binomialBelow(n, of: n, probability: p) == 1 && binomialBelow(-1, of: n, probability: p) == 0)
    }
    #expect(abs(binomialBelow(100_000, of: 1_000_000, probability: 0.1) - 0.5) < 0.002)
  }

  @Test func `bounds fall as losses fall, and are never certain of a mean above the level`() {
    let level = 0.1
    for bound in [hoeffdingBentkusValue, { bettingValue($0, $1, 0.9) }] {
      let values = [0.0, 0.02, 0.05, 0.08].map { loss in bound([Double](repeating: loss, count: 200), level) }
      #expect(values == values.sorted() && values[0] < 1e-3)
      #expect(bound([Double](repeating: 0.1, count: 200), level) == 1)
      #expect(bound([Double](repeating: 0.3, count: 200), level) == 1)
    }
    // Of losses that vary little the bet is sharper.
    let steady = [Double](repeating: 0.05, count: 200)
    #expect(bettingValue(steady, 0.1, 0.9) < hoeffdingBentkusValue(steady, 0.1))
  }

  /// Units whose scores have a spread of their own.
  private func drawn(_ units: Int, _ random: inout TestRandom) -> UnitScores {
    var scores = UnitScores(units: units)
    for unit in 0..<units {
      let spread = abs(random.uniform())
      scores.add((0..<4).map { _ in spread * abs(random.uniform()) }, unit: unit)
    }
    return scores
  }

  /// The mean loss at a threshold, of scores that are u · v with u and v uniform: P(u v > t) = 1 − t + t ln t.
  private func risk(_ threshold: Float) -> Double {
    let t = Double(threshold)
    return t <= 0 ? 1 : 1 - t + t * log(t)
  }

  @Test(arguments: RiskBound.allCases)
  func `thresholds keep the risk below the level, in the mean or as often as is asked`(bound: RiskBound) throws {
    var random = TestRandom(21)
    let level = try Coverage(0.8)
    var risks: [Double] = []
    let draws = bound == .mean ? 1000 : 150
    for _ in 0..<draws {
      let found = try MaskThreshold(
        monotone: drawn(60, &random), levels: [level], bound: bound, confidence: 0.9, sum: alone)
      guard case .score(let threshold) = found.thresholds[0] else { continue }
      risks.append(risk(threshold))
    }
    let mean = risks.reduce(0, +) / Double(risks.count)
    let spread = (risks.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(risks.count * risks.count)).squareRoot()
    if bound == .mean {
      #expect(risks.count == draws && mean <= 0.2 + 3 * spread && mean > 0.2 - 2.0 / 61 - 3 * spread, "\(mean)")
    } else {
      // Of 150 draws at most a tenth may exceed the level, and three standard errors.
      let exceeded = Double(risks.count { $0 > 0.2 })
      #expect(exceeded <= 15 + 3 * (150 * 0.09).squareRoot(), "\(exceeded)")
      #expect(risks.count > draws / 2 && mean > 0.08, "\(risks.count) \(mean)")
    }
  }

  @Test func `the thresholds of a grid are those of the losses counted one by one, on one rank and on three`() throws {
    var random = TestRandom(3)
    let scores = drawn(40, &random)
    let levels = [try Coverage(0.7), try Coverage(0.99)]
    let found = try MaskThreshold(
      monotone: scores, levels: levels, bound: .hoeffdingBentkus, confidence: 0.9, sum: alone)
    var expected: Float?
    for step in (0...1024).reversed() {
      var losses: [Double] = []
      for unit in 0..<40 {
        let own = try scores.values[4 * unit..<4 * unit + 4]
        losses.append(Double(own.count { $0 > Float(step) / 1024 }) / 4)
      }
      guard hoeffdingBentkusValue(losses, 0.3) <= 0.1 else { break }
      expected = Float(step) / 1024
    }
    #expect(found.thresholds == [expected.map { .score($0) } ?? .infeasible, .infeasible] && found.units == 40)
    let values = try scores.values
    for result in onRanks(
      3,
      { rank, sum in
        var own = UnitScores(units: 40)
        for index in values.indices where index % 3 == rank { own.add(CollectionOfOne(values[index]), unit: index / 4) }
        return try MaskThreshold(monotone: own, levels: levels, bound: .hoeffdingBentkus, confidence: 0.9, sum: sum)
      })
    {
      #expect(try result.get() == found)
    }
  }

  @Test func `the threshold for Dice is the best of those that hold, and there is none where none holds`() throws {
    var random = TestRandom(4)
    var (inside, outside) = (UnitScores(units: 120), UnitScores(units: 120))
    for unit in 0..<120 {
      // Inside scores lie below 0.7 but for a few, outside ones above 0.5.
      inside.add((0..<30).map { _ in random.integer(0...19) == 0 ? 0.9 : 0.7 * abs(random.uniform()) }, unit: unit)
      outside.add((0..<30).map { _ in 0.5 + 0.5 * abs(random.uniform()) }, unit: unit)
    }
    let found = try MaskThreshold(
      dice: inside, outside: outside, levels: [try Coverage(0.7), try Coverage(0.97)], bound: .betting,
      confidence: 0.9, sum: alone)
    guard case .score(let threshold) = found.thresholds[0] else {
      Issue.record("infeasible")
      return
    }
    #expect(threshold > 0.4 && threshold < 0.75 && found.thresholds[1] == .infeasible && found.units == 120)
  }

  @Test func `one score a unit: the margin of a level is the k-th smallest, and none when it is infinite`() throws {
    let levels = [try Coverage(0.5), try Coverage(0.9)]
    let found = try MaskThreshold(ofUnits: [3, 1, 2, .infinity, 0], levels: levels)
    #expect(found.thresholds == [.score(2), .infeasible] && found.units == 5)
    #expect(try MaskThreshold(ofUnits: [.infinity, .infinity, 1], levels: [levels[0]]).thresholds == [.infeasible])
  }
}
