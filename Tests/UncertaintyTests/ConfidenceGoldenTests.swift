import TestSupport
import Testing

@testable import Uncertainty

@Suite("Golden: figures of probabilities, sets and spreads, and how members are combined")
struct ConfidenceGoldenTests {
  /// `[pixel, class]` to `[class, pixel]`.
  private func planar(_ values: [Float], classes: Int) -> [Float] {
    (0..<classes).flatMap { c in stride(from: c, to: values.count, by: classes).map { values[$0] } }
  }

  @Test("every group is known to a test")
  func known() throws {
    for group in try Golden("confidence.h5").groups {
      #expect(["confidence", "sets", "slab", "spread", "raps", "weights"].contains(group.name))
    }
  }

  @Test("calibration errors, Brier score, likelihood, AURC, error detection and temperature")
  func confidence() throws {
    for group in try Golden("confidence.h5").group("confidence").groups {
      let probabilities = try group.array("probabilities")
      let labels = try group.integers("labels").values
      let classes = probabilities.shape[1]
      var found = ConfidenceEvaluation()
      planar(probabilities.values, classes: classes).withUnsafeBufferPointer { values in
        planar((try? group.array("spreads").values) ?? [], classes: classes).withUnsafeBufferPointer { spreads in
          found.add(values, spreads: spreads, labels: labels.map { UInt8($0) }, classes: classes)
        }
      }
      func check(_ name: String, _ value: Double, within tolerance: Double) throws {
        let expected = try group.doubles(name).values[0]
        #expect(abs(value - expected) <= tolerance, "\(group.name)/\(name): \(value) instead of \(expected)")
      }
      let n = Double(labels.count)
      // Pixels at a border of two bins of confidence may fall on either side; bins of equal mass, prefixes and ties of spread
      // are those of 4096 classes.
      try check("calibration_error", found.calibrationError, within: 1 / n)
      try check("adaptive_calibration_error", found.adaptiveCalibrationError, within: 4e-3)
      try check("brier", found.brierScore, within: 1e-6)
      try check("negative_log_likelihood", found.negativeLogLikelihood, within: 1e-6)
      try check("risk_area", found.riskArea, within: 3 / n)
      try check("error_detection", found.errorDetection, within: 2e-3)
      let temperature = TemperatureScaling.fitted(probabilities.values, labels: labels, classes: classes)
      try check("temperature", temperature, within: 1e-5 * temperature)
      var scaled = ConfidenceEvaluation()
      let values = labels.indices.flatMap { pixel in
        TemperatureScaling.scaled(
          Array(probabilities.values[pixel * classes..<(pixel + 1) * classes]), by: temperature)
      }
      planar(values, classes: classes).withUnsafeBufferPointer { values in
        scaled.add(
          values, spreads: UnsafeBufferPointer(start: nil, count: 0), labels: labels.map { UInt8($0) },
          classes: classes)
      }
      try check("scaled_likelihood", scaled.negativeLogLikelihood, within: 1e-5)
    }
  }

  @Test("coverage by size of the set, and the classes' distance to the level")
  func sets() throws {
    let group = try Golden("confidence.h5").group("sets")
    let sets = try group.array("sets", of: Bool.self)
    let (pixels, classes) = (sets.shape[0], sets.shape[1])
    var found = SetEvaluation(levels: 1, classes: classes)
    let set = (0..<classes).flatMap { c in (0..<pixels).map { sets.values[$0 * classes + c] ? UInt8(1) : 0 } }
    try found.add(
      set: set, labels: try group.integers("labels").values.map { UInt8($0) }, pixels: pixels, level: 0)
    for (size, expected) in try group.doubles("coverage_by_size").values.enumerated() {
      let own = found.coverage(level: 0, size: size)
      #expect(abs(own - expected) < 1e-12 || own.isNaN && expected.isNaN, "size \(size): \(own), \(expected)")
    }
    let level = try Coverage(try group.doubles("level").values[0])
    #expect(abs(found.gap(level: 0, to: level) - (try group.doubles("class_gap").values[0])) < 1e-12)
  }

  @Test("the slab with the least coverage is that of a search over all slabs")
  func slab() throws {
    let group = try Golden("confidence.h5").group("slab")
    let directions = try group.doubles("directions")
    let width = directions.shape[1]
    let found = WorstSlab.slab(
      try group.doubles("features").values, covered: try group.array("covered", of: Bool.self).values,
      directions: (0..<directions.shape[0]).map { Array(directions.values[$0 * width..<($0 + 1) * width]) },
      share: try group.doubles("share").values[0])
    for (name, value) in [("coverage", found.coverage), ("low", found.low), ("high", found.high)] {
      #expect(abs(value - (try group.doubles(name).values[0])) < 1e-9, "\(name): \(value)")
    }
  }

