import Foundation
import TestSupport
import Testing

@testable import Uncertainty

@Suite struct MemberWeightsTests {
  /// What members say of pixels, some of them more often right.
  private static func answers(
    _ members: Int, classes: Int, pixels: Int, noise: [Float], seed: UInt64
  ) -> CalibrationSample {
    var random = TestRandom(seed)
    var sample = CalibrationSample(width: members * classes)
    for pixel in 0..<pixels {
      let label = random.integer(0...classes - 1)
      let values = (0..<members).flatMap { member -> [Float] in
        let own = (0..<classes).map { Float(exp(($0 == label ? 1 : 0) + Double(noise[member] * random.uniform()))) }
        return own.map { $0 / own.reduce(0, +) }
      }
      sample.add(region: 0, place: pixel, truth: Float(label), values: values)
    }
    return sample
  }

  private static func loss(
    _ sample: CalibrationSample, classes: Int, _ weights: [Double], _ average: MemberCombination.Average
  ) -> Double {
    let members = weights.count
    return sample.truths.indices.reduce(0) { sum, pixel in
      let mean = (0..<classes).map { c in
        (0..<members).reduce(0.0) {
          let p = Double(sample.values[pixel * sample.width + $1 * classes + c])
          return $0 + weights[$1] * (average == .logits ? log(p) : p)
        }
      }
      let label = Int(sample.truths[pixel])
      guard average == .logits else { return sum - log(mean[label]) }
      return sum - mean[label] + log(mean.reduce(0) { $0 + exp($1) })
    } / Double(sample.count)
  }

  @Test func `validation gives weights inverse to each member's loss`() throws {
    let sample = Self.answers(3, classes: 3, pixels: 500, noise: [0.5, 2, 4], seed: 1)
    let found = try #require(MemberWeights.validation.weights(of: sample, members: 3, classes: 3).first)
    let losses = (0..<3).map { member in
      Self.loss(sample, classes: 3, (0..<3).map { $0 == member ? 1 : 0 }, .probabilities)
    }
    for member in 0..<3 {
      #expect(abs(found[member] - 1 / losses[member] / losses.reduce(0) { $0 + 1 / $1 }) < 1e-9)
    }
    #expect(found[0] > found[1] && found[1] > found[2])
    #expect(MemberWeights.equal.weights(of: sample, members: 3, classes: 3) == [])
  }

  @Test(arguments: MemberCombination.Average.allCases)
  func `greedy adds the best member again and again, and keeps the best of all means`(
    average: MemberCombination.Average
  ) throws {
    let sample = Self.answers(4, classes: 3, pixels: 300, noise: [1, 1.5, 2, 40], seed: 2)
    let found = try #require(
      MemberWeights.greedy.weights(of: sample, members: 4, classes: 3, average: average).first)
    // The same by hand.
    var (counts, best) = ([Double](repeating: 0, count: 4), (loss: Double.infinity, weights: [Double]()))
    for step in 1...MemberWeights.steps {
      let tries = (0..<4).map { member -> Double in
        var own = counts
        own[member] += 1
        return Self.loss(sample, classes: 3, own.map { $0 / Double(step) }, average)
      }
      let member = tries.indices.min { tries[$0] < tries[$1] } ?? 0
      counts[member] += 1
      if tries[member] < best.loss - 1e-13 { best = (tries[member], counts.map { $0 / Double(step) }) }
    }
    expectClose(found.map { Float($0) }, best.weights.map { Float($0) }, relative: 1e-6)
    #expect(found[3] == 0 && abs(found.reduce(0, +) - 1) < 1e-12)
  }

  @Test func `stacking finds a mixture that the truth is made of`() throws {
    var random = TestRandom(3)
    var sample = CalibrationSample(width: 3)
    for pixel in 0..<400 {
      let values = random.uniforms(3)
      // Two channels, each with weights of its own.
      let channel = pixel % 2
      let truth = channel == 0 ? 0.3 * values[0] + 0.7 * values[2] : values[1]
      sample.add(region: channel, place: pixel, truth: truth, values: values)
    }
    let found = MemberWeights.stacking.weights(of: sample, members: 3, classes: nil, channels: 2)
    for (row, expected) in zip(found, [[0.3, 0, 0.7], [0, 1, 0]]) {
      for (weight, wanted) in zip(row, expected) { #expect(abs(weight - wanted) < 1e-6, "\(row)") }
    }
    // Of values greedy lowers the squared error.
    let greedy = MemberWeights.greedy.weights(of: sample, members: 3, classes: nil, channels: 2)
    #expect(greedy.count == 1 && abs(greedy[0].reduce(0, +) - 1) < 1e-12)
  }

  @Test func `stacking by class: the slopes of members that count are equal, those of others no smaller`() {
    let (members, classes) = (5, 3)
    let sample = Self.answers(members, classes: classes, pixels: 400, noise: [1, 1, 2, 3, 8], seed: 4)
    let found = MemberWeights.stacking.weights(of: sample, members: members, classes: classes)
    #expect(found.count == classes)
    for (label, weights) in found.enumerated() {
      #expect(abs(weights.reduce(0, +) - 1) < 1e-12 && weights.allSatisfy { $0 >= 0 })
      var slopes = [Double](repeating: 0, count: members)
      for pixel in sample.truths.indices {
        let own = (0..<members).map { Double(sample.values[pixel * sample.width + $0 * classes + label]) }
        let mean = zip(weights, own).reduce(0) { $0 + $1.0 * $1.1 }
        let error = mean - (Int(sample.truths[pixel]) == label ? 1 : 0)
        for member in 0..<members { slopes[member] += error * own[member] / Double(sample.count) }
      }
      let common = zip(weights, slopes).reduce(0) { $0 + $1.0 * $1.1 }
      for member in 0..<members {
        #expect(weights[member] > 0 ? abs(slopes[member] - common) < 1e-7 : slopes[member] > common - 1e-7)
      }
    }
    // A class that is nowhere says nothing of members.
    var none = CalibrationSample(width: 4)
    none.add(region: 0, place: 0, truth: 0, values: [0.9, 0.1, 0.6, 0.4])
    #expect(MemberWeights.stacking.weights(of: none, members: 2, classes: 2) == [[1, 0], [0.5, 0.5]])
  }

  @Test func `members that say the same share a weight`() {
    let gram = [[1.0, 1, 0.2], [1, 1, 0.2], [0.2, 0.2, 1]]
    let found = SimplexLeastSquares.solution(gram, [0.8, 0.8, 0.4])
    #expect(abs(found[0] + found[1] + found[2] - 1) < 1e-12)
    #expect(abs(found[0] + found[1] - 0.75) < 1e-6, "\(found)")
  }
}

