import Foundation
import Host
import TestSupport
import Testing

@testable import Uncertainty

/// Scores that do not stay in memory.
@Suite struct UnitScoresTests {
  private static let levels = [0.5, 0.8, 0.9, 0.99].map { try? Coverage($0) }.compactMap(\.self)

  /// 3000 scores of 17 units in runs of 1 to 9.
  private func drawn() -> [(unit: Int, scores: [Float])] {
    var random = TestRandom(5)
    var runs: [(unit: Int, scores: [Float])] = []
    while runs.reduce(0, { $0 + $1.scores.count }) < 3000 {
      let scores = (0..<random.integer(1...9)).map { _ in (random.uniform() * 200).rounded() / 200 }
      runs.append((random.integer(0...16), scores))
    }
    return runs
  }

  private func scores(_ runs: [(unit: Int, scores: [Float])], spillingTo folder: String?) -> UnitScores {
    var scores = UnitScores(units: 17, spillingTo: folder, keeping: 64)
    for run in runs { scores.add(run.scores, unit: run.unit) }
    return scores
  }

  @Test("scores in a file give the thresholds and counts of scores in memory, on any number of ranks")
  func sameThresholds() throws {
    try TemporaryFolder.with { folder in
      let runs = drawn()
      let memory = scores(runs, spillingTo: nil)
      let file = scores(runs, spillingTo: folder)
      #expect(try file.values == runs.flatMap(\.scores))
      #expect(try memory.values == runs.flatMap(\.scores))
      // The file has no name.
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      let levels = Self.levels
      func found(_ scores: UnitScores, _ sum: IntegerSum) throws -> [UnitThresholds] {
        try [false, true].map { try UnitThresholds(scores, byUnit: $0, levels: levels, sum: sum) }
      }
      let expected = try found(memory, alone)
      let sorted = runs.flatMap(\.scores).sorted()
      let rank = Int((Double(sorted.count + 1) * 0.9).rounded(.up))
      #expect(expected[0].thresholds[2] == .score(sorted[rank - 1]))
      let effective = try memory.effectiveCounts(expected[0].thresholds, sum: alone)
      for ranks in [1, 3] {
        for result in onRanks(
          ranks,
          { rank, sum in
            let share = runs.indices.filter { $0 % ranks == rank }.map { runs[$0] }
            var own = UnitScores(units: 17, spillingTo: folder, keeping: 64)
            for run in share { own.add(run.scores, unit: run.unit) }
            let thresholds = try [false, true].map { try UnitThresholds(own, byUnit: $0, levels: levels, sum: sum) }
            return (thresholds, try own.effectiveCounts(thresholds[0].thresholds, sum: sum))
          })
        {
          let (thresholds, counts) = try result.get()
          #expect(thresholds == expected && counts == effective)
        }
      }
    }
  }

  @Test("a copy takes scores of its own, and changed scores are those of the original")
  func copies() throws {
    try TemporaryFolder.with { folder throws in
      let runs = drawn()
      let first = scores(runs, spillingTo: folder)
      var second = first
      for run in runs { second.add(run.scores, unit: run.unit) }
      #expect(try first.values == runs.flatMap(\.scores))
      #expect(try second.values == (runs + runs).flatMap(\.scores))
      #expect(try first.mapped { 1 - $0 }.values == runs.flatMap(\.scores).map { 1 - $0 })
    }
  }

  @Test("a rank that cannot keep its scores ends the others too")
  func unwritten() throws {
    try TemporaryFolder.with { folder in
      let runs = drawn()
      let results = onRanks(2) { rank, sum in
        var own = UnitScores(units: 17, spillingTo: rank == 0 ? folder : folder + "/missing", keeping: 64)
        for run in runs { own.add(run.scores, unit: run.unit) }
        return try UnitThresholds(own, byUnit: true, levels: Self.levels, sum: sum)
      }
      #expect(throws: UncertaintyError.lostScores) { try results[0].get() }
      #expect(throws: FileError.self) { try results[1].get() }
    }
  }
}