  @Test("how well a spread finds errors of values")
  func spread() throws {
    let group = try Golden("confidence.h5").group("spread")
    var found = SpreadEvaluation()
    for (error, spread) in zip(try group.array("errors").values, try group.array("spreads").values) {
      found.add(error: error, spread: spread)
    }
    #expect(found.values == Int64(try group.array("errors").values.count))
    for (name, value, tolerance) in [
      ("correlation", found.correlation, 1e-4), ("risk_area", found.riskArea, 2e-3),
      ("sparsification_error", found.sparsificationError, 4e-3),
    ] {
      let expected = try group.doubles(name).values[0]
      #expect(abs(value - expected) < tolerance, "\(name): \(value) instead of \(expected)")
    }
  }

  @Test("λ and k of regularized adaptive sets")
  func raps() throws {
    for group in try Golden("confidence.h5").group("raps").groups {
      let probabilities = try group.array("probabilities")
      let found = try SetRegularization.tuned(
        .raps, probabilities.values, labels: try group.integers("labels").values, classes: probabilities.shape[1],
        coverage: Coverage(try group.doubles("level").values[0]))
      #expect(found.free == (try group.integers("k").values[0]), "\(group.name): \(found)")
      #expect(abs(Double(found.penalty) - (try group.doubles("penalty").values[0])) < 1e-6, "\(group.name): \(found)")
    }
  }

  @Test("weights by stacking, greedy selection and validation loss")
  func weights() throws {
    let group = try Golden("confidence.h5").group("weights")
    let probabilities = try group.array("probabilities")
    let (members, classes) = (probabilities.shape[1], probabilities.shape[2])
    var sample = CalibrationSample(width: members * classes)
    for (pixel, label) in try group.integers("labels").values.enumerated() {
      sample.add(
        region: 0, place: pixel, truth: Float(label),
        values: Array(probabilities.values[pixel * sample.width..<(pixel + 1) * sample.width]))
    }
    for (rule, tolerance) in [(MemberWeights.stacking, 1e-4), (.greedy, 1e-9), (.validation, 1e-6)] {
      let expected = try group.doubles(rule.rawValue).values
      let found = rule.weights(of: sample, members: members, classes: classes).flatMap { $0 }
      #expect(found.count == expected.count)
      for (own, wanted) in zip(found, expected) { #expect(abs(own - wanted) < tolerance, "\(rule): \(found)") }
    }
  }
}

@Suite struct SpreadEvaluationTests {
  @Test
  func `a spread in the order of the errors is without sparsification error; any number of ranks counts the same`()
    throws
  {
    var random = TestRandom(3)
    let errors = (0..<400).map { _ in abs(random.uniform()) + 0.01 }
    var own = SpreadEvaluation()
    for error in errors { own.add(error: error, spread: 3 * error) }
    #expect(abs(own.sparsificationError) < 1e-2 && abs(own.correlation - 1) < 1e-3)
    #expect(abs(own.meanError - errors.reduce(0) { $0 + Double($1) } / 400) < 1e-6)
    var turned = SpreadEvaluation()
    for error in errors { turned.add(error: error, spread: 1 - error / 2) }
    #expect(turned.sparsificationError > 0.5 && abs(turned.correlation + 1) < 1e-3)
    #expect(turned.errorRejection.last?.kept == 1)
    var same = SpreadEvaluation()
    for error in errors { same.add(error: error, spread: 0) }
    same.add(error: .nan, spread: 1)
    #expect(same.correlation.isNaN && same.values == 400 && abs(same.riskArea - same.meanError) < 1e-9)
    let whole = own
    for result in onRanks(
      3,
      { rank, sum in
        var part = SpreadEvaluation()
        for (index, error) in errors.enumerated() where index % 3 == rank { part.add(error: error, spread: 3 * error) }
        try part.reduce(sum)
        return part
      })
    {
      #expect(try result.get() == whole)
    }
  }
}

@Suite struct WorstSlabTests {
  @Test func `a part that is covered less is found, and of pixels that are covered alike none is`() {
    var random = TestRandom(12)
    let pixels = 1600
    let features = (0..<pixels).flatMap { _ in random.uniforms(2) }
    let low = (0..<pixels).map { pixel in
      features[2 * pixel] > 0.5 ? random.uniform() < -0.4 : random.uniform() < 0.9
    }
    let found = WorstSlab.coverage(features, covered: low)
    #expect(found < 0.55, "\(found)")
    #expect(WorstSlab.coverage(features, covered: low) == found)
    let alike = (0..<pixels).map { _ in random.uniform() < 0.8 }
    #expect(abs(WorstSlab.coverage(features, covered: alike) - 0.9) < 0.08)
    #expect(WorstSlab.coverage([0, 1], covered: [true, false]).isNaN)
  }
}
