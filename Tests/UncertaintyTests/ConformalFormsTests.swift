import TestSupport
import Testing

@testable import Uncertainty

/// Scores and units beyond LAC by pixel.
@Suite struct ConformalFormsTests {
  /// Probabilities `[class, pixel]` and labels drawn from them; class 2 is predicted with too little confidence.
  private func drawn(_ pixels: Int, seed: UInt64) -> (probabilities: [Float], labels: [UInt8]) {
    var random = TestRandom(seed)
    var probabilities = [Float](repeating: 0, count: 3 * pixels)
    var labels: [UInt8] = []
    for i in 0..<pixels {
      let raw = (0..<3).map { _ in max(0.02, abs(random.uniform()) * abs(random.uniform())) }
      let sum = raw.reduce(0, +)
      for c in 0..<3 { probabilities[c * pixels + i] = raw[c] / sum }
      var rest = (random.uniform() + 1) / 2
      var label = 0
      while label < 2 && rest > raw[label] / sum {
        rest -= raw[label] / sum
        label += 1
      }
      labels.append(random.integer(0...3) == 0 ? 2 : UInt8(label))
    }
    return (probabilities, labels)
  }

  private func coverage(_ sets: SplitConformal, _ data: (probabilities: [Float], labels: [UInt8])) throws -> [Double] {
    let pixels = data.labels.count
    var set = [UInt8](repeating: 0, count: 3 * pixels)
    var sizes = [UInt8](repeating: 0, count: pixels)
    try sets.writeSets(data.probabilities, classes: 3, pixels: pixels, level: 0, set: &set, sizes: &sizes)
    var evaluation = SetEvaluation(levels: 1, classes: 3)
    try evaluation.add(set: set, labels: data.labels, pixels: pixels, level: 0)
    return [evaluation.coverage(level: 0)] + (0..<3).map { evaluation.coverage(level: 0, class: $0) }
  }

