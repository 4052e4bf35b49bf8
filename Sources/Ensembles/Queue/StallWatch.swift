/// Notices ranks that have not been heard of for a while.
struct StallWatch {
  typealias Instant = ContinuousClock.Instant

  /// The silence after which a rank is missing.
  let limit: Duration
  private var heard: [Instant]
  private var isTold: [Bool]
  private var looked: Instant

  init(ranks: Int, limit: Duration, now: Instant = .now) {
    self.limit = limit
    heard = Array(repeating: now, count: ranks)
    isTold = Array(repeating: false, count: ranks)
    looked = now
  }

  /// How often a rank that works says so.
  var heartbeat: Duration { limit / 4 }

  /// Takes note of a word from a rank.
  mutating func hear(_ rank: Int, now: Instant = .now) {
    heard[rank] = now
    isTold[rank] = false
  }

  /// Those ranks that have been silent for too long since they were last heard of; each silence is told once.
  ///
  /// - Parameter working: ranks that should be heard of.
  mutating func missing(among working: () -> [Int], now: Instant = .now) -> [Int] {
    guard now - looked >= limit / 10 else { return [] }
    looked = now
    let missing = working().filter { now - heard[$0] >= limit && !isTold[$0] }
    for rank in missing { isTold[rank] = true }
    return missing
  }
}
