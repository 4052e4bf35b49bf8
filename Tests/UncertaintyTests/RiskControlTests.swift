import TestSupport
import Testing

@testable import Uncertainty

@Suite struct RiskControlTests {
  /// Images whose scores have a spread of their own.
  private func drawn(_ images: Int, pixels: ClosedRange<Int>, seed: UInt64) -> [[Float]] {
    var random = TestRandom(seed)
    return (0..<images).map { _ in
      let spread = (random.uniform() + 1) / 2
      return (0..<random.integer(pixels)).map { _ in (spread * (random.uniform() + 1) / 2 * 64).rounded() / 64 }
    }
  }

  private func scores(_ images: [[Float]]) -> UnitScores {
    var scores = UnitScores(units: images.count)
    for (unit, values) in images.enumerated() { scores.add(values, unit: unit) }
    return scores
  }

  @Test func `the threshold is the least score whose mean risk is small enough, with ties and images of any size`()
    throws
  {
    for (seed, count) in [(1, 9), (2, 19), (3, 40), (4, 137)] {
      let images = drawn(count, pixels: 1...30, seed: UInt64(seed))
      let candidates = images.flatMap { $0 }.sorted()
      for level in [0.5, 0.8, 0.9, 0.95].map({ try? Coverage($0) }).compactMap(\.self) {
        let found = try RiskControl(scores(images), levels: [level], sum: alone).thresholds[0]
        let expected = candidates.first { candidate in
          let risk = images.reduce(0) { $0 + Double($1.count { $0 > candidate }) / Double($1.count) }
          return (risk + 1) / Double(count + 1) <= 1 - level.value + 1e-12
        }
        #expect(found == expected.map { .score($0) } ?? .infeasible, "\(count) images, level \(level)")
      }
    }
  }

  @Test func `units of one score each give the threshold of split conformal sets`() throws {
    let images = drawn(200, pixels: 1...1, seed: 5)
    let levels = try [0.5, 0.9, 0.99, 0.999].map { try Coverage($0) }
    let found = try RiskControl(scores(images), levels: levels, sum: alone)
    let split = try SplitConformal(
      calibrating: CalibrationScores(.lac, values: images.flatMap { $0 }), levels: levels, sum: alone)
    #expect(found.thresholds == split.thresholds && found.units == 200 && found.scores == 200)
  }

  @Test func `the mean risk of new images is bounded, and images without scores do not count`() throws {
    var images = drawn(300, pixels: 200...200, seed: 1)
    images[7] = []
    let found = try RiskControl(scores(images), levels: [try Coverage(0.9)], sum: alone)
    guard case .score(let threshold) = found.thresholds[0] else {
      Issue.record("infeasible")
      return
    }
    let risk =
      drawn(2000, pixels: 200...200, seed: 2).reduce(0) { $0 + Double($1.count { $0 > threshold }) / 200 } / 2000
    #expect(risk < 0.13 && risk > 0.07 && found.units == 299 && found.scores == 299 * 200)
  }

  @Test func `over random splits the mean risk of the other images is the level's`() throws {
    // Risks of one pool's images in random order: their mean over draws is at most 1 − level, and near it.
    let pool = drawn(60, pixels: 20...40, seed: 9)
    let level = try Coverage(0.8)
    var random = TestRandom(10)
    var (risks, squares, tests) = (0.0, 0.0, 0.0)
    for _ in 0..<150 {
      var order = Array(pool.indices)
      for last in order.indices.dropFirst().reversed() { order.swapAt(last, random.integer(0...last)) }
      let found = try RiskControl(scores(order.prefix(30).map { pool[$0] }), levels: [level], sum: alone)
      guard case .score(let threshold) = found.thresholds[0] else { continue }
      let image = pool[order[40]]
      let risk = Double(image.count { $0 > threshold }) / Double(image.count)
      (risks, squares, tests) = (risks + risk, squares + risk * risk, tests + 1)
    }
    let mean = risks / tests
    let error = ((squares / tests - mean * mean) / tests).squareRoot()
    #expect(tests == 150 && mean <= 0.2 + 3 * error && mean > 0.2 - 0.04 - 3 * error, "\(mean) ± \(error)")
  }