  @Test(arguments: ConformalMethod.all(ofClasses: true))
  func `thresholds by class cover each class, one threshold only all together`(method: ConformalMethod) throws {
    // Many labels are of the least probable class, whose adaptive score is 1: a threshold below must leave them out.
    let level = method == .lac ? 0.9 : 0.6
    let calibration = drawn(6000, seed: 1)
    let test = drawn(6000, seed: 2)
    func sets(byClass: Int?) throws -> SplitConformal {
      var scores = CalibrationScores(method, byClass: byClass)
      try scores.add(
        probabilities: calibration.probabilities, labels: calibration.labels, classes: 3, pixels: 6000)
      return try SplitConformal(calibrating: scores, levels: [Coverage(level)], sum: alone)
    }
    let one = try sets(byClass: nil)
    let byClass = try sets(byClass: 3)
    #expect(!one.isByClass && byClass.isByClass && one.scores == byClass.scores)
    let covered = try coverage(one, test)
    #expect(abs(covered[0] - level) < 0.02)
    #expect(covered.dropFirst().contains { $0 < level - 0.03 })
    for value in try coverage(byClass, test) { #expect(abs(value - level) < 0.03) }
  }

  @Test func `a class without calibration pixels is in every set of thresholds by class`() throws {
    var scores = CalibrationScores(.lac, byClass: 2)
    let probabilities: [Float] = [0.9, 0.8, 0.7, 0.1, 0.2, 0.3]
    try scores.add(probabilities: probabilities, labels: [0, 0, 0], classes: 2, pixels: 3)
    let sets = try SplitConformal(calibrating: scores, levels: [Coverage(0.5), Coverage(0.25)], sum: alone)
    #expect(sets.thresholds == [.score(1 - 0.8), .infeasible, .score(1 - 0.9), .infeasible])
    #expect(sets.threshold(level: 1, class: 0) == .score(1 - 0.9))
    var (set, sizes) = ([UInt8](repeating: 0, count: 6), [UInt8](repeating: 0, count: 3))
    try sets.writeSets(probabilities, classes: 2, pixels: 3, level: 0, set: &set, sizes: &sizes)
    #expect(set == [1, 1, 0, 1, 1, 1] && sizes == [2, 2, 1])
  }

  @Test func `adaptive scores count classes as probable as the own one, and all classes score 1`() {
    let p: [Float] = [0.1, 0.5, 0.3, 0.1]
    let score = ConformalMethod.aps.requiredClassScore
    let scores = (0..<4).map { score.score($0, p, stride: 1, classes: 4) }
    expectClose(scores, [1, 0.5, 0.8, 1], relative: 1e-6)
    #expect(scores[0] == 1 && scores[3] == 1)
    #expect(score.score(1, [0.4, .nan], stride: 1, classes: 2).isNaN)
  }

  @Test(arguments: ConformalMethod.all(ofClasses: false))
  func `intervals cover new values as often as is asked`(method: ConformalMethod) throws {
    func drawn(_ seed: UInt64) -> (first: [Float], second: [Float], truth: [Float]) {
      var random = TestRandom(seed)
      let mean = random.uniforms(4000)
      let spread = random.uniforms(4000).map { 1.2 + $0 }
      let truth = zip(mean, spread).map { $0 + $1 * (random.uniform() + random.uniform()) }
      if method != .cqr { return (mean, spread, truth) }
      return (zip(mean, spread).map { $0 - $1 }, zip(mean, spread).map { $0 + 1.5 * $1 }, truth)
    }
    let calibration = drawn(1)
    let score = method.requiredValueScore
    let scores = calibration.truth.indices.map {
      score.score(calibration.truth[$0], calibration.first[$0], calibration.second[$0])
    }
    let levels = [try Coverage(0.8), try Coverage(0.95), try Coverage(0.9999)]
    let intervals = try ConformalIntervals(method, calibrating: scores, levels: levels, sum: alone)
    #expect(intervals.thresholds[2] == .infeasible && intervals.scores == 4000)
    let test = drawn(2)
    var evaluation = IntervalEvaluation(levels: 3)
    var (lower, upper) = (test.first, test.first)
    for level in 0..<3 {
      intervals.writeIntervals(
        test.first, test.second, count: 4000, level: level, lower: &lower, upper: &upper)
      var part = IntervalEvaluation(levels: 3)
      part.add(lower: lower, upper: upper, truth: test.truth, count: 4000, level: level)
      evaluation.merge(part)
    }
    #expect(abs(evaluation.coverage(level: 0) - 0.8) < 0.03)
    #expect(abs(evaluation.coverage(level: 1) - 0.95) < 0.015)
    #expect(evaluation.coverage(level: 2) == 1 && evaluation.meanWidth(level: 2) == .infinity)
    #expect(evaluation.meanWidth(level: 0) < evaluation.meanWidth(level: 1) && evaluation.values(level: 0) == 4000)
  }
}

@Suite struct ConformalMethodTests {
  @Test func `every method is found by its name, and none by another`() {
    #expect(
      ConformalMethod.allCases.map(\.name) == [
        "lac", "aps", "aps-randomized", "raps", "raps-randomized", "residual", "normalized-residual", "cqr",
      ])
    for method in ConformalMethod.allCases { #expect(ConformalMethod(rawValue: method.name) == method) }
    #expect(ConformalMethod(rawValue: "none") == nil)
  }

  @Test func `the method that is not named uses what is known of a prediction`() {
    #expect(ConformalMethod.standard(ofClasses: true) == .lac)
    #expect(ConformalMethod.standard(ofClasses: true, knowing: .quantiles) == .lac)
    #expect(ConformalMethod.standard(ofClasses: false) == .residual)
    #expect(ConformalMethod.standard(ofClasses: false, knowing: .spread) == .normalizedResidual)
    #expect(ConformalMethod.standard(ofClasses: false, knowing: .quantiles) == .cqr)
  }
}
