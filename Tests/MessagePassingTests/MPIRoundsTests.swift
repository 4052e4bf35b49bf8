import Testing

@testable import MessagePassing

/// Work in rounds and agreement, with a rank that throws at each place. Run with 1 to 4 ranks; a rank left inside a
/// collective call would never end.
@MainActor @Suite struct MPIRoundsTests {
  struct Trouble: Error, Hashable {
    let rank: Int
    let place: String
  }

  /// Rank r has r + 1 items; in each round the ranks add up what they have. Returns the sums.
  private func work(
    _ all: Communicator, fail: (_ rank: Int, _ place: String) -> Bool
  ) throws -> [Int] {
    func pass(_ place: String) throws {
      if fail(all.rank, place) { throw Trouble(rank: all.rank, place: place) }
    }
    var sums: [Int] = []
    try all.inRounds(all.size) { give in
      try pass("start")
      for item in 0...all.rank {
        try pass("before \(item)")
        try give(item)
      }
      try pass("end")
    } together: { (item: Int?) in
      let round = sums.count
      // Two collective calls: the second is made whatever becomes of the first.
      var failures = FirstFailure()
      failures.attempt {
        sums.append(try all.allReduce(item.map { $0 + 1 } ?? 0, .sum))
        try pass("together \(round)")
      }
      failures.attempt { try all.barrier() }
      try failures.get()
    }
    return sums
  }

  @Test("every round has all ranks, with nothing from those that have no more")
  func whole() throws {
    let all = try everyone()
    let expected = (0..<all.size).map { round in (all.size - round) * (round + 1) }
    #expect(try work(all) { _, _ in false } == expected)
  }

  @Test("a rank that throws at any place ends the work on all ranks alike, who then go on together")
  func everyPlace() throws {
    let all = try everyone()
    for culprit in 0..<all.size {
      let own = ["start", "end"] + (0...culprit).map { "before \($0)" }
      for place in own + (0..<all.size).map({ "together \($0)" }) {
        let failure = try #require(throws: RemoteFailure.self) {
          _ = try work(all) { $0 == culprit && $1 == place }
        }
        #expect(failure.rank == culprit && failure.failures == 1)
        #expect((failure.underlying as? Trouble) == (all.rank == culprit ? Trouble(rank: culprit, place: place) : nil))
        #expect(try all.allReduce(1, .sum) == all.size)
      }
    }
  }

  @Test("of ranks that fail in the same round the lowest is told; a rank that failed later is not waited for")
  func several() throws {
    let all = try everyone()
    let failure = try #require(throws: RemoteFailure.self) { _ = try work(all) { $1 == "start" && $0 >= 0 } }
    #expect(failure.rank == 0 && failure.failures == all.size)
    let last = all.size - 1
    let mixed = try #require(throws: RemoteFailure.self) {
      _ = try work(all) { $0 == last ? $1 == "start" : $1 == "together 0" }
    }
    #expect(mixed.rank == last && mixed.failures == 1)
  }

  @Test("a producer that swallows the end of the work does not begin another round")
  func swallowed() throws {
    let all = try everyone()
    var rounds = 0
    let failure = try #require(throws: RemoteFailure.self) {
      try all.inRounds(4) { (give: (Int) throws -> Void) in
        for item in 0..<4 { try? give(item) }
      } together: { (_: Int?) in
        rounds += 1
        try all.barrier()
        if all.rank == 0 && rounds == 2 { throw Trouble(rank: 0, place: "2") }
      }
    }
    #expect(rounds == 2 && failure.rank == 0)
  }

  @Test("no rounds: ranks agree once, so that a failure of one is that of all")
  func none() throws {
    let all = try everyone()
    try all.inRounds(0) { (_: (Int) throws -> Void) in
    } together: { (_: Int?) in
    }
    let failure = try #require(throws: RemoteFailure.self) {
      try all.inRounds(0) { (_: (Int) throws -> Void) in
        if all.rank == all.size - 1 { throw Trouble(rank: all.rank, place: "start") }
      } together: { (_: Int?) in
      }
    }
    #expect(failure.rank == all.size - 1)
  }

  @Test("all attempts are made, and the first failure is kept")
  func firstFailure() throws {
    var failures = FirstFailure()
    #expect(failures.attempt { 1 } == 1)
    try failures.get()
    #expect(failures.attempt { () throws -> Int in throw Trouble(rank: 0, place: "a") } == nil)
    failures.attempt { throw Trouble(rank: 0, place: "b") }
    #expect(failures.attempt { 2 } == 2)
    #expect(throws: Trouble(rank: 0, place: "a")) { try failures.get() }
  }
}
