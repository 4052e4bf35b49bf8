import Host
import TestSupport
import Testing

@testable import Training

/// What holds for losses whatever the reference says.
@Suite struct LossTests {
  /// Labels with every third pixel ignored, weights of which some are 0, values beside them.
  private func trial(_ loss: any Loss, kind: TargetKind, channels: Int, extents: [Int] = [2, 2, 4]) -> LossTrial {
    var random = TestRandom(5)
    let samples = 3
    let pixels = samples * extents.reduce(1, *)
    var trial = LossTrial(
      loss: loss, kind: kind, extents: extents, channels: channels, output: random.uniforms(channels * pixels))
    if kind.hasLabels {
      trial.labels = (0..<pixels).map { $0 % 3 == 0 ? Label.ignored : UInt8(random.integer(0...max(channels - 1, 1))) }
    }
    trial.values = random.uniforms(kind.channels * pixels).map { 0.5 + 0.5 * $0 }
    if kind.hasWeights { trial.weights = (0..<pixels).map { $0 % 4 == 1 ? 0 : 1 + random.uniform() } }
    return trial
  }

  private static let ofSeveral: [any Loss] = [
    CrossEntropy(), CrossEntropy(weights: [1, 0.25, 3], smoothing: 0.1), BinaryCrossEntropy(positiveWeight: 2),
    DiceLoss(), DiceLoss(smooth: 0, weights: [1, 0, 2]), DiceBCELoss(alpha: 0.3), FocalLoss(),
    FocalLoss(gamma: 0.5, weights: [0.5, 1, 2]), FocalOfMeanLoss(), TverskyLoss(), FocalTverskyLoss(),
    WeightedSum([
      (CrossEntropy(), 0.5), (DiceBCELoss(), 2), (TotalVariation(of: .probabilities, weights: [1, 2, 0]), 0.1),
    ]),
  ]
  private static let binary: [any Loss] = [
    BinaryCrossEntropy(positiveWeight: 3), DiceLoss(), DiceBCELoss(), FocalLoss(gamma: 1.5, weights: [0.25, 0.75]),
    FocalOfMeanLoss(gamma: 2), TverskyLoss(), FocalTverskyLoss(),
    WeightedSum([(TotalVariation(of: .probabilities), 0.3), (BinaryCrossEntropy(), 1)]),
  ]
  private static let ofValues: [any Loss] = [
    L1Loss(), MeanSquaredError(), HuberLoss(delta: 0.3), SmoothL1Loss(beta: 0.4),
    WeightedSum([(MeanSquaredError(), 1), (TotalVariation(), 0.05), (L1Loss(), 0.5)]), TotalVariation(),
  ]
  private static let ofProbabilities: [any Loss] = [
    CrossEntropy(weights: [1, 0.25, 3], smoothing: 0.1, input: .probabilities),
    BinaryCrossEntropy(positiveWeight: 2, input: .probabilities), DiceLoss(input: .probabilities),
    FocalLoss(weights: [0.5, 1, 2], input: .probabilities), TverskyLoss(gamma: 2, input: .probabilities),
    DiceBCELoss(alpha: 0.3, input: .probabilities), FocalOfMeanLoss(gamma: 2, input: .probabilities),
  ]

  private func expectDerivative(_ trial: LossTrial) throws {
    expectClose(try trial.run().gradient, try trial.differences(), relative: 3e-3, "\(trial.loss)")
  }

  @Test(arguments: [TargetKind.labels, .labels.weighted], [[9], [3, 4], [2, 2, 4]])
  func `derivatives with respect to logits of classes are the value's differences`(
    kind: TargetKind, extents: [Int]
  ) throws {
    for loss in Self.ofSeveral {
      var trial = trial(loss, kind: kind, channels: 3, extents: extents)
      if extents.count == 1 {
        // Along one axis no two neighbours' probabilities are nearly alike, where total variation has a corner.
        trial.output = trial.output.enumerated().map { index, value in
          0.3 * Float(index / extents[0] % 3 - 1) * Float(index % extents[0] + 1) + 0.02 * value
        }
      }
      try expectDerivative(trial)
    }
    for loss in Self.binary { try expectDerivative(trial(loss, kind: kind, channels: 1, extents: extents)) }
  }

  @Test(arguments: [[9], [3, 4], [2, 2, 4]])
  func `derivatives with respect to probabilities are the value's differences`(extents: [Int]) throws {
    for loss in Self.ofProbabilities {
      var trial = trial(loss, kind: .labels, channels: 3, extents: extents)
      trial.output = trial.output.map { 0.5 + 0.3 * $0 }
      try expectDerivative(trial)
    }
    var single = trial(FocalLoss(weights: [0.3, 0.7], input: .probabilities), kind: .labels, channels: 1)
    single.output = single.output.map { 0.5 + 0.3 * $0 }
    try expectDerivative(single)
  }

