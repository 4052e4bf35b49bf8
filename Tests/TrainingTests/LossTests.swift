import TestSupport
import Testing

@testable import Training

/// What holds for losses whatever the reference says.
@Suite struct LossTests {
  /// Labels with every third pixel ignored, weights of which some are 0, values beside them.
  private func trial(_ loss: any Loss, kind: TargetKind, channels: Int, extents: [Int] = [3, 2, 5]) -> LossTrial {
    var random = TestRandom(5)
    let samples = 3
    let pixels = samples * extents.reduce(1, *)
    var trial = LossTrial(
      loss: loss, kind: kind, extents: extents, channels: channels, output: random.uniforms(channels * pixels))
    if kind.hasLabels {
      trial.labels = (0..<pixels).map { $0 % 3 == 0 ? Target.ignored : UInt8(random.integer(0...max(channels - 1, 1))) }
    }
    trial.values = random.uniforms(kind.channels * pixels).map { 0.5 + 0.5 * $0 }
    if kind.hasWeights { trial.weights = (0..<pixels).map { $0 % 4 == 1 ? 0 : 1 + random.uniform() } }
    return trial
  }

  private static let classLosses: [any Loss] = [
    CrossEntropy(), CrossEntropy(weights: [1, 0.25, 3], smoothing: 0.1),
    WeightedSum([(CrossEntropy(), 0.5), (CrossEntropy(smoothing: 0.3), 2)]),
  ]

  @Test(arguments: [TargetKind.labels, .labels.weighted])
  func `derivatives with respect to logits of classes are the value's differences`(kind: TargetKind) throws {
    for loss in Self.classLosses {
      let trial = trial(loss, kind: kind, channels: 3)
      expectClose(try trial.run().gradient, try trial.differences(), relative: 2e-3, "\(loss)")
    }
  }

  @Test func `a sum's value and derivative are the weighted sums of its terms'`() throws {
    let terms: [(loss: any Loss, weight: Double)] = [(CrossEntropy(), 0.5), (CrossEntropy(weights: [1, 2, 3]), 2)]
    let whole = try trial(WeightedSum(terms), kind: .labels, channels: 3).run()
    let parts = try terms.map { try trial($0.loss, kind: .labels, channels: 3).run() }
    #expect(abs(whole.value - (0.5 * parts[0].value + 2 * parts[1].value)) < 1e-9)
    let gradient = zip(parts[0].gradient, parts[1].gradient).map { 0.5 * $0 + 2 * $1 }
    expectClose(whole.gradient, gradient, relative: 1e-6)
  }

  @Test func `what cannot be compared is refused`() {
    func error(_ loss: any Loss, _ kind: TargetKind, _ channels: Int) -> LossError? {
      do { try loss.check(target: kind, channels: channels) } catch { return error }
      return nil
    }
    #expect(error(CrossEntropy(), .labels, 2) == nil)
    #expect(error(CrossEntropy(), .values(channels: 2), 2) == .needsLabels(loss: "cross-entropy"))
    #expect(error(CrossEntropy(), .labels, 1) == .oneChannel(loss: "cross-entropy"))
    #expect(
      error(WeightedSum([(CrossEntropy(weights: [1, 2]), 1)]), .labels, 3)
        == .weights(loss: "cross-entropy", weights: 2, classes: 3))
  }
}
