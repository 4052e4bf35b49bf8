import Foundation
import TestSupport
import Testing

@testable import Uncertainty

@Suite struct MemberCombinationTests {
  /// Probabilities of members, `[member][class, pixel]`.
  private static func members(_ count: Int, classes: Int, pixels: Int, seed: UInt64) -> [[Float]] {
    var random = TestRandom(seed)
    return (0..<count).map { _ in
      let raw = random.uniforms(classes * pixels).map { $0 + 1.01 }
      return (0..<classes * pixels).map { i in
        raw[i] / (0..<classes).reduce(Float(0)) { $0 + raw[$1 * pixels + i % pixels] }
      }
    }
  }

  private static func combined(
    _ members: [[Float]], _ combination: MemberCombination, classes: Int, hasClasses: Bool = true
  ) -> (mean: [Float], deviation: [Float]) {
    let count = members[0].count
    let combiner = MemberCombiner(
      combination, members: members.count, channels: classes, hasClasses: hasClasses, count: count)
    var deviation = [Float](repeating: 0, count: count)
    for _ in 0..<2 {
      combiner.reset()
      for (index, member) in members.enumerated() { combiner.add(member, of: index, voxels: count / classes) }
      combiner.finish(voxels: count / classes, deviation: &deviation)
    }
    return (Array(combiner.mean.buffer), deviation)
  }

  @Test func `all members alike have the bits of running statistics`() {
    let members = Self.members(5, classes: 3, pixels: 40, seed: 1)
    let found = Self.combined(members, MemberCombination(), classes: 3)
    let statistics = RunningStatistics(count: 120)
    for member in members { statistics.add(member) }
    #expect(found.mean == Array(statistics.mean.buffer) && found.deviation == statistics.standardDeviation)
  }