  @Test(arguments: [TargetKind.values(channels: 2), .values(channels: 2).weighted], [[9], [3, 4], [2, 2, 4]])
  func `derivatives with respect to predicted values are the value's differences`(
    kind: TargetKind, extents: [Int]
  ) throws {
    for loss in Self.ofValues + Self.binary {
      var trial = trial(loss, kind: kind, channels: 2, extents: extents)
      // Away from the corners, which steps must not cross: differences of distinct multiples of a few steps.
      if kind.channels == 2 { trial = trial.onGrid(of: 1.0 / 32) }
      try expectDerivative(trial)
    }
    var quantiles = trial(
      QuantileLoss(quantiles: [0.1, 0.5, 0.8], weights: [1, 2, 0.5]), kind: kind, channels: 6, extents: extents)
    quantiles = quantiles.onGrid(of: 1.0 / 32)
    try expectDerivative(quantiles)
  }

  @Test(arguments: [[7], [4, 5], [2, 3, 4]])
  func `total variation sums the differences of neighbours along every axis`(extents: [Int]) throws {
    let trial = trial(TotalVariation(weights: [1, 3]), kind: .values(channels: 2), channels: 2, extents: extents)
    let pixels = extents.reduce(1, *)
    var expected = 0.0
    for plane in 0..<6 {
      for pixel in 0..<pixels {
        var stride = 1
        for axis in extents.indices.reversed() {
          if pixel / stride % extents[axis] + 1 < extents[axis] {
            let here = trial.output[plane * pixels + pixel]
            let next = trial.output[plane * pixels + pixel + stride]
            expected += Double(abs(next - here)) * (plane % 2 == 0 ? 1 : 3)
          }
          stride *= extents[axis]
        }
      }
    }
    #expect(abs(try trial.run().value - expected / Double(3 * pixels)) < 1e-5)
  }

  @Test func `what stands under ignored labels and weights of 0 changes nothing, not even when it is no number`() throws
  {
    let cases =
      Self.ofSeveral.dropLast().map { trial($0, kind: .labels.weighted, channels: 3) }
      + Self.binary.dropLast().map { trial($0, kind: .labels.weighted, channels: 1) }
      + Self.ofValues.dropLast(2).map { trial($0, kind: .values(channels: 2).weighted, channels: 2) }
      + [trial(QuantileLoss(), kind: .values(channels: 2).weighted, channels: 6)]
    for trial in cases {
      let (value, gradient) = try trial.run()
      #expect(value > 0 && gradient.allSatisfy(\.isFinite))
      var changed = trial
      let pixels = trial.weights.count / trial.samples
      var hidden = 0
      for index in trial.output.indices {
        let pixel = index / pixels / trial.channels * pixels + index % pixels
        let isHidden = trial.weights[pixel] == 0 || !trial.labels.isEmpty && trial.labels[pixel] == Label.ignored
        guard isHidden else { continue }
        changed.output[index] = index % 2 == 0 ? .nan : 1e30
        #expect(gradient[index] == 0)
        hidden += 1
      }
      for index in trial.values.indices {
        let pixel = index / pixels / trial.kind.channels * pixels + index % pixels
        if trial.weights[pixel] == 0 { changed.values[index] = .nan }
      }
      #expect(hidden > 0)
      let again = try changed.run()
      #expect(again.value == value && again.gradient == gradient, "\(trial.loss)")
    }
  }

  @Test func `a batch in which nothing counts has loss 0 and no derivative`() throws {
    for loss in Self.ofSeveral.dropLast() {
      var trial = trial(loss, kind: .labels, channels: 3)
      trial.labels = trial.labels.map { _ in Label.ignored }
      let (value, gradient) = try trial.run()
      #expect(value == 0 && gradient.allSatisfy { $0 == 0 }, "\(loss)")
    }
  }

  @Test func `perfect predictions have no loss and a finite derivative`() throws {
    for loss in Self.ofProbabilities where (loss as? CrossEntropy) == nil {
      var trial = trial(loss, kind: .labels, channels: 3)
      let pixels = trial.labels.count / trial.samples
      for index in trial.output.indices {
        let label = trial.labels[index / pixels / 3 * pixels + index % pixels]
        trial.output[index] = Int(label) == index / pixels % 3 ? 1 : 0
      }
      let (value, gradient) = try trial.run()
      #expect(abs(value) < 1e-6 && gradient.allSatisfy(\.isFinite), "\(loss)")
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
    #expect(error(MeanSquaredError(), .labels, 1) == .needsValues(loss: "mse"))
    #expect(error(L1Loss(), .values(channels: 1), 2) == .channels(loss: "l1", output: 2, target: 1))
    #expect(error(QuantileLoss(), .values(channels: 2), 6) == nil)
    #expect(error(QuantileLoss(), .values(channels: 2), 2) == .channels(loss: "quantile", output: 2, target: 2))
    #expect(
      error(FocalTverskyLoss(), .values(channels: 1), 2) == .channels(loss: "focal-tversky", output: 2, target: 1))
    #expect(error(FocalLoss(weights: [1]), .labels, 1) == .weights(loss: "focal", weights: 1, classes: 2))
    #expect(error(TotalVariation(), .labels, 1) == nil)
  }
}
