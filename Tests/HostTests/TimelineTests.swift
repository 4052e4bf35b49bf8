import Glibc
import Host
import Testing

@Suite struct TimelineTests {
  /// Spends at least some microseconds.
  private func spend(_ microseconds: UInt32) { usleep(microseconds) }

  @Test func `a phase within another counts as itself`() {
    let timeline = Timeline()
    timeline.begin(capacity: 10)
    let outer = timeline.start()
    spend(2000)
    timeline.measure(.exchange) { spend(3000) }
    spend(1000)
    timeline.end(.backward, outer)
    let seconds = timeline.seconds
    #expect(seconds[Timeline.Phase.exchange.rawValue] >= 0.003)
    #expect(seconds[Timeline.Phase.backward.rawValue] >= 0.003)
    let sum = seconds.reduce(0, +)
    #expect(sum <= timeline.elapsed)
    let trace = timeline.trace
    #expect(trace.map(\.phase) == [Timeline.Phase.exchange, .backward].map { Int32($0.rawValue) })
    #expect(trace[1].start <= trace[0].start)
    #expect(trace[1].start + trace[1].duration >= trace[0].start + trace[0].duration)
    // The outer one is as long as both together.
    #expect(abs(Double(trace[1].duration) * 1e-9 - sum) < 1e-9)
  }

  @Test func `a trace keeps as many events as it has room for, with the member at work`() {
    let timeline = Timeline()
    timeline.begin(capacity: 2)
    timeline.member = 7
    for _ in 0..<5 { timeline.measure(.load) {} }
    #expect(timeline.trace.map(\.member) == [7, 7])
    #expect(timeline.dropped == 3)
    timeline.begin()
    timeline.measure(.load) {}
    #expect(timeline.trace.isEmpty && timeline.dropped == 0)
  }
}
