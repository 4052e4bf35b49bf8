import MessagePassing
import TestSupport
import Testing

@testable import Uncertainty

@Suite("Split conformal prediction")
struct SplitConformalTests {
  @Test("the order statistics of spread values are those of the sorted ones, to the bit")
  func selection() throws {
    var random = TestRandom(1)
    for size in [1, 2, 10, 1000] {
      var values = random.uniforms(size).map { ($0 * 8).rounded() / 8 } + random.uniforms(size).map { $0 * 1e-3 }
      values += [.infinity, -.infinity, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 0, 1e30, -1e30]
      let sorted = values.sorted { !$1.isTotallyOrdered(belowOrEqualTo: $0) }  // −0 before +0
      let ranks = stride(from: 1, through: values.count, by: size < 1000 ? 1 : 17).map(Int64.init)
      let expected = ranks.map { sorted[Int($0) - 1].bitPattern }
      for count in 1...4 {
        let shares = parts(of: values, count: count, using: &random)
        for result in onRanks(
          count,
          { rank, sum in
            try orderStatistics(ranks, of: shares[rank], sum: sum)
          })
        {
          #expect(try result.get().map(\.bitPattern) == expected)
        }
      }
    }
  }

  @Test("the threshold is the k-th smallest score, the same for any spread over ranks")
  func thresholds() throws {
    var random = TestRandom(2)
    let levels = try [0.5, 0.8, 0.9, 0.95, 0.99].map { try Coverage($0) }
    for n in [3, 9, 19, 99, 1234] {
      let scores = random.uniforms(n).map { abs($0) }
      let sorted = scores.sorted()
      let expected = levels.map { level -> ConformalThreshold in
        let k = Int(level.rank(of: Int64(n)))
        return k > n ? .infeasible : .score(sorted[k - 1])
      }
      for count in 1...5 {
        let shares = parts(of: scores, count: count, using: &random)
        for result in onRanks(
          count,
          { rank, sum in
            try SplitConformal(calibrating: CalibrationScores(values: shares[rank]), levels: levels, sum: sum)
          })
        {
          let found = try result.get()
          #expect(found.thresholds == expected)
          #expect(found.scores == Int64(n))
        }
      }
    }
  }

  @Test("ten scores are too few for 95 percent: all classes are in the set")
  func infeasible() throws {
    let sets = try SplitConformal(
      calibrating: CalibrationScores(values: Array(repeating: 0.5, count: 10)),
      levels: [Coverage(0.95), Coverage(0.9)], sum: alone)
    #expect(sets.thresholds == [.infeasible, .score(0.5)])
    var set = [UInt8](repeating: 7, count: 4)
    var sizes = [UInt8](repeating: 7, count: 2)
    try sets.writeSets([0, 1, 0.5, .nan], classes: 2, pixels: 2, level: 0, set: &set, sizes: &sizes)
    #expect(set == [1, 1, 1, 1])
    #expect(sizes == [2, 2])
  }

