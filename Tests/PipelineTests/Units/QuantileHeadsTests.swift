import Ensembles
import HDF5
import Host
import ImageFiles
import Imaging
import Networks
import TestSupport
import Testing
import Training
import Uncertainty

@testable import JobFiles
@testable import Pipeline

/// Networks that end in heads for quantiles, trained, predicted with and calibrated in this process.
@Suite struct QuantileHeadsTests {
  private static let side = 12

  /// Slopes whose target has ten times as much noise where they are positive: 16 images train, 8 calibrate and 8 test.
  private static func data(_ folder: String) throws -> LearningData {
    let path = folder + "/slopes.h5"
    var random = TestRandom(12)
    var (images, targets): ([Float], [Float]) = ([], [])
    for _ in 0..<32 {
      let slope = random.uniform()
      for pixel in 0..<side * side {
        let value = slope * (Float(pixel / side) - 5.5) / 3
        images.append(value)
        targets.append(2 * value + (value > 0 ? 1 : 0.1) * random.uniform())
      }
    }
    let file = try File(creating: path)
    try file.write(images, shape: [32, side, side], to: "images")
    try file.write(targets, shape: [32, side, side], to: "targets")
    try file.write((0..<32).map { UInt8(max(0, $0 / 8 - 1)) }, to: "split")
    try file.close()
    func at(_ name: String) -> ArrayLocation { ArrayLocation(file: path, dataset: name) }
    return try LearningData(
      images: at("/images"), target: .images(at("/targets"), mask: nil), layout: .stack,
      split: .dataset(at("/split"), train: 0, validate: nil, calibrate: 1, test: 2))
  }

  @Test("quantiles of all members and of their mean never cross, and calibrated they cover as often as asked")
  func heads() throws {
    var (base, heads) = (TUNet(), QuantileHeads())
    (base.depth, base.baseChannels, heads.features) = (2, 4, 4)
    let settings = EnsembleSettings(
      seed: 2, members: 2, task: .regression, bagging: false, family: NetworkFamily(base, quantileHeads: heads),
      inputChannels: 1,
      outputChannels: 3, patch: [Self.side, Self.side], epochs: 40, batch: 4, shards: 2, recipe: .adam(rate: 0.01),
      loss: LossSettings(QuantileLoss(quantiles: [0.1, 0.5, 0.9])),
      augmentation: AugmentationSettings())
    #expect(settings.targetChannels == 1 && settings.answer.channels == 3)
    try TemporaryFolder.with { folder in
      let data = try Self.data(folder)
      let inspection = try data.inspect()
      let targetScaling = try #require(inspection.targetScaling)
      let team = try ThreadTeam(size: 1)
      let trainer = MemberTrainer(
        settings,
        data: try TrainingSet(
          data, scaling: inspection.scaling, targetScaling: targetScaling, patch: settings.patchExtents),
        scaling: inspection.scaling, targetScaling: targetScaling, classes: [], fingerprint: 1, team: team)
      let ensemble = try EnsemblePredictor(try (0..<2).map { try trainer.train($0) }, team: team)
      let pixels = Self.side * Self.side

      /// Predicts the images of a part, with what is known of them.
      func predict(_ part: Part, each: (EnsemblePredictor.Answer, TileTruth, LearningRegion) -> Void)
        throws
      {
        for region in data.split[part] {
          let whole = try data.load(
            region, for: part, scaling: inspection.scaling, targetScaling: .identity(channels: 1))
          var known = TileTruth()
          try known.read(Box(region.extents), of: region, data, for: part)
          try ensemble.predict(
            grid: TileGrid(region: region.extents, tile: region.extents), tiles: 0..<1,
            reading: EnsemblePredictor.reader(of: whole),
            eachMember: { _, _, answer, _ in #expect(isOrdered(answer)) },
            eachTile: { answer in
              #expect(isOrdered(answer.mean))
              each(answer, known, whole)
            })
        }
      }
      func isOrdered(_ quantiles: UnsafeBufferPointer<Float>) -> Bool {
        (0..<pixels).allSatisfy {
          quantiles[$0] <= quantiles[pixels + $0] && quantiles[pixels + $0] <= quantiles[2 * pixels + $0]
        }
      }

      var planes = IntervalPlanes(.cqr, targetScaling: targetScaling, form: AnswerForm(settings, .stack))
      var scores = UnitScores(units: 1)
      try predict(.calibrate) { answer, known, _ in
        planes.take(mean: answer.mean, deviation: answer.deviation)
        planes.addScores(known, of: 0..<pixels, unit: 0, to: &scores)
      }
      let intervals = try ConformalIntervals(
        .cqr, calibrating: try scores.values, levels: [try Coverage(0.8), try Coverage(0.95)], sum: { _ in })
      /// What a value of 0 is scaled to.
      let zero = Float(-inspection.scaling.mean[0] / inspection.scaling.standardDeviation[0])
      var covered = [0, 0]
      /// Where there is little and where there is much noise, at the first level.
      var widths: [Float] = [0, 0]
      try predict(.test) { answer, known, image in
        planes.take(mean: answer.mean, deviation: answer.deviation)
        for level in 0..<2 {
          var (lower, upper): ([Float], [Float]) = ([], [])
          planes.writeIntervals(intervals, level: level, lower: &lower, upper: &upper)
          for i in 0..<pixels {
            if lower[i] <= known.values[i], known.values[i] <= upper[i] { covered[level] += 1 }
            if level == 0 { widths[image.images.buffer[i] > zero ? 1 : 0] += upper[i] - lower[i] }
          }
        }
      }
      let shares = covered.map { Double($0) / Double(8 * pixels) }
      #expect(abs(shares[0] - 0.8) < 0.06 && abs(shares[1] - 0.95) < 0.04, "\(shares)")
      // They have learnt where the noise is.
      #expect(widths[1] > 1.5 * widths[0], "\(widths)")
    }
  }
}
