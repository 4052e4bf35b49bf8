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

  @Test("equal values differ nowhere, be they none, one or many")
  func equal() throws {
    let all = try everyone()
    #expect(try all.differences(among: []) == [])
    #expect(try all.differences(among: [("images", 7)]) == [])
    #expect(try all.differences(among: [("images", 7), ("", 0), ("job: a = b", .max)]) == [])
  }

  @Test("the rank that has another value is told with its name, whichever it is")
  func oneDiffers() throws {
    let all = try everyone()
    for other in 0..<all.size where all.size > 1 {
      let found = try all.differences(
        among: [("images", 7), ("labels", all.rank == other ? 1 : 0), ("seed", 3)])
      // Of two ranks the first is taken to be right.
      #expect(found == [RankDifference(name: "labels", ranks: [all.size == 2 ? 1 : other])])
    }
  }

  @Test("several differences are told, and names that some ranks do not have")
  func severalDiffer() throws {
    let all = try everyone()
    guard all.size > 1 else { return }
    let own: [(name: String, hash: UInt64)] =
      all.rank == all.size - 1 ? [("seed", 4), ("new", 1)] : [("labels", 2), ("seed", 3)]
    let found = try all.differences(among: own)
    #expect(found.map(\.name) == ["labels", "seed", "new"])
    let last = RankDifference(name: "seed", ranks: [all.size - 1])
    #expect(found[1] == last)
    #expect("\(last)" == "seed: rank \(all.size - 1)")
    if all.size > 2 { #expect(found.allSatisfy { $0.ranks == [all.size - 1] }) }
    #expect("\(RankDifference(name: "labels", ranks: [1, 3]))" == "labels: ranks 1, 3")
  }
}
