import Foundation
import TestSupport
import Testing

@testable import Uncertainty

/// The code of thresholds, over many random splits of one pool of scores with ties: there coverage is k ÷ (n + 1) whatever the
/// scores are, when ties are broken at random. A sample of splits; `TUTTI_ALL` takes a thousand of every kind.
@Suite struct CoverageOverSplitsTests {
  private static let isWhole = ProcessInfo.processInfo.environment["TUTTI_ALL"] != nil
  private static let levels = [0.5, 0.8, 0.9, 0.95]

  /// Splits of so many calibration scores or units.
  private static func draws(_ count: Int) -> Int { isWhole ? 1000 : count > 1000 ? 10 : count > 100 ? 20 : 60 }

  /// Every method with few scores, and two of them with many; or all.
  private static let cases: [(String, Int)] = ConformalMethod.allCases.flatMap { method in
    [10, 100, 1000, 10_000].filter { isWhole || $0 <= 100 || [.lac, .normalizedResidual].contains(method) }
      .map { (method.name, $0) }
  }

  /// Scores of the truth of many pixels, by predictions in steps of a sixteenth, so that many are equal.
  private static func pool(_ method: ConformalMethod, _ pixels: Int, seed: UInt64) -> [Float] {
    var random = TestRandom(seed)
    return (0..<pixels).map { _ in
      if let score = method.classScore {
        let parts = (0..<4).map { _ in Float(random.integer(1...6)) }
        let sum = parts.reduce(0, +)
        var draw = (random.uniform() + 1) / 2 * sum
        let label =
          parts.firstIndex {
            draw -= $0
            return draw < 0
          } ?? 3
        return score.score(label, parts.map { $0 / sum }, stride: 1, classes: 4)
      }
      let score = method.requiredValueScore
      let numbers = score.numbers(
        of: PredictedValue(
          mean: Float(random.integer(-8...8)) / 16, spread: Float(random.integer(1...4)) / 8, lower: -0.5, upper: 0.5,
          unit: 1))
      return score.score(Float(random.integer(-24...24)) / 16, numbers.first, numbers.second)
    }
  }

