import Testing

@testable import MessagePassing

@MainActor @Suite struct MPIAgreementTests {
  struct Trouble: Error, CustomStringConvertible {
    let rank: Int
    var description: String { "rank \(rank) is in trouble" }
  }

  @Test("where all ranks succeed, each keeps its own value")
  func success() throws {
    let all = try everyone()
    #expect(try all.agree { all.rank * 2 } == all.rank * 2)
  }

  @Test("one rank's failure is thrown on all, and one rank reports it")
  func oneFailure() throws {
    let all = try everyone()
    for culprit in 0..<all.size {
      let failure = try #require(throws: RemoteFailure.self) {
        try all.agree { if all.rank == culprit { throw Trouble(rank: all.rank) } }
      }
      #expect(failure.rank == culprit)
      #expect(failure.failures == 1)
      #expect(failure.description == "rank \(culprit) is in trouble")
      #expect(failure.reports == (all.rank == culprit))
      #expect((failure.underlying as? Trouble)?.rank == (all.rank == culprit ? culprit : nil))
      #expect(try all.allReduce(failure.reports ? 1 : 0, .sum) == 1)
    }
  }

  @Test("of several failures the lowest rank's is told, with their number")
  func severalFailures() throws {
    let all = try everyone()
    let first = all.size > 1 ? 1 : 0
    let failure = try #require(throws: RemoteFailure.self) {
      try all.agree { if all.rank >= first { throw Trouble(rank: all.rank) } }
    }
    #expect(failure.rank == first)
    #expect(failure.failures == all.size - first)
    #expect(failure.message == "rank \(first) is in trouble")
  }

  @Test("what the root makes reaches all, and so does its failure")
  func fromRoot() throws {
    let all = try everyone()
    let root = all.size - 1
    #expect(try all.fromRoot(root) { [UInt8(all.rank), 5] } == [UInt8(root), 5])
    let failure = try #require(throws: RemoteFailure.self) {
      try all.fromRoot(root) { throw Trouble(rank: all.rank) }
    }
    #expect(failure.rank == root)
  }

  @Test("what is done and decided on the root alone is so for all, and so is its failure")
  func onRoot() throws {
    let all = try everyone()
    let root = all.size - 1
    var done = 0
    try all.onRoot(root) { done += 1 }
    #expect(done == (all.rank == root ? 1 : 0))
    #expect(try all.decidedOnRoot(root) { all.rank == root })
    #expect(try !all.decidedOnRoot(root) { all.rank != root })
    let failures = [
      try #require(throws: RemoteFailure.self) { try all.onRoot(root) { throw Trouble(rank: all.rank) } },
      try #require(throws: RemoteFailure.self) { _ = try all.decidedOnRoot(root) { throw Trouble(rank: all.rank) } },
    ]
    #expect(failures.allSatisfy { $0.rank == root })
  }
}
