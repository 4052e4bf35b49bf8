import Host
import JobFiles
import Pipeline
import Testing

@Suite struct TimeUseTests {
  private func phases(_ seconds: [Timeline.Phase: Double]) -> [Double] {
    Timeline.Phase.allCases.map { seconds[$0] ?? 0 }
  }

  @Test("efficiency is the part of all ranks' time that is work; the line tells who waited")
  func efficiency() {
    let use = TimeUse(
      phases: [phases([.forward: 3, .backward: 6, .exchange: 1]), phases([.forward: 2, .backward: 4, .wait: 4])],
      elapsed: 10)
    #expect(use.efficiency == 0.75)
    #expect(
      use.line == "10.0 s: forward 25.0 %, backward 50.0 %, exchange 5.0 %, wait 20.0 %, other 0.0 %; parallel "
        + "efficiency 0.75; rank 1 waited longest, 4.0 s")
  }

  @Test("a rank alone has no parallel efficiency to tell")
  func alone() {
    let use = TimeUse(phases: [phases([.load: 1, .forward: 1])], elapsed: 4)
    #expect(use.line == "4.0 s: load 25.0 %, forward 25.0 %, other 50.0 %")
  }
}
