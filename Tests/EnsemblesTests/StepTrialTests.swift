import Foundation
import Testing

@testable import Ensembles

@Suite("Trials of steps") struct StepTrialTests {
  @Test("time in which the thread does not run is no processor time")
  func clocks() {
    let (wall, processor) = (StepTrial.Clock.wall.now, StepTrial.Clock.processor.now)
    Thread.sleep(forTimeInterval: 0.05)
    #expect(StepTrial.Clock.wall.now - wall >= 0.05)
    #expect(StepTrial.Clock.processor.now - processor < 0.025)
  }
}
