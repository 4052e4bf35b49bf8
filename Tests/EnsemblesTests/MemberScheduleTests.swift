import Testing

@testable import Ensembles

@Suite struct MemberScheduleTests {
  private func candidates(_ costs: [Double]) -> [MemberSchedule.Candidate] {
    costs.enumerated().map { MemberSchedule.Candidate(member: $0, cost: $1) }
  }

  private func report(_ member: Int, by rank: Int) -> MemberSchedule.Report {
    MemberSchedule.Report(member: member, rank: rank, outcome: .done, seconds: 1)
  }

  @Test("members go largest first, equal ones by their number")
  func order() {
    let schedule = MemberSchedule(candidates([2, 5, 2, 9, 5]), ranks: 2)
    #expect(schedule.order.map(\.member) == [3, 1, 4, 0, 2])
    #expect(schedule.first(for: 0) == 3)
    #expect(schedule.first(for: 1) == 1)
  }

  @Test("every member is given once and every rank is told when none is left")
  func all() {
    var schedule = MemberSchedule(candidates([1, 2, 3, 4, 5]), ranks: 3)
    var given = (0..<3).map { ($0, schedule.first(for: $0)) }
    for rank in [2, 0, 1, 1, 2, 0] {
      let member = schedule.next(for: rank)
      if member != nil { given.append((rank, member)) }
      #expect(!schedule.isComplete)
    }
    #expect(given.compactMap(\.1).sorted() == [0, 1, 2, 3, 4])
    for (rank, member) in given {
      #expect(!schedule.isComplete)
      if let member { schedule.finish(report(member, by: rank)) }
    }
    // Rank 0 took its second member but asked once more; ranks 1 and 2 did too.
    #expect(schedule.isComplete)
    #expect(Set(schedule.reports.keys) == [0, 1, 2, 3, 4])
  }

  @Test("a schedule is not complete before the last rank has been told that none is left")
  func told() {
    var schedule = MemberSchedule(candidates([1, 1]), ranks: 2)
    schedule.finish(report(0, by: 0))
    schedule.finish(report(1, by: 1))
    #expect(schedule.next(for: 0) == nil)
    #expect(!schedule.isComplete)
    #expect(schedule.next(for: 1) == nil)
    #expect(schedule.isComplete)
  }

  @Test("a schedule that stops gives nothing more away, and is complete when what was given has ended")
  func stopping() {
    var schedule = MemberSchedule(candidates([5, 4, 3, 2, 1]), ranks: 2)
    schedule.stop()
    #expect(schedule.next(for: 0) == nil && schedule.next(for: 1) == nil)
    #expect(!schedule.isComplete)
    schedule.finish(MemberSchedule.Report(member: 0, rank: 0, outcome: .stopped, seconds: 1))
    #expect(!schedule.isComplete)
    schedule.finish(report(1, by: 1))
    #expect(schedule.isComplete)
  }

  @Test("a rank whose members stop early, or go on from checkpoints, is not taken for a fast one", arguments: [0.1, 1])
  func early(share: Double) {
    var model = MemberCostModel(speeds: [1, 1])
    for member in 0..<10 {
      let candidate = MemberSchedule.Candidate(member: member, cost: 100)
      // Those of rank 1 take a tenth of the time.
      _ = model.note(candidate, share: member % 2 == 0 ? 1 : share, rank: member % 2, seconds: member % 2 == 0 ? 10 : 1)
    }
    #expect((model.speeds[1] / model.speeds[0] < 1.3) == (share == 0.1))
  }

  @Test("a rank above the number of members gets none and holds nothing up")
  func spare() throws {
    var schedule = MemberSchedule(candidates([1, 2, 3]), ranks: 4)
    #expect(schedule.first(for: 3) == nil)
    for rank in 0..<3 {
      schedule.finish(report(schedule.order[rank].member, by: rank))
      #expect(schedule.next(for: rank) == nil)
    }
    #expect(schedule.isComplete)
  }

  @Test("without members a schedule is complete from the start")
  func none() {
    let schedule = MemberSchedule([], ranks: 3)
    #expect(schedule.isComplete)
  }
}
