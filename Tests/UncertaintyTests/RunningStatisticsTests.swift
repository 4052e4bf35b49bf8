import Foundation
import Host
import TestSupport
import Testing

@testable import Uncertainty

@Suite("Running statistics")
struct RunningStatisticsTests {
  private func members(_ count: Int, of size: Int, seed: UInt64) -> [[Float]] {
    var random = TestRandom(seed)
    return (0..<count).map { _ in random.uniforms(size) }
  }

  private func moments(_ members: [[Float]], at i: Int) -> (mean: Double, deviation: Double) {
    let values = members.map { Double($0[i]) }
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(values.count - 1)).squareRoot())
  }

  private func statistics(_ members: [[Float]], size: Int) -> RunningStatistics {
    let statistics = RunningStatistics(count: size)
    for member in members { statistics.add(member) }
    return statistics
  }

  @Test("mean and sample standard deviation equal those in double precision", arguments: [2, 3, 8, 31])
  func direct(count: Int) {
    let all = members(count, of: 37, seed: 1)
    let found = statistics(all, size: 37)
    expectClose(Array(found.mean.buffer), (0..<37).map { Float(moments(all, at: $0).mean) }, relative: 1e-6)
    expectClose(found.standardDeviation, (0..<37).map { Float(moments(all, at: $0).deviation) }, relative: 1e-6)
    #expect(found.members == count)
  }

  @Test("merged statistics equal those of all members together", arguments: [0, 1, 4, 9])
  func merged(first: Int) {
    let all = members(9, of: 50, seed: 2)
    let left = statistics(Array(all[..<first]), size: 50)
    left.merge(statistics(Array(all[first...]), size: 50))
    let together = statistics(all, size: 50)
    #expect(left.members == 9)
    expectClose(Array(left.mean.buffer), Array(together.mean.buffer), relative: 1e-6)
    expectClose(left.standardDeviation, together.standardDeviation, relative: 1e-6)
  }

  @Test("one member has a mean but no standard deviation")
  func single() {
    let found = statistics([[1, 2, 3]], size: 3)
    #expect(Array(found.mean.buffer) == [1, 2, 3])
    #expect(found.standardDeviation.allSatisfy { $0.isNaN })
  }

  @Test("equal members deviate by exactly nothing")
  func equalMembers() {
    let found = statistics(Array(repeating: [0.1, -7, 1e20], count: 5), size: 3)
    #expect(Array(found.mean.buffer) == [0.1, -7, 1e20])
    #expect(found.standardDeviation == [0, 0, 0])
  }

  @Test("after a reset the members before are forgotten")
  func reset() {
    let found = statistics(members(3, of: 5, seed: 3), size: 5)
    found.reset()
    for value: Float in [1, 3] { found.add([Float](repeating: value, count: 5)) }
    #expect(Array(found.mean.buffer) == [2, 2, 2, 2, 2])
    #expect(found.standardDeviation == Array(repeating: Float(2).squareRoot(), count: 5))
  }

  @Test("the number of threads changes no bit")
  func threads() throws {
    let size = 200_001
    let all = members(3, of: size, seed: 4)
    let alone = statistics(all, size: size)
    let team = try ThreadTeam(size: 2)
    let shared = RunningStatistics(count: size)
    for member in all {
      member.withUnsafeBufferPointer { if let first = $0.baseAddress { shared.add(first, team: team) } }
    }
    #expect(alone.mean.buffer.elementsEqual(shared.mean.buffer))
    #expect(alone.standardDeviation == shared.standardDeviation)
  }
}
