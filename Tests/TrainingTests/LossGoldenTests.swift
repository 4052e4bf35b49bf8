import TestSupport
import Testing

@testable import Training

/// Losses against PyTorch and DLSIA.
@Suite struct LossGoldenTests {
  @Test func `every loss gives the reference's value and gradient`() throws {
    var skipped: [String] = []
    var checked = 0
    for group in try Golden("losses.h5").groups {
      guard let trial = try trial(group) else {
        skipped.append(group.name)
        continue
      }
      for samplesPerShard in [1, 2] {
        let (value, gradient) = try trial.run(samplesPerShard: samplesPerShard)
        expectOutputClose([Float(value)], try group.array("value").values, "\(group.name): value")
        expectGradientClose(gradient, try group.array("gx").values, largest: 0, "\(group.name): gx")
      }
      checked += 1
    }
    #expect(checked >= 4)
    reportSkipped("losses", skipped)
  }

  /// A group as our loss, its output and its target.
  private func trial(_ group: GoldenGroup) throws -> LossTrial? {
    let x = try group.array("x")
    var trial = LossTrial(
      loss: CrossEntropy(), kind: .labels, extents: Array(x.shape[2...]), channels: x.shape[1], output: x.values)
    switch group.name {
    case let name where name.hasPrefix("cross_entropy"):
      let ignore = try group.integer("ignore_index", default: -100)
      trial.labels = try group.integers("target").values.map { $0 == ignore ? Target.ignored : UInt8($0) }
      trial.loss = CrossEntropy(
        weights: try group.settingNames.contains("weight") ? try group.settings("weight") : nil,
        smoothing: try group.number("label_smoothing", default: 0))
    default: return nil
    }
    return trial
  }
}
