import Foundation
import Host
import MessagePassing
import TestSupport
import Testing

@testable import Ensembles

/// The real queue on real ranks, driven through random schedules: members that stop early, members that fail, ranks
/// that join. Run with 1 to 4 ranks; for 8: `TUTTI_ALL=1 mpirun -n 8 --oversubscribe … --filter MPIRandomSchedule`.
///
/// `TUTTI_ALL` runs 2,500 schedules for each number of ranks; `TUTTI_SCHEDULE` names one seed to be run again.
@MainActor @Suite struct MPIRandomScheduleTests {
  private static var seeds: [UInt64] {
    get throws {
      let environment = ProcessInfo.processInfo.environment
      if let seed = environment["TUTTI_SCHEDULE"].flatMap(UInt64.init) { return [seed] }
      let first = UInt64(try MPI.initialize().size) * 1_000_000
      return Array(first..<first + (environment["TUTTI_ALL"] == nil ? 150 : 2500))
    }
  }

  @Test("in random schedules no rank hangs, every member is done or reported, and has the bits of one rank alone")
  func randomSchedules() throws {
    let all = try MPI.initialize().duplicate()
    let team = try ThreadTeam(size: 1)
    let memory = try NodeMemory(floats: 8 * RandomSchedule.parameters, over: all)
    Watchdog.start(seconds: 60)
    defer { Watchdog.stop() }
    for seed in try Self.seeds {
      Watchdog.begin("schedule \(seed) of \(all.size) ranks on rank \(all.rank)")
      let schedule = RandomSchedule(seed: seed, ranks: all.size)
      let queue = try MemberQueue(
        schedule.candidates, over: all, groups: schedule.groups, speeds: schedule.speeds)
      // Some that nothing is heard of by then are told of, which is no failure.
      queue.watchForStalls(after: .seconds(1)) { _ in }
      queue.stopRequest = try StopRequest(over: all)
      var stored: [Int: UInt64] = [:]
      var steps = 0
      let reports = try queue.runCrews(memory: seed % 3 == 0 ? nil : memory) { member, crew in
        let state = try schedule.train(member, in: crew, for: queue, rank: all.rank, team: team, steps: &steps)
        if crew.isLeader { stored[member] = state }
      }
      StopSignal.forget()
      try queue.stopRequest?.settle()
      let isStopped = try all.allReduce(queue.isStopping ? 1 : 0, .maximum) == 1
      if !isStopped { #expect(reports.map(\.member) == Array(schedule.members.indices), "schedule \(seed)") }
      for report in reports {
        if isStopped, report.outcome == .stopped {
          #expect(stored[report.member] == nil, "schedule \(seed)")
          continue
        }
        let isDone = schedule.members[report.member].isDone
        #expect(report.outcome == (isDone ? .done : .failed(message: "as planned")), "schedule \(seed)")
        #expect(report.rank != all.rank || isDone == (stored[report.member] != nil), "schedule \(seed)")
      }
      for (member, state) in stored {
        #expect(state == schedule.expected(member, team: team), "schedule \(seed), member \(member)")
      }
      var hash: UInt64 = 0
      for report in reports { hash = hash &* 31 &+ UInt64(report.rank) &+ report.seconds.bitPattern }
      #expect(try all.allAgree(on: hash))
    }
    try memory.free()
  }
}
