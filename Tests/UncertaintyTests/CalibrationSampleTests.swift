import TestSupport
import Testing

@testable import Uncertainty

@Suite struct CalibrationSampleTests {
  /// Pixels with numbers that tell where they are from.
  private static func offer(_ pixels: some Sequence<Int>, to sample: inout CalibrationSample) {
    for pixel in pixels {
      let (region, place) = (pixel % 7, pixel / 7)
      sample.add(region: region, place: place, truth: Float(pixel % 2), values: [Float(pixel), Float(place)])
    }
  }

  private static func sample(_ count: Int, capacity: Int) throws -> CalibrationSample {
    var sample = CalibrationSample(width: 2, capacity: capacity)
    offer(0..<count, to: &sample)
    try sample.trim(sum: alone)
    return CalibrationSample(joining: [sample])
  }

  @Test func `fewer pixels than there is room for are all kept, in the order of regions and places`() throws {
    let sample = try Self.sample(100, capacity: 100)
    #expect(sample.isWhole && sample.count == 100 && sample.offered == 100)
    let expected = (0..<100).sorted { ($0 % 7, $0 / 7) < ($1 % 7, $1 / 7) }
    #expect(sample.values == expected.flatMap { [Float($0), Float($0 / 7)] })
    #expect(sample.truths == expected.map { Float($0 % 2) })
  }

  @Test func `of more pixels a random part is kept, the same on one rank and on three`() throws {
    let (count, capacity) = (20_000, 500)
    let whole = try Self.sample(count, capacity: capacity)
    #expect(whole.count <= capacity && whole.count > capacity * 4 / 5 && whole.offered == Int64(count))
    let mean = whole.values.enumerated().filter { $0.offset % 2 == 0 }.reduce(0) { $0 + Double($1.element) }
    #expect(abs(mean / Double(whole.count) / Double(count) - 0.5) < 0.05)
    let parts = onRanks(3) { rank, sum in
      var sample = CalibrationSample(width: 2, capacity: capacity)
      // Unequal shares: a rank of few pixels prunes nothing.
      Self.offer((0..<count).filter { ($0 % 10 < 8 ? 0 : $0 % 10 - 7) == rank }, to: &sample)
      try sample.trim(sum: sum)
      return sample
    }
    #expect(CalibrationSample(joining: try parts.map { try $0.get() }) == whole)
  }

  @Test func `two samples are divided anew into as many pixels, of random ones into those of the smaller part`() throws
  {
    var (first, second) = (CalibrationSample(width: 2), CalibrationSample(width: 2))
    Self.offer(0..<60, to: &first)
    Self.offer(60..<100, to: &second)
    let (one, two) = CalibrationSample.divided(first, second) { ($0.isOfSecond ? 60 : 0) + $0.index < 10 }
    let found = CalibrationSample(two, of: first, second, offered: 10)
    #expect(
      Set(found.values.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)) == Set((0..<10).map(Float.init)))
    #expect(CalibrationSample(one, of: first, second, offered: 90).count == 90)
    // 400 of 20 000 pixels and all of 5000 others: as large a share of both is kept.
    var many = CalibrationSample(width: 2, capacity: 400)
    Self.offer(0..<20_000, to: &many)
    try many.trim(sum: alone)
    var all = CalibrationSample(width: 2)
    Self.offer(20_000..<25_000, to: &all)
    let parts = CalibrationSample.divided(many, all) { _ in false }
    let kept = parts.first.count { $0.isOfSecond }
    #expect(parts.second.isEmpty && parts.first.count { !$0.isOfSecond } == many.count)
    #expect(abs(Double(kept) / 5000 - Double(many.count) / 20_000) < 0.01, "\(kept)")
  }

  @Test func `probabilities at another temperature are those of logits divided by it, and come back`() {
    var sample = CalibrationSample(width: 3)
    sample.add(region: 0, place: 0, truth: 0, values: [0.7, 0.2, 0.1])
    let scaled = sample.scaled(by: 2)
    let roots = [0.7, 0.2, 0.1].map { Double($0).squareRoot() }
    expectClose(scaled.values, roots.map { Float($0 / roots.reduce(0, +)) }, relative: 1e-6)
    expectClose(scaled.scaled(by: 1, from: 2).values, sample.values, relative: 1e-6)
    expectClose(scaled.scaled(by: 4, from: 2).values, sample.scaled(by: 4).values, relative: 1e-6)
  }

  @Test func `a sample gives the scores of its pixels, by class and by unit`() throws {
    var sample = CalibrationSample(width: 3)
    let pixels: [(probabilities: [Float], label: Int, unit: Int)] = [
      ([0.5, 0.3, 0.2], 0, 0), ([0.5, 0.3, 0.2], 2, 0), ([0.1, 0.1, 0.8], 2, 1),
    ]
    for (index, pixel) in pixels.enumerated() {
      sample.add(region: pixel.unit, place: index, truth: Float(pixel.label), values: pixel.probabilities)
    }
    let units = sample.regions.map { Int($0) }
    let all = sample.classScores(.lac, units: units, of: 2, byClass: false)
    #expect(try all.map { try $0.values } == [[1 - 0.5, 1 - 0.2, 1 - 0.8]])
    func runs(_ scores: UnitScores) throws -> [[Int]] {
      var runs: [[Int]] = []
      try scores.forEachRun { runs.append([$0, $1.count]) }
      return runs
    }
    #expect(try runs(all[0]) == [[0, 2], [1, 1]])
    let byClass = sample.classScores(.aps, units: units, of: 2, byClass: true)
    #expect(try byClass.map { try $0.values } == [[0.5], [], [1, 1 - (0.1 + 0.1)]])
    #expect(try runs(byClass[2]) == [[0, 1], [1, 1]])
    #expect(try UnitScores.knownUnits(byClass, sum: alone) == 2)
  }

  @Test func `scores of values divide what the method divides`() throws {
    var sample = CalibrationSample(width: CalibrationSample.valueWidth)
    sample.add(region: 0, place: 0, truth: 3, values: [1, 0.5, -1, 2, 2])
    func score(_ method: ConformalMethod) throws -> Float {
      try sample.valueScores(method, units: [0], of: 1).values[0]
    }
    #expect(try score(.residual) == 1)
    #expect(try abs(score(.normalizedResidual) - 2 / 0.52) < 1e-6)
    #expect(try score(.cqr) == 0.5)
  }
}

