/// Notices ranks that have not been heard of for a while, and ranks that wait for long.
struct StallWatch {
  typealias Instant = ContinuousClock.Instant

  /// The silence after which a rank is missing.
  let limit: Duration
  private var heard: [Instant]
  private var isTold: [Bool]
  private var looked: Instant
  private var waiting: [Int: String] = [:]
  /// The silence after which a rank is lost; nil: never.
  var lossLimit: Duration?

  init(ranks: Int, limit: Duration, now: Instant = .now) {
    self.limit = limit
    heard = Array(repeating: now, count: ranks)
    isTold = Array(repeating: false, count: ranks)
    looked = now
  }

  /// How often a rank says that it is there.
  var heartbeat: Duration { limit / 4 }
  /// After which a rank says that it waits: by then a rank that is silent has been noticed.
  var longestWait: Duration { limit + limit / 4 }

  /// Takes note of a word from a rank.
  mutating func hear(_ rank: Int, now: Instant = .now) {
    heard[rank] = now
    isTold[rank] = false
  }

  /// Takes note that a rank has waited for too long.
  mutating func hear(_ rank: Int, waitsFor wait: String) { waiting[rank] = wait }

  /// Whether it is time to look; before, all messages that are there are taken.
  func isDue(now: Instant = .now) -> Bool { now - looked >= limit / 10 }

  /// The ranks among these that are taken for lost.
  func lost(among ranks: some Sequence<Int>, now: Instant = .now) -> [Int] {
    guard let lossLimit else { return [] }
    return ranks.filter { now - heard[$0] >= lossLimit }
  }

  /// What is to be told of these ranks: each silence once, and long waits unless a silence explains them.
  mutating func stall(among ranks: some Sequence<Int>, now: Instant = .now) -> Stall? {
    guard isDue(now: now) else { return nil }
    looked = now
    let silent = ranks.filter { now - heard[$0] >= limit }
    var stall = Stall(seconds: Int(limit.components.seconds))
    stall.silent = silent.filter { !isTold[$0] }
    for rank in silent { isTold[rank] = true }
    if silent.isEmpty { stall.waiting = waiting }
    waiting = [:]
    return stall.silent.isEmpty && stall.waiting.isEmpty ? nil : stall
  }
}
