import Testing

@testable import Ensembles

@Suite struct StallWatchTests {
  @Test("ranks that work and are silent for too long are told once, until they are heard of again")
  func missing() {
    let start = ContinuousClock.now
    var watch = StallWatch(ranks: 4, limit: .seconds(10), now: start)
    func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }
    watch.hear(1, now: at(5))
    #expect(watch.missing(among: { [0, 1, 2] }, now: at(9)) == [])
    #expect(watch.missing(among: { [0, 1, 2] }, now: at(12)) == [0, 2])
    #expect(watch.missing(among: { [0, 1, 2] }, now: at(14)) == [])
    #expect(watch.missing(among: { [0, 1, 2] }, now: at(16)) == [1])
    watch.hear(2, now: at(17))
    #expect(watch.missing(among: { [0, 1, 2, 3] }, now: at(20)) == [3])
    #expect(watch.missing(among: { [2] }, now: at(28)) == [2])
    #expect(watch.heartbeat < .seconds(10))
  }

  @Test("it does not look at the ranks at every step")
  func seldom() {
    let start = ContinuousClock.now
    var watch = StallWatch(ranks: 2, limit: .seconds(10), now: start)
    var looks = 0
    for milliseconds in 1...3000 {
      _ = watch.missing(
        among: {
          looks += 1
          return [1]
        }, now: start + .milliseconds(milliseconds))
    }
    #expect(looks == 3)
  }
}
