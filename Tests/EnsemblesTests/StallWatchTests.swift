import Testing

@testable import Ensembles

@Suite struct StallWatchTests {
  @Test("ranks that work and are silent for too long are told once, until they are heard of again")
  func missing() {
    let start = ContinuousClock.now
    var watch = StallWatch(ranks: 4, limit: .seconds(10), now: start)
    func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }
    watch.hear(1, now: at(5))
    #expect(watch.stall(among: 0...2, now: at(9)) == nil)
    #expect(watch.stall(among: 0...2, now: at(12))?.silent == [0, 2])
    #expect(watch.stall(among: 0...2, now: at(14)) == nil)
    #expect(watch.stall(among: 0...2, now: at(16))?.silent == [1])
    watch.hear(2, now: at(17))
    #expect(watch.stall(among: 0...3, now: at(20))?.silent == [3])
    let again = watch.stall(among: 2...2, now: at(28))
    #expect(again?.description == "no word from rank 2 for 10 s" && again?.isOfRoot == false)
    #expect(watch.heartbeat < .seconds(10))
  }

  @Test("a rank that waits for long is told of with what it waits for, unless a silent rank explains it")
  func waits() {
    let start = ContinuousClock.now
    var watch = StallWatch(ranks: 3, limit: .seconds(10), now: start)
    func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }
    for rank in 0...2 { watch.hear(rank, now: at(12)) }
    watch.hear(1, waitsFor: Wait(.step, ranks: [0, 2]).text)
    watch.hear(2, waitsFor: Wait(.answer, ranks: [0]).text)
    #expect(
      watch.stall(among: 0...2, now: at(13))?.description
        == "rank 1 has waited 10 s for rank 0, 2 in a training step; rank 2 has waited 10 s for rank 0 to give the next member"
    )
    #expect(watch.stall(among: 0...2, now: at(15)) == nil)
    // Rank 1 is heard of, the others are not.
    watch.hear(1, now: at(20))
    watch.hear(1, waitsFor: Wait(.step, ranks: [0, 2]).text)
    #expect(watch.stall(among: 0...2, now: at(23))?.description == "no word from rank 0, 2 for 10 s")
    #expect(watch.stall(among: 0...2, now: at(25)) == nil)
    #expect(watch.longestWait > .seconds(10) + watch.heartbeat / 2)
  }

  @Test("ranks that are silent for the limit of a loss are taken for lost, and without such a limit none is")
  func lost() {
    let start = ContinuousClock.now
    var watch = StallWatch(ranks: 3, limit: .seconds(10), now: start)
    watch.hear(1, now: start + .seconds(5))
    #expect(watch.lost(among: 0...2, now: start + .seconds(1000)) == [])
    watch.lossLimit = .seconds(30)
    #expect(watch.lost(among: 0...2, now: start + .seconds(29)) == [])
    #expect(watch.lost(among: 0...2, now: start + .seconds(31)) == [0, 2])
    #expect(watch.lost(among: 1...1, now: start + .seconds(35)) == [1])
  }

  @Test("it does not look at the ranks at every step")
  func seldom() {
    let start = ContinuousClock.now
    var watch = StallWatch(ranks: 2, limit: .seconds(10), now: start)
    for second in [999, 1999, 2999] {
      watch.hear(1, waitsFor: "rank 0")
      #expect(watch.stall(among: 0...1, now: start + .milliseconds(second)) == nil)
      #expect(watch.stall(among: 0...1, now: start + .milliseconds(second + 1)) != nil)
    }
  }
}