  @Test("without scores no coverage is feasible")
  func noScores() throws {
    #expect(
      try SplitConformal(calibrating: CalibrationScores(), levels: [Coverage(0.1)], sum: alone).thresholds == [
        .infeasible
      ])
  }

  @Test("a class is in the set when its score is at most the threshold, compared as calibration computed it")
  func comparison() throws {
    // The threshold is the score of p = 0.3 itself; its neighbours lie on either side.
    let p: Float = 0.3
    let sets = try SplitConformal(calibrating: CalibrationScores(values: [1 - p]), levels: [Coverage(0.5)], sum: alone)
    let probabilities: [Float] = [p, 0.29999998 - 3e-8, p.nextUp, .nan, 1, 0]
    var set = [UInt8](repeating: 7, count: 6)
    var sizes = [UInt8](repeating: 7, count: 3)
    try sets.writeSets(probabilities, classes: 2, pixels: 3, level: 0, set: &set, sizes: &sizes)
    #expect(set == [1, 0, 1, 0, 1, 0])
    #expect(sizes == [1, 1, 1])
  }

  @Test("a score that is NaN on one rank is refused on all of them")
  func notANumber() throws {
    let level = try Coverage(0.5)
    for result in onRanks(
      3,
      { rank, sum in
        try SplitConformal(
          calibrating: CalibrationScores(values: rank == 1 ? [0.1, .nan] : [0.2]), levels: [level], sum: sum)
      })
    {
      #expect(throws: UncertaintyError.notANumber(scores: 1, of: 4)) { try result.get() }
    }
  }

  @Test("scores are taken from labelled pixels only, and a label that is no class is named")
  func scores() throws {
    var scores = CalibrationScores()
    let probabilities: [Float] = [0.9, 0.2, 0.4, 0.1, 0.8, 0.6]
    try scores.add(probabilities: probabilities, labels: [0, 255, 1], classes: 2, pixels: 3)
    #expect(scores.values == [1 - 0.9, 1 - Float(0.6)])
    #expect(throws: UncertaintyError.labelOutside(label: 2, pixel: 1, classes: 2)) {
      try scores.add(probabilities: probabilities, labels: [0, 2, 1], classes: 2, pixels: 3)
    }
    #expect(scores.values.count == 2)
  }

  @Test("exchangeable pixels are covered as often as promised, averaged over many calibrations")
  func validity() throws {
    var random = TestRandom(3)
    let levels = try [0.5, 0.8, 0.9].map { try Coverage($0) }
    let (n, trials) = (19, 1500)
    var covered = [0, 0, 0]
    for _ in 0..<trials {
      let sets = try SplitConformal(
        calibrating: CalibrationScores(values: random.uniforms(n)), levels: levels, sum: alone)
      let score = random.uniform()
      for (i, threshold) in sets.thresholds.enumerated() {
        if case .score(let limit) = threshold, score <= limit { covered[i] += 1 }
      }
    }
    // Exactly k / (n + 1) in expectation; four standard deviations of a share of so many trials.
    for (i, expected) in [0.5, 0.8, 0.9].enumerated() {
      let tolerance = 4 * (expected * (1 - expected) / Double(trials)).squareRoot()
      #expect(abs(Double(covered[i]) / Double(trials) - expected) < tolerance)
    }
  }
}

@Suite("Set evaluation")
struct SetEvaluationTests {
  // Three classes, five pixels, the fourth unlabelled.
  private let set: [UInt8] = [1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1]
  private let labels: [UInt8] = [0, 1, 2, 255, 2]

  @Test("coverage, set size and empty sets are counted over labelled pixels, overall and by class")
  func byHand() throws {
    var evaluation = SetEvaluation(levels: 2, classes: 3)
    try evaluation.add(set: set, labels: labels, pixels: 5, level: 1)
    #expect(evaluation.pixels(level: 1) == 4)
    #expect(evaluation.coverage(level: 1) == 0.5)
    #expect(evaluation.coverage(level: 1, class: 0) == 1)
    #expect(evaluation.coverage(level: 1, class: 1) == 0)
    #expect(evaluation.coverage(level: 1, class: 2) == 0.5)
    #expect(evaluation.pixels(level: 1, class: 2) == 2)
    #expect(evaluation.meanSetSize(level: 1) == 1.25)
    #expect(evaluation.emptyShare(level: 1) == 0.5)
    #expect(evaluation.pixels(level: 0) == 0)
    #expect(evaluation.coverage(level: 0).isNaN && evaluation.meanSetSize(level: 0).isNaN)
  }

  @Test("merging and reducing over ranks count the same as one rank with all pixels")
  func merged() throws {
    var twice = SetEvaluation(levels: 1, classes: 3)
    for _ in 0..<2 { try twice.add(set: set, labels: labels, pixels: 5, level: 0) }
    var once = SetEvaluation(levels: 1, classes: 3)
    try once.add(set: set, labels: labels, pixels: 5, level: 0)
    var merged = once
    merged.merge(once)
    #expect(merged == twice)
    let each = once
    for result in onRanks(
      2,
      { _, sum in
        var mine = each
        try mine.reduce(sum)
        return mine
      })
    {
      #expect(try result.get() == twice)
    }
  }

  @Test("a label that is no class is named")
  func labelOutside() {
    var evaluation = SetEvaluation(levels: 1, classes: 2)
    #expect(throws: UncertaintyError.labelOutside(label: 2, pixel: 2, classes: 2)) {
      try evaluation.add(set: set, labels: labels, pixels: 5, level: 0)
    }
  }
}
