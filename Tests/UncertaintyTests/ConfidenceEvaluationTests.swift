import TestSupport
import Testing

@testable import Uncertainty

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct ConfidenceEvaluationTests {
  /// Probabilities of three classes, `[class, pixel]`, of which the true one is drawn by them, and spreads.
  private func drawn(_ pixels: Int, seed: UInt64) -> (probabilities: [Float], spreads: [Float], labels: [UInt8]) {
    var random = TestRandom(seed)
    var probabilities = [Float](repeating: 0, count: 3 * pixels)
    var labels: [UInt8] = []
    for i in 0..<pixels {
      let raw = (0..<3).map { _ in (random.uniform() + 1.001) * (random.uniform() + 1.001) }
      let sum = raw.reduce(0, +)
      for c in 0..<3 { probabilities[c * pixels + i] = raw[c] / sum }
      let draw = (random.uniform() + 1) / 2
      labels.append(draw < raw[0] / sum ? 0 : draw < (raw[0] + raw[1]) / sum ? 1 : 2)
    }
    // Values that fall on no border of a class of spread.
    let spreads = (0..<3 * pixels).map { _ in (Float(random.integer(0...40)) + 0.5) / 4096 }
    return (probabilities, spreads, labels)
  }

  private func evaluation(
    _ data: (probabilities: [Float], spreads: [Float], labels: [UInt8]), _ pixels: [Int]
  ) -> ConfidenceEvaluation {
    let all = data.labels.count
    let cut = { (values: [Float]) in (0..<3).flatMap { c in pixels.map { values[c * all + $0] } } }
    var result = ConfidenceEvaluation()
    cut(data.probabilities).withUnsafeBufferPointer { probabilities in
      cut(data.spreads).withUnsafeBufferPointer { spreads in
        result.add(probabilities, spreads: spreads, labels: pixels.map { data.labels[$0] }, classes: 3)
      }
    }
    return result
  }

  @Test func `scores are those of a sum over all pixels`() {
    let pixels = 600
    let data = drawn(pixels, seed: 3)
    let found = evaluation(data, Array(0..<pixels))
    var (brier, likelihood, errors) = (0.0, 0.0, 0.0)
    var (wrong, right): ([Float], [Float]) = ([], [])
    var bins = [(count: Double, right: Double, confidence: Double)](repeating: (0, 0, 0), count: 16)
    for i in 0..<pixels {
      let own = (0..<3).map { Double(data.probabilities[$0 * pixels + i]) }
      let label = Int(data.labels[i])
      brier += own.enumerated().reduce(0) {
        $0 + ($1.element - ($1.offset == label ? 1 : 0)) * ($1.element - ($1.offset == label ? 1 : 0))
      }
      likelihood -= log(own[label])
      let best = own.indices.max { own[$0] < own[$1] } ?? 0
      let bin = min(15, Int(own[best] * 16))
      bins[bin] = (bins[bin].count + 1, bins[bin].right + (best == label ? 1 : 0), bins[bin].confidence + own[best])
      if best == label {
        right.append(data.spreads[best * pixels + i])
      } else {
        wrong.append(data.spreads[best * pixels + i])
      }
      errors += best == label ? 0 : 1
    }
    let n = Double(pixels)
    #expect(abs(found.brierScore - brier / n) < 1e-6 && abs(found.negativeLogLikelihood - likelihood / n) < 1e-6)
    let expected = bins.reduce(0) { $0 + abs($1.right - $1.confidence) } / n
    #expect(abs(found.calibrationError - expected) < 1e-6)
    #expect(found.all.pixels == 600 && abs(found.all.accuracy - (1 - errors / n)) < 1e-12)
    let pairs = wrong.reduce(0.0) { sum, one in sum + right.reduce(0) { $0 + (one > $1 ? 1 : one == $1 ? 0.5 : 0) } }
    #expect(abs(found.errorDetection - pairs / Double(wrong.count * right.count)) < 1e-12)
    #expect(found.errorDetectionByConfidence > 0.55 && found.errorRejection.last?.kept == 1)
    // Truths drawn by the probabilities: both calibration errors are small.
    #expect(found.calibrationError < 0.1 && found.adaptiveCalibrationError < 0.1)
  }

  @Test func `the area under risk and coverage is that of pixels rejected one by one`() {
    // Confidences that are all different: 4 right and 2 wrong ones, the wrong ones third and last.
    let confidences: [Float] = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6]
    let labels: [UInt8] = [0, 0, 1, 0, 0, 1]
    var found = ConfidenceEvaluation()
    (confidences + confidences.map { 1 - $0 }).withUnsafeBufferPointer { probabilities in
      found.add(probabilities, spreads: UnsafeBufferPointer(start: nil, count: 0), labels: labels, classes: 2)
    }
    #expect(found.errorRejection.map(\.risk) == [0, 0, 1.0 / 3, 0.25, 0.2, 1.0 / 3])
    #expect(abs(found.errorDetectionByConfidence - 6.0 / 8) < 1e-12 && found.errorDetection.isNaN && !found.hasSpread)
    // Within each step the risk is (wrong + slope · t) / (kept + t); by hand over the third: 1 − 2 ln(3 / 2), and so on.
    var area = 0.0
    for (kept, wrong, own) in [(2.0, 0.0, 1.0), (3, 1, 0), (4, 1, 0), (5, 1, 1)] {
      area += own + (wrong - own * kept) * log((kept + 1) / kept)
    }
    #expect(abs(found.riskArea - area / 6) < 1e-12)
  }

  @Test func `any number of ranks counts the same bits, and pixels of no class do not count`() throws {
    var data = drawn(300, seed: 5)
    data.labels[7] = 255
    let whole = evaluation(data, Array(0..<300))
    #expect(whole.all.pixels == 299 && ConfidenceEvaluation().calibrationError.isNaN)
    let known = data
    for ranks in 2...4 {
      let results = onRanks(ranks) { rank, sum in
        var own = ConfidenceEvaluation()
        let pixels = (0..<300).filter { $0 % ranks == rank }
        let cut = { (values: [Float]) in (0..<3).flatMap { c in pixels.map { values[c * 300 + $0] } } }
        cut(known.probabilities).withUnsafeBufferPointer { probabilities in
          cut(known.spreads).withUnsafeBufferPointer { spreads in
            own.add(probabilities, spreads: spreads, labels: pixels.map { known.labels[$0] }, classes: 3)
          }
        }
        try own.reduce(sum)
        return own
      }
      for result in results { #expect(try result.get() == whole) }
    }
  }
}