  /// How often each value of a sorted pool is below, and at most at, a threshold.
  private static func counts(_ sorted: [Float], _ threshold: Float) -> (below: Int, most: Int) {
    func first(_ isBeyond: (Float) -> Bool) -> Int {
      var (low, high) = (0, sorted.count)
      while low < high {
        let middle = (low + high) / 2
        if isBeyond(sorted[middle]) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    return (first { $0 >= threshold }, first { $0 > threshold })
  }

  @Test(arguments: cases)
  func `mean coverage over splits of pixels is k over n + 1 for every method, with ties broken at random`(
    name: String, count: Int
  ) throws {
    let method = try #require(ConformalMethod(rawValue: name))
    let levels = try Self.levels.map { try Coverage($0) }
    // Of a hundred such means one in three lies beyond 3 standard errors by chance: those are drawn again, otherwise.
    var beyond: [Int] = Array(levels.indices)
    for seed in [UInt64(count), UInt64(count) + 1] where !beyond.isEmpty {
      let (broken, whole) = try Self.coverages(method, count, levels, seed: seed)
      beyond = beyond.filter { level in
        guard !broken[level].isEmpty else { return false }
        let expected = Double(levels[level].rank(of: Int64(count))) / Double(count + 1)
        let (mean, error) = Self.meanAndError(broken[level])
        #expect(Self.meanAndError(whole[level]).mean >= mean - 1e-12)
        let isBeyond = abs(mean - expected) > 3 * error + 1e-12
        #expect(!isBeyond || seed == UInt64(count), "\(levels[level]): \(mean) of \(expected) ± \(error)")
        return isBeyond
      }
    }
  }

  /// The coverages of many splits, of each level: with ties broken, and as they are; none of a level that is infeasible.
  private static func coverages(
    _ method: ConformalMethod, _ count: Int, _ levels: [Coverage], seed: UInt64
  ) throws -> (broken: [[Double]], whole: [[Double]]) {
    var pool = Self.pool(method, 20_000, seed: 5)
    let sorted = pool.sorted()
    #expect(Set(sorted).count < 20_000, "there are ties")
    var random = TestRandom(seed)
    var broken = [[Double]](repeating: [], count: levels.count)
    var whole = broken
    for _ in 0..<Self.draws(count) {
      for place in 0..<count { pool.swapAt(place, random.integer(place...pool.count - 1)) }
      let own = Array(pool[..<count])
      let found = try conformalThresholds(own, levels: levels, sum: alone).thresholds
      for (level, threshold) in found.enumerated() {
        let rank = Int(levels[level].rank(of: Int64(count)))
        guard case .score(let score) = threshold else {
          #expect(rank > count)
          continue
        }
        let (below, most) = Self.counts(sorted, score)
        let (ownBelow, equal) = (own.count { $0 < score }, own.count { $0 == score })
        let others = Double(pool.count - count)
        let tied = Double(most - below - equal)
        whole[level].append((Double(below - ownBelow) + tied) / others)
        broken[level].append((Double(below - ownBelow) + tied * Double(rank - ownBelow) / Double(equal + 1)) / others)
      }
    }
    return (broken, whole)
  }

  private static func meanAndError(_ values: [Double]) -> (mean: Double, error: Double) {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    return (mean, (variance / n).squareRoot())
  }

  /// Units of several scores of a method, which are alike: neighbours among all scores.
  private static func units(_ method: ConformalMethod, _ count: Int, size: Int, seed: UInt64) -> [[Float]] {
    let pool = pool(method, 20_000, seed: seed).sorted()
    var random = TestRandom(seed)
    return (0..<count).map { _ in
      let middle = random.integer(2000...17_999)
      return (0..<size).map { _ in pool[middle + random.integer(-2000...1999)] }
    }
  }

  /// The mean share of a unit's scores that are above a threshold.
  private static func risk(_ units: some Collection<[Float]>, _ threshold: Float) -> Double {
    units.reduce(0) { sum, unit in
      let above: Int = unit.count { $0 > threshold }
      return sum + Double(above) / Double(unit.count)
    } / Double(units.count)
  }

  /// Draws units of a pool, some of them twice: the pool is then all there is, and its risk the true one.
  private static func drawn(_ pool: [[Float]], _ count: Int, using random: inout TestRandom) -> UnitScores {
    var scores = UnitScores(units: count)
    for unit in 0..<count { scores.add(pool[random.integer(0...pool.count - 1)], unit: unit) }
    return scores
  }

  /// Every method by few units of several scores, one of them by many too; or all by units of one and of several scores.
  private static let unitCases: [(String, Int, Int)] = ConformalMethod.allCases.flatMap { method in
    [1, 12].flatMap { size in
      [10, 100, 1000, 10_000].filter { isWhole || $0 == 10 && size > 1 || $0 <= 1000 && method == .lac }
        .map { (method.name, size, $0) }
    }
  }

  @Test(arguments: unitCases)
  func `by units the mean risk is at most α, and not much less`(name: String, size: Int, count: Int) throws {
    let pool = Self.units(try #require(ConformalMethod(rawValue: name)), 2000, size: size, seed: 7)
    // Ties leave a step of up to their share of scores.
    let step =
      Double(Dictionary(pool.joined().map { ($0, 1) }, uniquingKeysWith: +).values.max() ?? 0) / Double(2000 * size)
    let levels = try Self.levels.map { try Coverage($0) }
    var random = TestRandom(UInt64(size * count))
    var risks = [[Double]](repeating: [], count: levels.count)
    for _ in 0..<Self.draws(count) {
      let found = try UnitThresholds(Self.drawn(pool, count, using: &random), byUnit: true, levels: levels, sum: alone)
      for (level, threshold) in found.thresholds.enumerated() {
        guard case .score(let score) = threshold else {
          #expect(levels[level].fewestUnits > count)
          continue
        }
        risks[level].append(Self.risk(pool, score))
      }
    }
    for (level, own) in risks.enumerated() where !own.isEmpty {
      let (mean, error) = Self.meanAndError(own)
      let alpha = 1 - levels[level].value
      #expect(mean <= alpha + 3 * error, "\(levels[level]): \(mean)")
      #expect(mean >= alpha - 2 / Double(count + 1) - step - 3 * error, "\(levels[level]): \(mean) \(step)")
    }
  }

  @Test(arguments: [RiskBound.hoeffdingBentkus, .betting], [40, 200])
  func `bounds with a confidence are exceeded at most as often as it says`(bound: RiskBound, count: Int) throws {
    let pool = Self.units(.lac, 1000, size: 6, seed: 9)
    let level = try Coverage(0.8)
    var random = TestRandom(UInt64(count))
    let draws = Self.isWhole ? 1000 : 40
    var (exceeded, feasible) = (0, 0)
    for _ in 0..<draws {
      let found = try MaskThreshold(
        monotone: Self.drawn(pool, count, using: &random), levels: [level], bound: bound, confidence: 0.9, sum: alone)
      guard case .score(let score) = found.thresholds[0] else { continue }
      feasible += 1
      if Self.risk(pool, score) > 0.2 { exceeded += 1 }
    }
    let most = 0.1 + 3 * (0.1 * 0.9 / Double(draws)).squareRoot()
    #expect(Double(exceeded) / Double(draws) <= most, "\(exceeded) of \(draws)")
    #expect(feasible > draws / 2)
  }
}
