import Host
import TestSupport
import Testing

@testable import Training

/// Two images that torchmetrics 1.9 and SciPy's filters were given as well.
private struct Images {
  var truth: [Float] = []
  var prediction: [Float] = []

  init(_ count: Int) {
    for i in 0..<count {
      let t = Double((i * 37 + 11) % 101) / 101
      truth.append(Float(t))
      prediction.append(Float(t * 0.8 + Double((i * 53 + 7) % 89) / 890))
    }
  }
}

@Suite struct RegressionMetricsTests {
  private func metrics(_ predictions: [Float], _ truths: [Float], weights: [Float]? = nil) -> RegressionMetrics {
    var result = RegressionMetrics()
    result.add(predictions: predictions, truths: truths, weights: weights)
    return result
  }

  @Test func `errors, PSNR, correlation and R² are those of torchmetrics`() {
    let images = Images(17 * 23)
    let found = metrics(images.prediction, images.truth)
    #expect(found.pixels == 391)
    expectClose(
      [
        found.meanSquaredError, found.meanAbsoluteError, found.peakSignalToNoiseRatio(range: 1),
        found.peakSignalToNoiseRatio(), found.pearsonCorrelation, found.determination, found.truthRange,
      ],
      [
        0.0067008392713849285, 0.06672947067062339, 21.73870700469495, 21.652279560463672, 0.9922680995899958,
        0.9197830252451311, 0.9900990128517151,
      ], relative: 0, absolute: 1e-6, "metrics")
  }

  @Test func `parts merge to the whole, in whatever pieces, by way of their moments`() {
    // More than a block, far from 0, where plain sums of squares would lose the variance.
    var random = TestRandom(2)
    let truths = random.uniforms(20_000).map { 1000 + $0 }
    let predictions = zip(truths, random.uniforms(20_000)).map { $0 + 0.3 * $1 }
    let whole = metrics(predictions, truths)
    var merged = RegressionMetrics()
    for range in [0..<1, 1..<9000, 9000..<9000, 9000..<20_000] {
      let part = metrics(Array(predictions[range]), Array(truths[range]))
      merged.merge(RegressionMetrics(moments: part.moments))
    }
    #expect(merged.pixels == whole.pixels && merged.truthRange == whole.truthRange)
    for metric in [\RegressionMetrics.pearsonCorrelation, \.determination, \.meanSquaredError, \.meanAbsoluteError] {
      #expect(abs(merged[keyPath: metric] - whole[keyPath: metric]) < 1e-12)
    }
    #expect(abs(whole.pearsonCorrelation - 0.957) < 0.01)
  }

  @Test func `pixels of weight 0 do not count`() {
    let images = Images(60)
    let kept = (0..<60).filter { $0 % 4 != 0 }
    var predictions = images.prediction
    for i in stride(from: 0, to: 60, by: 4) { predictions[i] = .nan }
    let found = metrics(predictions, images.truth, weights: (0..<60).map { $0 % 4 == 0 ? 0 : 2 })
    #expect(found == metrics(kept.map { images.prediction[$0] }, kept.map { images.truth[$0] }))
  }

  @Test func `what is undefined is NaN`() {
    for found in [RegressionMetrics(), metrics([1, 2], [3, 3])] {
      #expect(found.pearsonCorrelation.isNaN && found.determination.isNaN)
    }
    #expect(RegressionMetrics().peakSignalToNoiseRatio(range: 1).isNaN && RegressionMetrics().meanSquaredError.isNaN)
    #expect(metrics([1, 2], [1, 2]).peakSignalToNoiseRatio() == .infinity)
  }
}

@Suite struct StructuralSimilarityTests {
  @Test func `similarity of images and volumes is that of the paper, as scikit-image has it`() {
    for (extents, expected, narrow) in [
      (Extents(z: 1, y: 17, x: 23), 0.964664969014087, 0.9647490859007769),
      (Extents(z: 12, y: 13, x: 14), 0.9634813027370637, 0.9644673096675985),
    ] {
      let images = Images(extents.count)
      let found = StructuralSimilarity(range: 1).total(images.prediction, images.truth, extents: extents)
      #expect(abs(found.mean - expected) < 1e-9, "\(extents): \(found.mean)")
      let other = StructuralSimilarity(range: 2, sigma: 1).total(images.prediction, images.truth, extents: extents)
      #expect(abs(other.mean - narrow) < 1e-9, "\(extents): \(other.mean)")
    }
  }

  @Test func `an image is wholly similar to itself, in one dimension too`() {
    let images = Images(40)
    let found = StructuralSimilarity(range: 1).total(images.truth, images.truth, extents: Extents(y: 1, x: 40))
    #expect(found.windows == 30 && abs(found.mean - 1) < 1e-12)
  }

  @Test func `overlapping tiles have the windows of the image`() {
    let images = Images(16 * 30)
    let similarity = StructuralSimilarity(range: 1)
    let whole = similarity.total(images.prediction, images.truth, extents: Extents(y: 30, x: 16))
    var merged = StructuralSimilarity.Total()
    // Rows 0 ..< 18 and 8 ..< 30 have ten in common.
    for rows in [0..<18, 8..<30] {
      let pixels = rows.lowerBound * 16..<rows.upperBound * 16
      merged.merge(
        similarity.total(
          Array(images.prediction[pixels]), Array(images.truth[pixels]), extents: Extents(y: rows.count, x: 16)))
    }
    #expect(merged.windows == whole.windows && abs(merged.mean - whole.mean) < 1e-12)
  }

  @Test func `an image smaller than a window has no similarity`() {
    let images = Images(100)
    #expect(StructuralSimilarity(range: 1).total(images.truth, images.truth, extents: Extents(y: 10, x: 10)).mean.isNaN)
  }
}
