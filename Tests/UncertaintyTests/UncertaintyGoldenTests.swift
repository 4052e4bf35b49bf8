import TestSupport
import Testing

@testable import Uncertainty

@Suite("Golden: ensemble statistics and conformal sets")
struct UncertaintyGoldenTests {
  @Test("every group is known to a test")
  func known() throws {
    for group in try Golden("uncertainty.h5").groups {
      // The metrics belong to the golden suite of ConfusionMatrix.
      #expect(["bagging", "conformal", "regression", "risk", "metrics"].contains(group.name))
    }
  }

  @Test("mean and standard deviation of an ensemble")
  func bagging() throws {
    let group = try Golden("uncertainty.h5").group("bagging")
    let members = try group.array("members")
    let count = members.shape[0]
    let size = members.values.count / count
    let statistics = RunningStatistics(count: size)
    for m in 0..<count { statistics.add(Array(members.values[(m * size)..<((m + 1) * size)])) }
    expectClose(Array(statistics.mean.buffer), try group.array("mean").values, relative: 1e-6, "mean")
    expectClose(statistics.standardDeviation, try group.array("std").values, relative: 1e-6, "std")
  }

  @Test("geometric mean and deviation, skewness and kurtosis of an ensemble")
  func moments() throws {
    let group = try Golden("uncertainty.h5").group("bagging")
    let members = try group.array("members")
    let count = members.shape[0]
    let size = members.values.count / count
    let (values, logarithms) = (MemberMoments(count: size), MemberMoments(of: .logarithms, count: size))
    for m in 0..<count {
      values.add(Array(members.values[(m * size)..<((m + 1) * size)]))
      logarithms.add(Array(members.values[(m * size)..<((m + 1) * size)]))
    }
    func check(_ name: String, _ write: (UnsafeMutablePointer<Float>) -> Void) throws {
      var result = [Float](repeating: 0, count: size)
      write(&result)
      let expected = try group.doubles(name).values.map { Float($0) }
      for (found, wanted) in zip(result, expected) {
        #expect(abs(found - wanted) <= 1e-5 * max(1, abs(wanted)), "\(name): \(found) instead of \(wanted)")
      }
    }
    try check("mean", values.writeMean)
    try check("std", values.writeStandardDeviation)
    try check("skewness", values.writeSkewness)
    try check("kurtosis", values.writeKurtosis)
    try check("geometric_mean", logarithms.writeMean)
    try check("geometric_std", logarithms.writeStandardDeviation)
  }

  @Test("thresholds and sets of every case, score and level, on one rank and on three")
  func sets() throws {
    var checked = 0
    for group in try Golden("uncertainty.h5").group("conformal").groups {
      let test = try group.doubles("test")
      let (pixels, classes) = (test.shape[0], test.shape[1])
      let planes = planar(test.values, classes: classes)
      for level in try group.groups {
        let name = try #require(level.name.split(separator: "/").last)
        let method = try #require(ConformalMethod(rawValue: String(name.prefix { $0 != "_" })), "\(level.name)")
        let score = method.requiredClassScore
        let scores = try calibrationScores(method, group)
        let alpha = try #require(Double(level.name.split(separator: "_").last ?? ""))
        let coverage = try self.coverage(alpha: alpha)
        let expected = try level.doubles("threshold").values[0]
        let sets = try SplitConformal(calibrating: scores, levels: [coverage], sum: alone)
        guard case .score(let threshold) = sets.thresholds[0] else {
          Issue.record("\(level.name): infeasible")
          continue
        }
        #expect(abs(Double(threshold) - expected) <= 1e-6, "\(level.name): \(threshold) instead of \(expected)")
        for result in onRanks(
          3,
          { rank, sum in
            let share = scores.values.indices.filter { $0 % 3 == rank }.map { scores.values[$0] }
            return try SplitConformal(
              calibrating: CalibrationScores(method, values: share), levels: [coverage], sum: sum)
          })
        {
          #expect(try result.get() == sets, "\(level.name) on three ranks")
        }

        var set = [UInt8](repeating: 7, count: classes * pixels)
        var sizes = [UInt8](repeating: 7, count: pixels)
        try sets.writeSets(planes, classes: classes, pixels: pixels, level: 0, set: &set, sizes: &sizes)
        let expectedSets = try level.array("sets", of: Bool.self).values
        for i in 0..<pixels {
          for c in 0..<classes where (set[c * pixels + i] == 1) != expectedSets[i * classes + c] {
            // A tie within float32's rounding of a float64 score may fall either way.
            let own = Double(score.score(c, Array(planes.dropFirst(i)), stride: pixels, classes: classes))
            #expect(abs(own - expected) < 3e-7, "\(level.name): pixel \(i), class \(c), \(own) at \(expected)")
          }
          let size: Int = (0..<classes).count { set[$0 * pixels + i] == 1 }
          #expect(Int(sizes[i]) == size)
        }
        checked += 1
      }
    }
    #expect(checked > 0)
  }