@Suite struct SetRegularizationTests {
  @Test func `k is the rank that enough true classes do not exceed, λ has the smallest sets`() throws {
    // Ten pixels of five classes whose true class has the ranks 1 (7 times), 2 (2 times) and 4.
    let p: [Float] = [0.4, 0.25, 0.2, 0.1, 0.05]
    let labels = [0, 0, 0, 0, 0, 0, 0, 1, 1, 3]
    let probabilities = labels.flatMap { _ in p }
    func tuned(_ coverage: Double, penalty: Float? = nil) throws -> SetRegularization {
      try .tuned(.raps, probabilities, labels: labels, classes: 5, coverage: Coverage(coverage), penalty: penalty)
    }
    // ⌈11 · 0.6⌉ = 7, ⌈11 · 0.8⌉ = 9, ⌈11 · 0.9⌉ = 10; beyond the last it is the largest.
    #expect(try [0.6, 0.8, 0.9, 0.99].map { try tuned($0).free } == [1, 2, 4, 4])
    #expect(try tuned(0.6, penalty: 0.3) == SetRegularization(penalty: 0.3, free: 1))
    // By hand: of each λ the sizes of the sets that it gives.
    for coverage in [0.6, 0.8] {
      let found = try tuned(coverage)
      var sizes: [Int] = []
      for penalty in SetRegularization.penalties {
        let score = ConformalMethod.raps.regularized(by: .init(penalty: penalty, free: found.free)).requiredClassScore
        let scores = labels.map { score.score($0, p, stride: 1, classes: 5) }.sorted()
        let threshold = scores[Int(try Coverage(coverage).rank(of: 10)) - 1]
        sizes.append((0..<5).count { score.score($0, p, stride: 1, classes: 5) <= threshold })
      }
      let best = sizes.firstIndex(of: sizes.min() ?? 0) ?? 0
      #expect(found.penalty == SetRegularization.penalties[best])
    }
  }

  @Test func `another λ and k make another method of the same name`() {
    let own = ConformalMethod.raps.regularized(by: .init(penalty: 0.5, free: 2))
    #expect(own.name == "raps" && own != .raps && own.regularization?.free == 2)
    let p: [Float] = [0.4, 0.3, 0.2, 0.1]
    let scores = (0..<4).map { own.requiredClassScore.score($0, p, stride: 1, classes: 4) }
    expectClose(scores, [0.4, 0.7, 1.4, 2], relative: 1e-6)
    #expect(ConformalMethod.allCases.filter(\.isRegularized).map(\.name) == ["raps", "raps-randomized"])
  }

  @Test func `a part of the units tunes, at least one and always the same; of pixels about the share`() {
    for (share, count, expected) in [(0.2, 20, 4), (0.2, 2, 1), (0.5, 7, 4)] {
      let part = TuningPart(share: share, ofUnits: count)
      #expect(part.count == expected)
      #expect((0..<count).count { part.holds(unit: $0, region: 0, place: 0) } == expected)
    }
    let part = TuningPart(share: 0.3, ofUnits: nil)
    let held = (0..<10_000).count { part.holds(unit: 0, region: $0 % 4, place: $0) }
    #expect(abs(held - 3000) < 200 && part.count == nil)
  }
}
