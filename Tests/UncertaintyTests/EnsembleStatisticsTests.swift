import Foundation
import TestSupport
import Testing

@testable import Uncertainty

@Suite struct EnsembleStatisticsTests {
  private func maps(
    _ section: StatisticsSection, _ members: [[Float]], channels: Int = 1, quantiles: [Double] = []
  ) -> [String: [Float]] {
    let statistics = EnsembleStatistics(section, channels: channels, quantiles: quantiles)
    let size = members[0].count / max(1, quantiles.count)
    let running = RunningStatistics(count: size)
    // A larger tile before must leave nothing.
    for member in 0..<2 {
      let before = [Float](repeating: 0.3, count: 2 * members[0].count)
      before.withUnsafeBufferPointer { statistics.add($0, of: member) }
    }
    for (index, member) in members.enumerated() {
      member.withUnsafeBufferPointer { statistics.add($0, of: index) }
      running.add(Array(member[quantiles.count / 2 * size..<(quantiles.count / 2 + 1) * size]))
    }
    let found = running.mean.buffer.withMemoryRebound(to: Float.self) { mean in
      running.standardDeviation.withUnsafeBufferPointer {
        statistics.maps(mean: UnsafeBufferPointer(mean), deviation: $0)
      }
    }
    return Dictionary(uniqueKeysWithValues: zip(section.datasets.map(\.name), found))
  }

  @Test func `maps of the golden ensemble are the golden statistics`() throws {
    let group = try Golden("uncertainty.h5").group("bagging")
    let members = try group.array("members")
    let (count, images) = (members.shape[0], members.shape[1])
    let size = members.values.count / count / images
    var section = StatisticsSection()
    section.maps = [.geometricMean, .geometricSpread, .skewness, .kurtosis, .entropy]
    for image in 0..<images {
      let own = (0..<count).map { member in
        Array(members.values[(member * images + image) * size..<(member * images + image + 1) * size])
      }
      let maps = maps(section, own, channels: members.shape[2])
      for (name, golden) in [
        ("geometric-mean", "geometric_mean"), ("geometric-spread", "geometric_std"), ("skewness", "skewness"),
        ("kurtosis", "kurtosis"), ("entropy", "entropy_total"), ("entropy-aleatoric", "entropy_aleatoric"),
        ("entropy-epistemic", "entropy_epistemic"),
      ] {
        let found = try #require(maps[name])
        let all = try group.doubles(golden).values.map { Float($0) }
        let expected = all[image * found.count..<(image + 1) * found.count]
        for (found, wanted) in zip(found, expected) {
          #expect(abs(found - wanted) <= 2e-5 * max(1, abs(wanted)), "\(name): \(found) instead of \(wanted)")
        }
      }
    }
  }

  @Test func `quantiles lie between the members, the standard error is the spread over the root, and kept is a rule`()
    throws
  {
    var section = StatisticsSection()
    section.maps = [.kept, .standardError, .quantiles, .cornishFisher]
    (section.quantiles, section.deviations, section.above) = ([0.25, 0.5], 1, 2)
    let maps = maps(section, [[1, 9], [3, 9], [2, 9], [6, 9]])
    #expect(section.datasets.map(\.name) == ["quantiles", "cornish-fisher", "standard-error", "kept"])
    expectClose(try #require(maps["quantiles"]), [1.75, 9, 2.5, 9], relative: 1e-6)
    let spread = Float(14.0 / 3).squareRoot()
    expectClose(try #require(maps["standard-error"]), [spread / 2, 0], relative: 1e-6)
    // 3 − 2.16 is not above 2, 9 is.
    #expect(maps["kept"] == [0, 1])
    #expect(maps["cornish-fisher"]?[1] == 9 && maps["cornish-fisher"]?[3] == 9)
  }

  @Test func `the variance of quantiles is split into that of members and that within them`() throws {
    var section = StatisticsSection()
    section.maps = [.variances]
    // Outer quantiles at one standard deviation: half their distance is it.
    let outer = 0.841_344_746_068_542_9
    let maps = maps(section, [[1, 2, 3], [0, 4, 8]], quantiles: [1 - outer, 0.5, outer])
    expectClose(try #require(maps["variance-aleatoric"]), [(1 + 16) / 2], relative: 1e-5)
    expectClose(try #require(maps["variance-epistemic"]), [2], relative: 1e-5)
    expectClose(try #require(maps["variance"]), [10.5], relative: 1e-5)
  }
}
