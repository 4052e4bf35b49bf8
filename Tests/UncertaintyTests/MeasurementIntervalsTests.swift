import TestSupport
import Testing

@testable import Uncertainty

@Suite struct MeasurementIntervalsTests {
  private typealias Prediction = MeasurementIntervals.Prediction

  /// Units that differ in how hard they are: members scatter, and are wrong, more where they are.
  ///
  /// - Parameter seen: the part of the truth that members see on average.
  private func drawn(
    _ count: Int, seeing seen: Double = 1, using random: inout TestRandom
  ) -> [(prediction: Prediction, truth: Double)] {
    (0..<count).map { _ in
      let truth = Double(20 + random.integer(0...80))
      let difficulty = Double(random.uniform() + 1.2) * 5
      let bias = Double(random.uniform()) * difficulty
      let members = (0..<5).map { _ in (seen * truth + bias + Double(random.uniform()) * difficulty).rounded() }
      return (Prediction(members: members, resolution: 1), truth)
    }
  }

  /// Whether a truth conforms, by the definition: the factor is found with the new unit among the others, and fewer of them
  /// than the rank lie nearer to it.
  private func conforms(
    _ truth: Double, _ prediction: Prediction, _ known: [(prediction: Prediction, truth: Double)], rank: Int
  ) -> Bool {
    let all = known + [(prediction, truth)]
    let rows = all.map { ($0.prediction.mean / $0.prediction.width, $0.truth / $0.prediction.width) }
    let factor =
      rows.reduce(400) { $0 + $1.0 * $1.1 } / rows.reduce(400) { $0 + $1.0 * $1.0 }
    let residuals = rows.map { abs($0.1 - factor * $0.0) }
    return residuals.dropLast().count { $0 < residuals[known.count] } < rank
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

  @Test(arguments: [1, 0.7, 1.4], [9, 29])
  func `an interval holds the truths that conform when the factor is found with them`(seen: Double, count: Int) throws {
    var random = TestRandom(UInt64(count))
    let known = drawn(count, seeing: seen, using: &random)
    let level = try Coverage(0.8)
    let intervals = try MeasurementIntervals(levels: [level], calibrating: known + [(known[0].prediction, .nan)])
    #expect(intervals.units == Int64(count))
    #expect(abs(intervals.factor - 1 / seen) < (count > 9 ? 0.15 : 0.35), "\(intervals.factor)")
    let rank = Int(level.rank(of: Int64(count)))
    let strange = Prediction(members: [400, 420], resolution: 1)
    for (prediction, _) in drawn(20, seeing: seen, using: &random) + [(strange, 0), (known[1].prediction, 0)] {
      let (lower, upper) = intervals.interval(prediction, level: 0, in: -1000...1000)
      let step = (upper - lower) * 1e-5
      for inside in [lower + step, upper - step] { #expect(conforms(inside, prediction, known, rank: rank)) }
      for outside in [lower - step, upper + step] { #expect(!conforms(outside, prediction, known, rank: rank)) }
    }
    let wide = intervals.interval(Prediction(members: [0, 1], resolution: 1), level: 0, in: 0...1)
    #expect(wide.lower == 0 && wide.upper == 1)
  }

  @Test func `members that see too little alike have intervals as narrow as those that see all, and covered as often`()
    throws
  {
    let level = try Coverage(0.9)
    var widths: [Double] = []
    for seen in [1, 0.75] {
      var random = TestRandom(3)
      let intervals = try MeasurementIntervals(levels: [level], calibrating: drawn(60, seeing: seen, using: &random))
      let new = drawn(300, seeing: seen, using: &random)
      let found = new.map { intervals.interval($0.prediction, level: 0, in: 0...(.infinity)) }
      let covered = zip(new, found).count { $1.lower <= $0.truth && $0.truth <= $1.upper }
      #expect(abs(Double(covered) / 300 - 0.9) < 0.07, "\(covered) of 300")
      widths.append(found.reduce(0) { $0 + $1.upper - $1.lower } / 300)
    }
    #expect(widths[1] < 1.5 * widths[0], "\(widths)")
  }

  @Test func `intervals of an earlier program are about the mean`() throws {
    let levels = [try Coverage(0.9)]
    let earlier = MeasurementIntervals(levels: levels, thresholds: [.score(2)], units: 20)
    let (lower, upper) = earlier.interval(Prediction(members: [40, 40], resolution: 1), level: 0, in: 0...100)
    #expect(earlier.factor == 1 && abs(lower - 34) < 1e-5 && abs(upper - 46) < 1e-5)
  }

  @Test func `too few units, or nothing predicted, give all of the range`() throws {
    let levels = [try Coverage(0.9)]
    let known = Prediction(members: [3, 5, .nan], resolution: 1)
    #expect(known.mean == 4 && abs(known.spread - 2.0.squareRoot()) < 1e-15)
    let few = try MeasurementIntervals(levels: levels, calibrating: [(known, 4)])
    #expect(few.thresholds == [.infeasible] && few.interval(known, level: 0, in: 0...1) == (0, 1))
    let none = Prediction(members: [.nan, .nan], resolution: 1)
    #expect(none.mean.isNaN && none.spread == 0)
    let alone = Prediction(mean: 40, spread: .nan, resolution: 1)
    #expect(alone.width == 3)
    let enough = try MeasurementIntervals(levels: levels, calibrating: (0..<9).map { (known, Double($0)) })
    #expect(enough.interval(none, level: 0, in: 0...(.infinity)) == (0, .infinity))
    // A calibration unit for which nothing was predicted is one that no interval holds.
    let lost = try MeasurementIntervals(levels: levels, calibrating: (0..<8).map { (known, Double($0)) } + [(none, 1)])
    #expect(lost.thresholds == [.score(.infinity)] && lost.interval(known, level: 0, in: 0...1) == (0, 1))
  }
}
