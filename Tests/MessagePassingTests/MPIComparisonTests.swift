import Testing

@testable import MessagePassing

/// Run with 1 to 4 ranks.
@MainActor @Suite struct MPIComparisonTests {
  @Test("ranks agree on equal hashes, and on no others")
  func hashes() throws {
    let all = try everyone()
    for hash in [0, 1, UInt64.max, 0x8000_0000_0000_0000, 0x1234_5678_9abc_def0] {
      #expect(try all.allAgree(on: hash))
      for other in 0..<all.size where all.size > 1 {
        #expect(try !all.allAgree(on: all.rank == other ? hash ^ 1 : hash))
        #expect(try !all.allAgree(on: all.rank == other ? ~hash : hash))
      }
    }
  }
}