  @Test func `few images are too few, and how many would do is told`() throws {
    var few = UnitScores(units: 5)
    for unit in 0..<5 { few.add([0.1, 0.2], unit: unit) }
    let levels = try [0.9, 0.8].map { try Coverage($0) }
    #expect(try RiskControl(few, levels: levels, sum: alone).thresholds == [.infeasible, .score(0.2)])
    #expect(levels.map(\.fewestUnits) == [9, 4])
    #expect(try [0.5, 0.95, 0.99, 0.7, 1e-6].map { try Coverage($0).fewestUnits } == [1, 19, 99, 3, 1])
    for level in try [0.9, 0.8, 0.7, 0.95, 0.123].map({ try Coverage($0) }) {
      let n = level.fewestUnits
      #expect(level.rank(of: n) <= n && level.rank(of: n - 1) > n - 1)
    }
    #expect(try RiskControl(UnitScores(units: 3), levels: levels, sum: alone).thresholds == [.infeasible, .infeasible])
    few.add([.nan], unit: 0)
    #expect(throws: UncertaintyError.notANumber(scores: 1, of: 11)) { try RiskControl(few, levels: levels, sum: alone) }
  }

  @Test func `scores of equal images count as many as there are images, independent ones as many as there are`() throws
  {
    var random = TestRandom(3)
    var (alike, apart) = (UnitScores(units: 200), UnitScores(units: 200))
    for unit in 0..<200 {
      alike.add(Array(repeating: random.uniform(), count: 50), unit: unit)
      apart.add(random.uniforms(50), unit: unit)
    }
    let threshold = ConformalThreshold.score(0.5)
    let counts = try [alike, apart].map { try $0.effectiveCounts([threshold, .infeasible], sum: alone) }
    let (few, many) = (try #require(counts[0][0]), try #require(counts[1][0]))
    #expect(abs(few - 199) < 2, "\(few)")
    #expect(many > 6000 && many <= 10_000, "\(many)")
    #expect(counts[0][1] == nil && counts[1][1] == nil)
  }

  @Test func `coverage by unit is counted, and its mean, lowest, tenth and gap follow`() throws {
    var coverage = UnitCoverage(levels: 2, units: 4)
    for (unit, known, covered) in [(0, 10, [5, 10]), (1, 4, [3, 4]), (3, 10, [10, 9])] {
      coverage.add(known: known, unit: unit)
      for (level, count) in covered.enumerated() { coverage.add(covered: count, unit: unit, level: level) }
    }
    #expect(coverage.known == 3 && coverage.coverage(level: 0, unit: 2).isNaN)
    #expect(
      coverage.mean(level: 0) == 0.75 && coverage.lowest(level: 0) == 0.5 && coverage.lowestTenth(level: 0) == 0.5)
    #expect(abs(coverage.gap(level: 1, to: try Coverage(0.9)) - 0.2 / 3) < 1e-12)
    #expect(
      UnitCoverage(levels: 1, units: 0).mean(level: 0).isNaN && UnitCoverage(levels: 1, units: 0).lowest(level: 0).isNaN
    )
  }

  @Test func `an empty set takes the likeliest class when sets may not be empty, and no other set changes`() throws {
    var sets = SplitConformal(.lac, levels: [try Coverage(0.5)], thresholds: [.score(0.4)], scores: 9)
    // Of four pixels: one class is likely enough, none is, none is and two are as likely, all are NaN.
    let probabilities: [Float] = [0.7, 0.5, 0.4, .nan, 0.2, 0.3, 0.4, .nan, 0.1, 0.2, 0.2, .nan]
    func written() throws -> (set: [UInt8], sizes: [UInt8]) {
      var (set, sizes) = ([UInt8](repeating: 9, count: 12), [UInt8](repeating: 9, count: 4))
      try sets.writeSets(probabilities, classes: 3, pixels: 4, level: 0, set: &set, sizes: &sizes)
      return (set, sizes)
    }
    #expect(try written() == ([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0]))
    sets.allowsEmpty = false
    #expect(try written() == ([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1]))
  }
}
