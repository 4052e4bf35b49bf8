import Ensembles
import Foundation
import TestSupport
import Testing

@Suite struct SimulatedClusterTests {
  /// Members with costs from 1 to 10, evenly or evenly in their logarithm.
  private func members(_ count: Int, steep: Bool = false, seed: UInt64 = 1) -> [MemberSchedule.Candidate] {
    var random = TestRandom(seed)
    return (0..<count).map { member in
      let part = Double(random.uniform() + 1) / 2
      return MemberSchedule.Candidate(member: member, cost: steep ? pow(10, part) : 1 + 9 * part)
    }
  }

  @Test(
    "1000 members of a tenfold spread of costs on 256 ranks end within 5 % of the lower bound",
    arguments: [false, true], [0, 0.1])
  func equalRanks(steep: Bool, scatter: Double) {
    for seed in [1] as [UInt64] {
      var cluster = SimulatedCluster(speeds: Array(repeating: 1, count: 256))
      cluster.scatter = scatter
      cluster.seed = seed
      let result = cluster.run(members(1000, steep: steep, seed: seed))
      #expect(result.ratio >= 1 && result.ratio <= 1.05, "\(result.ratio)")
      #expect(result.members.reduce(0, +) == 1000)
      #expect(result.utilization > 0.9)
    }
  }

  @Test(
    "with one rank four times slower they end within 7 % of the lower bound", arguments: [false, true], [0, 0.1])
  func slowRank(steep: Bool, scatter: Double) {
    for seed in [2] as [UInt64] {
      var cluster = SimulatedCluster(speeds: Array(repeating: 1, count: 256))
      cluster.speeds[Int(seed) * 40] = 0.25
      cluster.scatter = scatter
      let result = cluster.run(members(1000, steep: steep, seed: seed))
      #expect(result.ratio >= 1 && result.ratio <= 1.07, "\(result.ratio)")
      #expect(result.members[Int(seed) * 40] > 0, "the slow rank works too")
      // Taken for as fast as the others, it makes them all wait for its first member.
      cluster.knowsSpeeds = false
      #expect(cluster.run(members(1000, steep: steep, seed: seed)).ratio > result.ratio)
    }
  }

  @Test("ranks of many speeds end together")
  func manySpeeds() {
    let cluster = SimulatedCluster(speeds: (0..<64).map { $0 % 4 == 0 ? 0.5 : $0 % 4 == 1 ? 3 : 1 })
    let result = cluster.run(members(500))
    #expect(result.ratio <= 1.07, "\(result.ratio)")
    #expect(result.utilization > 0.9)
  }

  @Test("what a speed is not known for is learnt from members that ended")
  func learns() {
    // Members are short beside the run, so that a wrong first one costs little.
    var cluster = SimulatedCluster(speeds: Array(repeating: 10, count: 8))
    cluster.speeds[3] = 2.5
    cluster.knowsSpeeds = false
    let result = cluster.run(members(1000))
    #expect(result.ratio <= 1.02, "\(result.ratio)")
  }

  @Test("ranks that become free join the members still in training, and all end sooner", arguments: [1, 2, nil])
  func joining(ranksPerMember: Int?) {
    let members = members(300)
    var cluster = SimulatedCluster(speeds: Array(repeating: 1, count: 256))
    cluster.epochs = 50
    let alone = cluster.run(members)
    cluster.shards = 4
    cluster.ranksPerMember = ranksPerMember
    let result = cluster.run(members)
    #expect(result.makespan < 0.8 * alone.makespan)
    #expect(result.utilization > alone.utilization)
    #expect(result.members.reduce(0, +) == 300)
    // Nothing is done twice, and nobody does another's work: groups of three leave one of them waiting for a shard.
    let work = members.reduce(0) { $0 + $1.cost }
    #expect(result.busy.reduce(0, +) >= work * (1 - 1e-9) && result.makespan >= result.lowerBound * (1 - 1e-9))
  }

  @Test("1000 members on 256 ranks that join others stay within 5 % of the lower bound, 7 % with a slow rank")
  func joiningThousand() {
    for (slow, limit) in [(false, 1.05), (true, 1.07)] {
      var cluster = SimulatedCluster(speeds: Array(repeating: 1, count: 256))
      if slow { cluster.speeds[80] = 0.25 }
      cluster.shards = 4
      let result = cluster.run(members(1000, steep: true, seed: 2))
      #expect(result.ratio >= 1 && result.ratio <= limit, "\(result.ratio)")
    }
  }

  @Test("a rank joins before an epoch, and the members' epochs last as long as its shards say")
  func joiningByEpochs() {
    // The second rank is free after 4 s and comes in at 5, when 15 of 20 are left for both.
    var cluster = SimulatedCluster(speeds: [1, 1])
    (cluster.epochs, cluster.shards) = (4, 2)
    let result = cluster.run([.init(member: 0, cost: 20), .init(member: 1, cost: 4)])
    #expect(abs(result.makespan - 12.5) < 1e-9)
    #expect(zip(result.busy, [12.5, 11.5]).allSatisfy { abs($0 - $1) < 1e-9 })
    // Four shards of three ranks: two for one of them.
    cluster.speeds = [1, 1, 1]
    cluster.shards = 4
    cluster.ranksPerMember = nil
    #expect(abs(cluster.run([.init(member: 0, cost: 20)]).makespan - 10) < 1e-9)
  }

  @Test("a rank that would make a group wait joins none")
  func slowRanksStayAway() {
    var cluster = SimulatedCluster(speeds: [1, 0.25])
    (cluster.epochs, cluster.shards) = (10, 2)
    let members = [MemberSchedule.Candidate(member: 0, cost: 100), .init(member: 1, cost: 5)]
    #expect(abs(cluster.run(members).makespan - 100) < 1e-9)
    cluster.speeds = [1, 0.75]
    #expect(cluster.run(members).makespan < 75)
  }

