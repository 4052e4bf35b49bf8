import TestSupport
import Testing

@testable import Uncertainty

@Suite struct MeasurementIntervalsTests {
  private typealias Prediction = MeasurementIntervals.Prediction

  /// Units that differ in how hard they are: members scatter, and are wrong, more where they are.
  private func drawn(_ count: Int, using random: inout TestRandom) -> [(prediction: Prediction, truth: Double)] {
    (0..<count).map { _ in
      let truth = Double(20 + random.integer(0...80))
      let difficulty = Double(random.uniform() + 1.2) * 5
      let bias = Double(random.uniform()) * difficulty
      let members = (0..<5).map { _ in (truth + bias + Double(random.uniform()) * difficulty).rounded() }
      return (Prediction(members: members, resolution: 1), truth)
    }
  }

  @Test func `of new units as many as the level says have their truth in the interval`() throws {
    var random = TestRandom(8)
    let levels = try [0.5, 0.9].map { try Coverage($0) }
    var covered = [0, 0]
    let rounds = 80
    for _ in 0..<rounds {
      let intervals = try MeasurementIntervals(levels: levels, calibrating: drawn(19, using: &random))
      let (prediction, truth) = drawn(1, using: &random)[0]
      for level in 0..<2 {
        let (lower, upper) = intervals.interval(prediction, level: level, in: 0...(.infinity))
        if lower <= truth, truth <= upper { covered[level] += 1 }
      }
    }
    // 10 of 20 and 18 of 20: k / (n + 1).
    for (count, expected) in zip(covered, [0.5, 0.9]) {
      let error = (expected * (1 - expected) / Double(rounds)).squareRoot()
      #expect(abs(Double(count) / Double(rounds) - expected) <= 3 * error, "\(count) of \(rounds) at \(expected)")
    }
  }

  @Test func `calibration units lie in their own intervals as often as the rank says, and bounds stay in the range`()
    throws
  {
    var random = TestRandom(2)
    let units = drawn(29, using: &random)
    let level = try Coverage(0.8)
    let intervals = try MeasurementIntervals(levels: [level], calibrating: units + [(units[0].prediction, .nan)])
    #expect(intervals.units == 29)
    let count = units.count { unit in
      let (lower, upper) = intervals.interval(unit.prediction, level: 0, in: 0...(.infinity))
      return lower <= unit.truth && unit.truth <= upper
    }
    #expect(count == Int(level.rank(of: 29)))
    let wide = intervals.interval(Prediction(members: [0, 1], resolution: 1), level: 0, in: 0...1)
    #expect(wide.lower == 0 && wide.upper == 1)
  }

  @Test func `too few units, or nothing predicted, give all of the range`() throws {
    let levels = [try Coverage(0.9)]
    let known = Prediction(members: [3, 5, .nan], resolution: 1)
    #expect(known.mean == 4 && abs(known.spread - 2.0.squareRoot()) < 1e-15)
    let few = try MeasurementIntervals(levels: levels, calibrating: [(known, 4)])
    #expect(few.thresholds == [.infeasible] && few.interval(known, level: 0, in: 0...1) == (0, 1))
    let none = Prediction(members: [.nan, .nan], resolution: 1)
    #expect(none.mean.isNaN && none.spread == 0)
    let enough = try MeasurementIntervals(levels: levels, calibrating: (0..<9).map { (known, Double($0)) })
    #expect(enough.interval(none, level: 0, in: 0...(.infinity)) == (0, .infinity))
    // A calibration unit for which nothing was predicted is one that no interval holds.
    let lost = try MeasurementIntervals(levels: levels, calibrating: (0..<8).map { (known, Double($0)) } + [(none, 1)])
    #expect(lost.thresholds == [.score(.infinity)] && lost.interval(known, level: 0, in: 0...1) == (0, 1))
  }
}
