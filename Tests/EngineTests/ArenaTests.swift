import Networks
import TestSupport
import Testing

@testable import Engine

/// Places by liveness.
@Suite struct ArenaTests {
  private func requests(_ random: inout TestRandom) -> [Arena.Request] {
    (0..<random.integer(0...40)).map { _ in
      let first = random.integer(-1...30)
      return Arena.Request(
        floats: random.integer(0...3) == 0 ? 0 : random.integer(1...500), first: first,
        last: first + random.integer(0...12))
    }
  }

  @Test func `buffers that live at one time share no float and lie on whole cache lines`() {
    var random = TestRandom(5)
    for _ in 0..<200 {
      let requests = requests(&random)
      let arena = Arena(requests)
      for (a, first) in requests.enumerated() {
        #expect(arena.offsets[a] % 16 == 0)
        #expect(arena.offsets[a] + first.floats <= arena.floats)
        for (b, second) in requests.enumerated().dropFirst(a + 1) {
          guard first.first <= second.last, second.first <= first.last, first.floats > 0, second.floats > 0 else {
            continue
          }
          #expect(
            arena.offsets[a] + first.floats <= arena.offsets[b] || arena.offsets[b] + second.floats <= arena.offsets[a])
        }
      }
    }
  }

  @Test func `the arena is at least the peak of what lives at once, at most the sum, and the same every time`() {
    var random = TestRandom(6)
    for _ in 0..<200 {
      let requests = requests(&random)
      let arena = Arena(requests)
      let sizes = requests.map { roundUp($0.floats, to: 16) }
      let peak =
        (-1...45).map { time in
          zip(requests, sizes).reduce(0) { $0 + ($1.0.first <= time && time <= $1.0.last ? $1.1 : 0) }
        }.max() ?? 0
      #expect(arena.floats >= peak)
      #expect(arena.floats <= sizes.reduce(0, +))
      #expect(Arena(requests).offsets == arena.offsets)
    }
  }

  @Test func `buffers that follow one another take one place`() {
    let arena = Arena((0..<10).map { Arena.Request(floats: 64, first: 2 * $0, last: 2 * $0 + 1) })
    #expect(arena.floats == 64)
  }
}