  @Test("in 2000 random runs with members that stop early and members that fail, every member ends and no rank is lost")
  func earlyEnds() {
    for seed in 1...2000 as ClosedRange<UInt64> {
      var random = TestRandom(seed)
      let ranks = random.integer(1...8)
      var cluster = SimulatedCluster(speeds: (0..<ranks).map { _ in Double(random.integer(1...4)) })
      cluster.epochs = random.integer(1...6)
      cluster.shards = random.integer(1...6)
      cluster.ranksPerMember = random.integer(0...1) == 0 ? nil : random.integer(1...3)
      cluster.knowsSpeeds = random.integer(0...1) == 0
      cluster.earlyEnds = Double(random.integer(0...2)) / 3
      cluster.failingMembers = Double(random.integer(0...1)) / 3
      cluster.seed = seed
      let members = members(random.integer(1...20), seed: seed)
      let result = cluster.run(members)
      #expect(result.members.reduce(0, +) == members.count, "seed \(seed)")
      let end = result.makespan * (1 + 1e-9)
      #expect(result.busy.allSatisfy { $0 >= 0 && $0 <= end }, "seed \(seed)")
      #expect(end >= result.lowerBound, "seed \(seed)")
      #expect(result.failedMembers == 0 || cluster.failingMembers > 0)
    }
  }

  @Test("a member that stops early takes the work of its epochs, and its rank joins another")
  func earlyEnd() {
    var cluster = SimulatedCluster(speeds: [1, 1])
    (cluster.epochs, cluster.shards, cluster.earlyEnds) = (4, 1, 1)
    let members = members(40)
    let early = cluster.run(members)
    cluster.earlyEnds = 0
    let whole = cluster.run(members)
    #expect(early.makespan < whole.makespan && early.failedMembers == 0)
    // All epochs from 1 to 4 are as likely: five eighths of the work.
    let (part, all) = (early.busy.reduce(0, +), whole.busy.reduce(0, +))
    #expect(part > 0.475 * all && part < 0.775 * all)
    cluster.failingMembers = 1
    let failed = cluster.run(members)
    #expect(failed.failedMembers == 40 && failed.members.reduce(0, +) == 40)
  }

  @Test("the lower bound is that of the largest members on the fastest ranks, or of all on all")
  func lowerBound() {
    #expect(SimulatedCluster(speeds: [1, 2]).lowerBound([6, 3, 3]) == 4)
    #expect(SimulatedCluster(speeds: [1, 2]).lowerBound([12]) == 6)
    #expect(SimulatedCluster(speeds: [1, 1, 1]).lowerBound([9, 6, 6]) == 9)
    var shared = SimulatedCluster(speeds: [1, 1, 1])
    shared.shards = 2
    #expect(shared.lowerBound([18]) == 9 && shared.lowerBound([9, 6, 6]) == 7)
    let result = SimulatedCluster(speeds: [1, 2]).run([.init(member: 0, cost: 12)])
    #expect(result.makespan == 6 && result.ratio == 1)
    #expect(result.members == [0, 1] && result.utilization == 0.5)
  }

  @Test("a failure ends the run, and what was saved is not done again")
  func failures() {
    var cluster = SimulatedCluster(speeds: Array(repeating: 1, count: 16))
    let members = members(100).map { MemberSchedule.Candidate(member: $0.member, cost: 600 * $0.cost) }
    let whole = cluster.run(members)
    #expect(whole.failures == 0 && whole.lost == 0)
    cluster.meanTimeToFailure = 16 * 1500
    let frequent = cluster.run(members)
    #expect(frequent.failures > 1)
    #expect(frequent.makespan > whole.makespan)
    #expect(frequent.members.reduce(0, +) == 100)
    #expect(frequent.lost > 0 && frequent.lost <= Double(frequent.failures * 16) * cluster.checkpoint)
    // All work was done once, and what was lost once more.
    let work = members.reduce(0) { $0 + $1.cost }
    #expect(abs(frequent.busy.reduce(0, +) - work - frequent.lost) < 1e-6 * work)
    cluster.checkpoint = 1e9
    #expect(cluster.run(members).lost > frequent.lost)
  }
}

@Suite struct MemberCostTests {
  @Test("the order of members follows what those that ended took, bytes included")
  func learnsBytes() {
    // Members 4 and 5 have few operations and move much.
    let bytes = [100.0, 100, 100, 100, 4000, 4000, 100, 100]
    let costs = [80.0, 70, 60, 50, 45, 12, 30, 20]
    let candidates = costs.indices.map { MemberSchedule.Candidate(member: $0, cost: costs[$0], bytes: bytes[$0]) }
    var schedule = MemberSchedule(candidates, ranks: 1)
    var order: [Int] = []
    var next = schedule.first(for: 0)
    while let member = next {
      order.append(member)
      schedule.finish(
        MemberSchedule.Report(
          member: member, rank: 0, outcome: .done, seconds: costs[member] + bytes[member] / 10))
      next = schedule.next(for: 0)
    }
    #expect(order == [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(Set(order).count == 8 && schedule.isComplete)
  }

  @Test("a rank that is much slower than the others gets no large member near the end")
  func refuses() {
    let candidates = (0..<5).map { MemberSchedule.Candidate(member: $0, cost: 10) }
    var schedule = MemberSchedule(candidates, ranks: 2, speeds: [1, 0.1])
    #expect(schedule.first(for: 0) == 0)
    // Ten members of the fast rank's time.
    #expect(schedule.first(for: 1) == nil)
    #expect((0..<4).compactMap { _ in schedule.next(for: 0) } == [1, 2, 3, 4])
  }
}