  @Test("intervals of regression: thresholds of absolute and normalised residuals")
  func intervals() throws {
    let group = try Golden("uncertainty.h5").group("regression")
    let (prediction, spread) = (try group.array("prediction").values, try group.array("spread").values)
    let truth = try group.array("truth").values
    var checked = 0
    for level in try group.groups {
      let coverage = try coverage(alpha: try #require(Double(level.name.split(separator: "/").last ?? "")))
      for (name, method) in [("absolute", ConformalMethod.residual), ("normalised", .normalizedResidual)] {
        let score = method.requiredValueScore
        let scores = truth.indices.map {
          score.score(truth[$0], prediction[$0], method == .residual ? 1 : spread[$0])
        }
        let found = try ConformalIntervals(method, calibrating: scores, levels: [coverage], sum: alone)
        let expected = try level.doubles(name).values[0]
        guard case .score(let threshold) = found.thresholds[0] else {
          Issue.record("\(level.name): infeasible")
          continue
        }
        #expect(abs(Double(threshold) - expected) <= 1e-5 * expected, "\(level.name)/\(name)")
        checked += 1
      }
    }
    #expect(checked > 0)
  }

  @Test("conformal risk control: the first threshold of the grid that is at least ours, on one rank and on three")
  func risk() throws {
    let group = try Golden("uncertainty.h5").group("risk")
    let scores = try group.array("score")
    let truth = try group.array("truth", of: Bool.self).values
    let grid = try group.array("grid").values
    let images = scores.shape[0]
    let pixels = scores.shape[1]
    @Sendable func own(_ rank: Int, of ranks: Int) -> UnitScores {
      var own = UnitScores(units: images)
      for index in truth.indices where truth[index] && index % ranks == rank {
        own.add(CollectionOfOne(1 - scores.values[index]), unit: index / pixels)
      }
      return own
    }
    var checked = 0
    for level in try group.groups {
      let coverage = try coverage(alpha: try #require(Double(level.name.split(separator: "/").last ?? "")))
      let isInfeasible = try level.array("infeasible", of: Bool.self).values[0]
      let found = try RiskControl(own(0, of: 1), levels: [coverage], sum: alone)
      if case .score(let threshold) = found.thresholds[0] {
        let expected = try level.doubles("lambda").values[0]
        let first = try #require(grid.first { $0 >= threshold - 1e-6 })
        #expect(!isInfeasible && abs(Double(first) - expected) < 1e-6, "\(level.name): \(threshold)")
      } else {
        #expect(isInfeasible, "\(level.name)")
      }
      for result in onRanks(3, { rank, sum in try RiskControl(own(rank, of: 3), levels: [coverage], sum: sum) }) {
        #expect(try result.get() == found)
      }
      checked += 1
    }
    #expect(checked > 0)
  }

  /// The coverage as it is written in a job: 0.95 for alpha 0.05.
  private func coverage(alpha: Double) throws -> Coverage { try Coverage(((1 - alpha) * 1e9).rounded() / 1e9) }

  private func calibrationScores(_ method: ConformalMethod, _ group: GoldenGroup) throws -> CalibrationScores {
    let probabilities = try group.doubles("calibration")
    let classes = probabilities.shape[1]
    var scores = CalibrationScores(method)
    try scores.add(
      probabilities: planar(probabilities.values, classes: classes),
      labels: try group.integers("calibration_labels").values.map { UInt8($0) }, classes: classes,
      pixels: probabilities.shape[0])
    return scores
  }

  /// `[pixel, class]` in double to `[class, pixel]` in float.
  private func planar(_ values: [Double], classes: Int) -> [Float] {
    (0..<classes).flatMap { c in stride(from: c, to: values.count, by: classes).map { Float(values[$0]) } }
  }
}
