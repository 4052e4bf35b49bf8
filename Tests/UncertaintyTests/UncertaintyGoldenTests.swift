import TestSupport
import Testing

@testable import Uncertainty

@Suite("Golden: ensemble statistics and conformal sets")
struct UncertaintyGoldenTests {
  @Test("what is not built yet is named, and every other group is known")
  func skipped() throws {
    let golden = try Golden("uncertainty.h5")
    var skipped: [String] = []
    for group in try golden.groups {
      switch group.name {
      case "bagging":
        let built = ["members", "mean", "std", "entropy_total", "entropy_aleatoric", "entropy_epistemic"]
        skipped += try group.arrayNames.filter { !built.contains($0) }.map { "bagging/\($0)" }
      case "conformal":
        for nested in try group.groups {
          skipped += try nested.groups.map(\.name).filter { !$0.contains("/lac_") }
        }
      case "metrics": break  // the golden suite of ConfusionMatrix
      case "regression", "risk": skipped.append(group.name)
      default: Issue.record("uncertainty.h5 holds a group that no suite knows: \(group.name)")
      }
    }
    reportSkipped("ensemble statistics and conformal sets", skipped)
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

  @Test("LAC thresholds and sets of every case and level, on one rank and on three")
  func leastAmbiguousSets() throws {
    var checked = 0
    for group in try Golden("uncertainty.h5").group("conformal").groups {
      let scores = try calibrationScores(group)
      let test = try group.doubles("test")
      let (pixels, classes) = (test.shape[0], test.shape[1])
      let planes = planar(test.values, classes: classes)
      for level in try group.groups where level.name.contains("/lac_") {
        let alpha = try #require(Double(level.name.split(separator: "_").last ?? ""))
        // The coverage as it is written in a job: 0.95 for alpha 0.05.
        let coverage = try Coverage(((1 - alpha) * 1e9).rounded() / 1e9)
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
            let share = scores.indices.filter { $0 % 3 == rank }.map { scores[$0] }
            return try SplitConformal(calibrating: share, levels: [coverage], sum: sum)
          })
        {
          #expect(try result.get() == sets, "\(level.name) on three ranks")
        }

        var set = [UInt8](repeating: 7, count: classes * pixels)
        var sizes = [UInt8](repeating: 7, count: pixels)
        sets.writeSets(planes, classes: classes, pixels: pixels, level: 0, set: &set, sizes: &sizes)
        let expectedSets = try level.array("sets", of: Bool.self).values
        for i in 0..<pixels {
          for c in 0..<classes where (set[c * pixels + i] == 1) != expectedSets[i * classes + c] {
            // A tie within float32's rounding of a float64 score may fall either way.
            let distance = abs(1 - test.values[i * classes + c] - expected)
            #expect(distance < 1e-7, "\(level.name): pixel \(i), class \(c), \(distance) from the threshold")
          }
          let size: Int = (0..<classes).count { set[$0 * pixels + i] == 1 }
          #expect(Int(sizes[i]) == size)
        }
        checked += 1
      }
    }
    #expect(checked > 0)
  }

  private func calibrationScores(_ group: GoldenGroup) throws -> [Float] {
    let probabilities = try group.doubles("calibration")
    let classes = probabilities.shape[1]
    var scores = CalibrationScores()
    try scores.add(
      probabilities: planar(probabilities.values, classes: classes),
      labels: try group.integers("calibration_labels").values.map { UInt8($0) }, classes: classes,
      pixels: probabilities.shape[0])
    return scores.values
  }

  /// `[pixel, class]` in double to `[class, pixel]` in float.
  private func planar(_ values: [Double], classes: Int) -> [Float] {
    (0..<classes).flatMap { c in stride(from: c, to: values.count, by: classes).map { Float(values[$0]) } }
  }
}
