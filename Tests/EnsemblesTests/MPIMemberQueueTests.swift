import Foundation
import MessagePassing
import TestSupport
import Testing

@testable import Ensembles

private struct Broken: Error, CustomStringConvertible { let description: String }

/// Run with 1 to 4 ranks.
@MainActor @Suite struct MPIMemberQueueTests {
  private func candidates(_ count: Int) -> [MemberSchedule.Candidate] {
    (0..<count).map { MemberSchedule.Candidate(member: $0, cost: Double($0 * 7 % 5)) }
  }

  @Test("every member is trained exactly once and every rank trains one", arguments: [4, 5, 13])
  func once(count: Int) throws {
    let all = try MPI.initialize().duplicate()
    let queue = try MemberQueue(candidates(count), over: all)
    var trained: [Int] = []
    let reports = try queue.run { member in
      trained.append(member)
      // Steps of a training: rank 0 answers between them, and the next member is asked for before the end.
      for step in 0..<4 {
        if step == 2 { try queue.ask() }
        try queue.serve()
      }
    }
    #expect(reports.map(\.member) == Array(0..<count))
    #expect(reports.allSatisfy { $0.outcome == .done && $0.seconds >= 0 })
    #expect(trained.sorted() == reports.filter { $0.rank == all.rank }.map(\.member))
    if count >= all.size { #expect(!trained.isEmpty) }
    #expect(try all.allReduce(trained.count, .sum) == count)
  }

  @Test("a rank that says nothing for too long is reported once, one that serves is not")
  func stall() throws {
    let all = try MPI.initialize().duplicate()
    let queue = try MemberQueue(
      (0..<all.size).map { MemberSchedule.Candidate(member: $0, cost: Double(all.size - $0)) }, over: all)
    var missing: [[Int]] = []
    queue.watchForStalls(after: .milliseconds(400)) { missing.append($0.silent) }
    let silent = all.size - 1
    _ = try queue.run { _ in
      let start = ContinuousClock.now
      while ContinuousClock.now - start < .milliseconds(1500) {
        usleep(20_000)
        if all.rank != silent || silent == 0 { try queue.serve() }
      }
    }
    #expect(missing == (all.rank == 0 && silent > 0 ? [[silent]] : []))
  }

  @Test("a rank that is silent for longer still is taken for lost, with what it was last known to do")
  func loss() throws {
    let all = try MPI.initialize().duplicate()
    guard all.size > 1 else { return }
    let queue = try MemberQueue(
      (0..<all.size).map { MemberSchedule.Candidate(member: $0, cost: Double(all.size - $0)) }, over: all)
    queue.watchForStalls(after: .milliseconds(200)) { _ in }
    var lost: [Int: String] = [:]
    queue.watchForLosses(after: .milliseconds(500)) { for loss in $0 { lost[loss.rank] = loss.doing } }
    let silent = all.size - 1
    _ = try queue.run { member in
      try queue.tell(epoch: 1, of: 3, member: member, loss: 0)
      let start = ContinuousClock.now
      while ContinuousClock.now - start < .milliseconds(1200) {
        usleep(10_000)
        if all.rank != silent { try queue.serve() }
      }
    }
    #expect(lost == (all.rank == 0 ? [silent: "in epoch 2 of member \(silent)"] : [:]))
  }

  @Test("when rank 0 is silent, the ranks that wait for it tell of it themselves")
  func stallOfRoot() throws {
    let all = try MPI.initialize().duplicate()
    let queue = try MemberQueue(candidates(2 * all.size), over: all)
    var told: [Stall] = []
    queue.watchForStalls(after: .milliseconds(400)) { told.append($0) }
    var isFirst = true
    _ = try queue.run { _ in
      if all.rank == 0, isFirst { usleep(1_500_000) }
      isFirst = false
    }
    #expect(told.map(\.silent) == (all.rank == 0 ? [] : [[0]]))
    #expect(told.allSatisfy { $0.isOfRoot && $0.waiting.isEmpty })
  }

  @Test("ranks that wait for one that is heard of but does not come are told of, with what they wait for")
  func longWait() throws {
    let all = try MPI.initialize().duplicate()
    let groups = RankGroups(ranks: all.size, members: 1, ranksPerMember: nil, shards: all.size)
    let queue = try MemberQueue(candidates(1), over: all, groups: groups)
    var told: [Stall] = []
    queue.watchForStalls(after: .milliseconds(400)) { told.append($0) }
    let late = all.size - 1
    _ = try queue.runCrews { _, crew in
      let start = ContinuousClock.now
      while all.rank == late, late > 0, ContinuousClock.now - start < .milliseconds(1500) {
        usleep(10_000)
        try queue.serve()
      }
      try crew.meet()
    }
    #expect(told.allSatisfy { $0.silent.isEmpty })
    #expect(Set(told.flatMap(\.waiting.keys)) == (all.rank == 0 ? Set(0..<late) : []))
    if all.rank == 0, late > 0 {
      let others = (1...late).map(String.init).joined(separator: ", ")
      #expect(told.contains { $0.waiting[0] == "rank \(others) between two epochs" })
    }
  }

  @Test("a rank that is known to be slow begins with a smaller member, or with none")
  func slowRank() throws {
    let all = try MPI.initialize().duplicate()
    guard all.size > 1 else { return }
    let slow = all.size - 1
    // The first is the costliest.
    let members = (0..<20).map { MemberSchedule.Candidate(member: $0, cost: Double(20 - $0)) }
    for speed in [1, 0.2, 0.001] {
      let queue = try MemberQueue(members, over: all, speeds: (0..<all.size).map { $0 == slow ? speed : 1 })
      var trained: [Int] = []
      let reports = try queue.run { trained.append($0) }
      #expect(reports.count == 20)
      guard all.rank == slow else { continue }
      if speed == 1 { #expect(trained.first == slow) }
      if speed == 0.2 { #expect(try #require(trained.first) > slow, "a smaller one than its place among alike ranks") }
      if speed == 0.001 { #expect(trained.isEmpty) }
    }
  }

  @Test("all ranks end with the same reports")
  func sameReports() throws {
    let all = try MPI.initialize().duplicate()
    let reports = try MemberQueue(candidates(6), over: all).run { _ in }
    var hash: UInt64 = 0
    for report in reports {
      hash = (hash &* 31 &+ UInt64(report.rank)) &* 31 &+ UInt64(report.member) ^ report.seconds.bitPattern
    }
    #expect(try all.allAgree(on: hash))
  }

  @Test("a member that fails is reported with its cause and does not stop the others")
  func failure() throws {
    let all = try MPI.initialize().duplicate()
    let long = String(repeating: "x€", count: 10_000)
    let reports = try MemberQueue(candidates(7), over: all).run { member in
      if member == 3 { throw Broken(description: "loss became NaN") }
      if member == 5 { throw Broken(description: long) }
    }
    #expect(reports.count == 7)
    #expect(reports[3].outcome == .failed(message: "loss became NaN"))
    #expect(reports[3].line == "member 3 stopped: loss became NaN")
    guard case .failed(let message) = reports[5].outcome else {
      Issue.record("member 5 did not fail")
      return
    }
    #expect(long.hasPrefix(message) && message.count >= 900)
    #expect(!message.contains("\u{FFFD}"))
    #expect(reports.count { $0.outcome == .done } == 5)
    // All ranks have the same words.
    let hash = message.utf8.reduce(UInt64(1)) { $0 &* 31 &+ UInt64($1) }
    #expect(try all.allAgree(on: hash))
  }

  @Test("ranks without a member wait for the others and learn of all ends")
  func spareRanks() throws {
    let all = try MPI.initialize().duplicate()
    let queue = try MemberQueue(candidates(1), over: all)
    var trained = 0
    let reports = try queue.run { _ in trained += 1 }
    #expect(reports.map(\.rank) == [0])
    #expect(trained == (all.rank == 0 ? 1 : 0))
  }

  @Test("without members nobody waits")
  func nothing() throws {
    let all = try MPI.initialize().duplicate()
    #expect(try MemberQueue([], over: all).run { _ in }.isEmpty)
  }

  @Test("rank 0 hears of the progress of all members")
  func progress() throws {
    let all = try MPI.initialize().duplicate()
    var heard: [MemberQueue.Progress] = []
    let queue = try MemberQueue(candidates(5), over: all) { heard.append($0) }
    let reports = try queue.run { member in
      for epoch in 1...3 { try queue.tell(epoch: epoch, of: 3, member: member, loss: Double(member) + 0.5) }
    }
    guard all.rank == 0 else {
      #expect(heard.isEmpty)
      return
    }
    #expect(heard.count == 15)
    for report in reports {
      let own = heard.filter { $0.member == report.member }
      #expect(own.map(\.epoch) == [1, 2, 3])
      #expect(own.allSatisfy { $0.rank == report.rank && $0.epochs == 3 && $0.loss == Double(report.member) + 0.5 })
    }
  }

  @Test("two queues after each other do not mix their messages")
  func twice() throws {
    let all = try MPI.initialize().duplicate()
    for count in [3, 8] {
      let reports = try MemberQueue(candidates(count), over: all).run { _ in }
      #expect(reports.map(\.member) == Array(0..<count))
    }
  }
}
