import Foundation
import TestSupport
import Testing

/// Benchmarks of what stages do with files, small ones; nothing here depends on how fast the machine is.
@Suite("End to end: benchmarks of files")
struct EndToEndBenchmarkTests {
  private func figures(_ arguments: [String], ranks: Int) throws -> [String: Any] {
    let folder = try EndToEnd.makeFolder("bench")
    let ended = try EndToEnd.run(["bench"] + arguments + ["--folder", folder, "--json"], ranks: ranks)
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(try EndToEnd.contents(folder).isEmpty)
    return try #require(JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any])
  }

  @Test("bench io writes and reads as many bytes as it says, on 1 and 2 ranks, and leaves no file", arguments: [1, 2])
  func io(ranks: Int) throws {
    let found = try figures(["io", "--gigabytes", "0.01"], ranks: ranks)
    #expect(found["ranks"] as? Int == ranks)
    let bytes = try #require(found["bytes"] as? Int)
    #expect(bytes >= 10_000_000 && bytes % (4 << 20) == 0)
    let times = ["write", "plain_write", "read", "plain_read"].compactMap { found["\($0)_s"] as? Double }
    #expect(times.count == 4 && times.allSatisfy { $0 > 0 })
    #expect(abs((found["write_ratio"] as? Double ?? 0) - times[1] / times[0]) < 1e-9)
    #expect(abs((found["read_ratio"] as? Double ?? 0) - times[3] / times[2]) < 1e-9)
  }

  @Test("bench calibration finds the same thresholds on 1 and 2 ranks")
  func calibration() throws {
    let found = try [1, 2].map { try figures(["calibration", "--scores", "200000"], ranks: $0) }
    // By units the higher levels are infeasible.
    let thresholds = found.compactMap { $0["thresholds"] as? [Any] }.map { $0.map { $0 as? Double } }
    #expect(thresholds.count == 2 && thresholds[0] == thresholds[1] && thresholds[0].count == 6)
    // The scores are cubes of uniform numbers.
    #expect(zip(thresholds[0], [0.8, 0.9, 0.95]).allSatisfy { abs(($0 ?? 0) - $1 * $1 * $1) < 0.01 })
    #expect(found[1]["scores"] as? Int == 7 << 15)
  }
}