/// Penalties, random parts, and thresholds by class and unit together.
@Suite struct RegularizedSetsTests {
  private func score(_ method: ConformalMethod, _ label: Int, _ probabilities: [Float]) -> Float {
    method.requiredClassScore.score(label, probabilities, stride: 1, classes: probabilities.count)
  }

  @Test func `each class beyond the first costs a tenth, of twenty classes each beyond the second`() {
    let p: [Float] = [0.1, 0.5, 0.3, 0.1]
    expectClose((0..<4).map { score(.raps, $0, p) }, [1.3, 0.5, 0.9, 1.3], relative: 1e-6)
    let many = (0..<20).map { Float($0 + 1) / 210 }
    #expect(score(.raps, 19, many) == score(.aps, 19, many) && score(.raps, 18, many) == score(.aps, 18, many))
    #expect(abs(score(.raps, 17, many) - score(.aps, 17, many) - 0.1) < 1e-6)
    #expect(score(.raps, 0, [.nan, 1]).isNaN)
  }

  @Test func `a random part of the own probability is left out, the same for one prediction, spread evenly over many`()
  {
    var random = TestRandom(4)
    var parts: [Float] = []
    for _ in 0..<4000 {
      let own = 0.3 + 0.6 * abs(random.uniform())
      let p = [own, 1 - own]
      let left = score(.aps, 0, p) - score(.randomizedAPS, 0, p)
      #expect(left >= 0 && left <= own && score(.randomizedAPS, 0, p) == score(.randomizedAPS, 0, p))
      #expect(abs((score(.raps, 0, p) - score(.randomizedRAPS, 0, p)) - left) < 1e-6)
      parts.append(left / own)
    }
    let counts = (0..<4).map { quarter in parts.count { Int(min($0, 0.999) * 4) == quarter } }
    #expect(counts.allSatisfy { abs($0 - 1000) < 120 }, "\(counts)")
  }

  @Test func `thresholds by class are by unit too: each is that of risk control over the units that hold the class`()
    throws
  {
    var random = TestRandom(6)
    var (lists, joined) = ([UnitScores](repeating: UnitScores(units: 30), count: 2), UnitScores(units: 30))
    for unit in 0..<30 {
      for label in 0..<(unit < 20 ? 2 : 1) {
        let scores = random.uniforms(random.integer(1...9)).map { abs($0) }
        lists[label].add(scores, unit: unit)
        if label == 1 { joined.add(scores, unit: unit) }
      }
    }
    let levels = [try Coverage(0.9), try Coverage(0.96)]
    let found = try lists.map { try UnitThresholds($0, byUnit: true, levels: levels, sum: alone) }
    #expect(found.map(\.units) == [30, 20])
    #expect(found[1].thresholds == (try RiskControl(joined, levels: levels, sum: alone)).thresholds)
    #expect(found[1].thresholds[1] == .infeasible && found[0].thresholds[1] != .infeasible)
  }
}
