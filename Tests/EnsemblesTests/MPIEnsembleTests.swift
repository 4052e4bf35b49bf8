import Ensembles
import MessagePassing
import Tensors
import TestSupport
import Testing

/// Run with 1 to 4 ranks.
@MainActor @Suite struct MPIEnsembleTests {
  private func hash(_ member: TrainedMember) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for value in member.parameters + member.statistics {
      hash = (hash ^ UInt64(value.bitPattern)) &* 0x100_0000_01B3
    }
    for epoch in member.history { hash = (hash ^ epoch.loss.bitPattern) &* 0x100_0000_01B3 }
    return hash
  }

  @Test("a member is the same whichever rank trains it, and every rank trains one")
  func sameMembers() throws {
    let all = try MPI.initialize().duplicate()
    let problem = try Problem(members: 5)
    let trainer = try problem.trainer()
    var hashes = [UInt64](repeating: 0, count: 5)
    let queue = try MemberQueue(try trainer.candidates(0..<5), over: all)
    let reports = try queue.run { hashes[$0] = hash(try trainer.train($0, for: queue)) }
    #expect(reports.allSatisfy { $0.outcome == .done })
    #expect(Set(reports.map(\.rank)) == Set(0..<min(5, all.size)))
    let trained = try all.allReduce(hashes, .maximum)
    let alone = try (0..<5).map { hash(try trainer.train($0)) }
    #expect(trained == alone)
    #expect(Set(alone).count == 5)
  }

  @Test("members whose loss is no number are reported by all ranks, and all ranks go on")
  func notFinite() throws {
    let all = try MPI.initialize().duplicate()
    let trainer = try Problem(family: Problem.pyramid, members: 4, rate: 1e38).trainer()
    let queue = try MemberQueue(try trainer.candidates(0..<4), over: all)
    let reports = try queue.run { _ = try trainer.train($0, for: queue) }
    for (index, report) in reports.enumerated() {
      let line = try #require(report.line)
      #expect(line.hasPrefix("member \(index) stopped: ") && line.contains("Lower training.optimizer.rate"))
    }
    #expect(reports.count == 4)
  }
}
