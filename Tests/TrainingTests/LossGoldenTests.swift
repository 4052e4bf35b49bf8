import Host
import TestSupport
import Testing

@testable import Training

/// Losses against PyTorch and DLSIA.
@Suite struct LossGoldenTests {
  @Test func `every loss gives the reference's value and gradient`() throws {
    var checked = 0
    for group in try Golden("losses.h5").groups {
      guard let trial = try trial(group) else {
        Issue.record("losses.h5 holds a group that no loss is for: \(group.name)")
        continue
      }
      for samplesPerShard in [1, 2] {
        let (value, gradient) = try trial.run(samplesPerShard: samplesPerShard)
        expectOutputClose([Float(value)], try group.array("value").values, "\(group.name): value")
        expectGradientClose(gradient, try group.array("gx").values, largest: 0, "\(group.name): gx")
      }
      checked += 1
    }
    #expect(checked >= 17)
  }

  /// A group as our loss, its output and its target.
  private func trial(_ group: GoldenGroup) throws -> LossTrial? {
    let x = try group.array("x")
    var trial = LossTrial(
      loss: CrossEntropy(), kind: .labels, extents: Array(x.shape[2...]), channels: x.shape[1], output: x.values)
    if group.name.hasPrefix("cross_entropy") {
      let ignore = try group.integer("ignore_index", default: -100)
      trial.labels = try group.integers("target").values.map { $0 == ignore ? Label.ignored : UInt8($0) }
      trial.loss = CrossEntropy(
        weights: try group.settingNames.contains("weight") ? try group.settings("weight") : nil,
        smoothing: try group.number("label_smoothing", default: 0))
      return trial
    }
    guard let loss = try loss(group) else { return nil }
    trial.loss = loss
    trial.kind = .values(channels: x.shape[1])
    trial.values = try group.array("target").values
    if try group.has("mask") {
      // Ours has one weight for all channels of a pixel: each channel is a sample by itself.
      trial.kind = .values(channels: 1).weighted
      trial.channels = 1
      trial.weights = try group.array("mask").values
    }
    return trial
  }

  private func loss(_ group: GoldenGroup) throws -> (any Loss)? {
    switch group.name {
    case "bce_with_logits", "bce_with_logits_weighted":
      BinaryCrossEntropy(positiveWeight: try group.number("pos_weight", default: 1))
    case "l1", "l1_masked": L1Loss()
    case "mse", "mse_masked": MeanSquaredError()
    case "huber": HuberLoss(delta: try group.number("delta"))
    case "smooth_l1": SmoothL1Loss(beta: try group.number("beta"))
    case "dlsia_DiceLoss": DiceLoss()
    case "dlsia_DiceBCELoss": DiceBCELoss()
    case "dlsia_FocalLoss": FocalOfMeanLoss()
    case "dlsia_TverskyLoss": TverskyLoss()
    case "dlsia_FocalTverskyLoss": FocalTverskyLoss()
    default: nil
    }
  }

  @Test func `losses of one channel's labels are those of the same values, and of their sigmoid as probabilities`()
    throws
  {
    for group in try Golden("losses.h5").groups {
      guard let loss = try loss(group), var trial = try trial(group), trial.channels == 1, !(loss is any RegressionLoss)
      else {
        continue
      }
      let (value, gradient) = try trial.run()
      trial.kind = .labels
      trial.labels = trial.values.map { UInt8($0) }
      let ofLabels = try trial.run()
      #expect(ofLabels.value == value && ofLabels.gradient == gradient, "\(group.name)")
      let probabilities = trial.output.map { sigmoid($0) }
      trial.output = probabilities
      trial.loss = try ofProbabilities(loss)
      let inner = try trial.run()
      #expect(abs(inner.value - value) < 1e-5, "\(group.name)")
      let chained = zip(inner.gradient, probabilities).map { $0 * $1 * (1 - $1) }
      expectGradientClose(chained, gradient, largest: 0, "\(group.name): by way of probabilities")
    }
  }

  private func ofProbabilities(_ loss: any Loss) throws -> any Loss {
    switch loss {
    case var loss as BinaryCrossEntropy:
      loss.input = .probabilities
      return loss
    case var loss as DiceLoss:
      loss.input = .probabilities
      return loss
    case var loss as DiceBCELoss:
      loss.input = .probabilities
      return loss
    case var loss as FocalOfMeanLoss:
      loss.input = .probabilities
      return loss
    case var loss as FocalTverskyLoss:
      loss.tversky.input = .probabilities
      return loss
    default:
      var loss = try #require(loss as? TverskyLoss)
      loss.input = .probabilities
      return loss
    }
  }
}