  @Test func `weighted mean and spread are those of the formula, and of equal weights the sample's`() {
    let members = Self.members(4, classes: 3, pixels: 25, seed: 2)
    for weights in [[0.5, 0.25, 0.125, 0.125], [0.25, 0.25, 0.25, 0.25], [0, 1, 0, 0], [0.3, 0, 0.7, 0]] {
      var combination = MemberCombination()
      combination.weights = [weights]
      let found = Self.combined(members, combination, classes: 3, hasClasses: false)
      for i in members[0].indices {
        let values = members.map { Double($0[i]) }
        let mean = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 }
        let squares = zip(weights, values).reduce(0) { $0 + $1.0 * ($1.1 - mean) * ($1.1 - mean) }
        let divisor = 1 - weights.reduce(0) { $0 + $1 * $1 }
        #expect(abs(Double(found.mean[i]) - mean) < 1e-6)
        #expect(abs(Double(found.deviation[i]) - (divisor > 0 ? (squares / divisor).squareRoot() : 0)) < 1e-5)
      }
      #expect(combination.used(of: 4) == weights.indices.filter { weights[$0] > 0 })
      // Members that do not count may as well not be there.
      let used = combination.used(of: 4)
      let fewer = Self.combined(
        used.map { members[$0] }, combination.restricted(to: used), classes: 3, hasClasses: false)
      #expect(fewer.mean == found.mean && fewer.deviation == found.deviation)
    }
  }

  @Test func `weights of each class make a mean that adds up to 1`() {
    let members = Self.members(3, classes: 2, pixels: 30, seed: 3)
    var combination = MemberCombination()
    combination.weights = [[0.2, 0.8, 0], [0.5, 0, 0.5]]
    let found = Self.combined(members, combination, classes: 2)
    for i in 0..<30 {
      let raw = (0..<2).map { c in
        members.indices.reduce(0.0) { $0 + combination.weights[c][$1] * Double(members[$1][c * 30 + i]) }
      }
      for c in 0..<2 { #expect(abs(Double(found.mean[c * 30 + i]) - raw[c] / (raw[0] + raw[1])) < 1e-6) }
    }
    #expect(combination.used(of: 3) == [0, 1, 2])
  }

  @Test
  func `averaged logits and temperature are softmaxes of mean logarithms; the spread stays that of probabilities`() {
    let members = Self.members(3, classes: 4, pixels: 20, seed: 4)
    let plain = Self.combined(members, MemberCombination(), classes: 4)
    for (average, weights, temperature) in [
      (MemberCombination.Average.logits, nil, 1.0), (.logits, [0.6, 0.1, 0.3], 1.7), (.probabilities, nil, 0.6),
      (.probabilities, [0.6, 0.1, 0.3], 2.5),
    ] {
      var combination = MemberCombination()
      (combination.average, combination.temperature) = (average, temperature)
      if let weights { combination.weights = [weights] }
      let found = Self.combined(members, combination, classes: 4)
      let own = weights ?? [1.0 / 3, 1.0 / 3, 1.0 / 3]
      for i in 0..<20 {
        let logits = (0..<4).map { c -> Double in
          let values = members.map { Double($0[c * 20 + i]) }
          return average == .logits
            ? zip(own, values).reduce(0) { $0 + $1.0 * log($1.1) } / temperature
            : log(zip(own, values).reduce(0) { $0 + $1.0 * $1.1 }) / temperature
        }
        let sum = logits.reduce(0) { $0 + exp($1) }
        for c in 0..<4 { #expect(abs(Double(found.mean[c * 20 + i]) - exp(logits[c]) / sum) < 1e-6) }
      }
      if weights == nil { #expect(found.deviation == plain.deviation) }
    }
  }

  @Test func `a member that says NaN makes the mean NaN, and a probability of 0 does not`() {
    for average in MemberCombination.Average.allCases {
      var combination = MemberCombination()
      (combination.average, combination.temperature) = (average, 2)
      let found = Self.combined([[.nan, 0, 1, 1], [0.5, 0, 0.5, 1]], combination, classes: 2)
      #expect(found.mean[0].isNaN && found.mean[2].isNaN)
      #expect(found.mean[1] > 0 && found.mean[1] < 1e-5 && found.mean[3] > 0.999)
    }
  }
}

@Suite struct TemperatureScalingTests {
  /// Labels drawn by probabilities that are then made sharper.
  private static func drawn(_ pixels: Int, sharper: Double) -> (probabilities: [Float], labels: [Int]) {
    var random = TestRandom(8)
    var (probabilities, labels): ([Float], [Int]) = ([], [])
    for _ in 0..<pixels {
      let logits = (0..<3).map { _ in 2 * Double(random.uniform()) }
      let sum = logits.reduce(0) { $0 + exp($1) }
      let draw = Double(random.uniform() + 1) / 2
      labels.append(draw < exp(logits[0]) / sum ? 0 : draw < (exp(logits[0]) + exp(logits[1])) / sum ? 1 : 2)
      let sharp = logits.map { exp($0 * sharper) }
      probabilities += sharp.map { Float($0 / sharp.reduce(0, +)) }
    }
    return (probabilities, labels)
  }

  private static func loss(_ data: (probabilities: [Float], labels: [Int]), _ temperature: Double) -> Double {
    data.labels.indices.reduce(0) { sum, pixel in
      let own = TemperatureScaling.scaled(
        Array(data.probabilities[3 * pixel..<3 * pixel + 3]), by: temperature)
      return sum - log(Double(own[data.labels[pixel]]))
    } / Double(data.labels.count)
  }

  @Test(arguments: [0.5, 1, 2.5, 6]) func `what made probabilities too sharp is found`(sharper: Double) {
    let data = Self.drawn(6000, sharper: sharper)
    let found = TemperatureScaling.fitted(data.probabilities, labels: data.labels, classes: 3)
    #expect(abs(found / sharper - 1) < 0.1, "\(found)")
    let least = Self.loss(data, found)
    #expect(least <= Self.loss(data, found * 1.01) && least <= Self.loss(data, found / 1.01))
  }

  @Test func `without a minimum the temperature is an end of the range, without pixels 1`() {
    #expect(TemperatureScaling.fitted([0.9, 0.1, 0.2, 0.8], labels: [0, 1], classes: 2) == 0.01)
    #expect(TemperatureScaling.fitted([0.9, 0.1, 0.2, 0.8], labels: [1, 0], classes: 2) == 100)
    #expect(TemperatureScaling.fitted([], labels: [], classes: 2) == 1)
  }
}
