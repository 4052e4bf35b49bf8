import Foundation
import Host
import MessagePassing
import Networks
import TestSupport
import Testing
import Training

@testable import Ensembles

#if canImport(Glibc)
  import Glibc
#endif

/// Run with 1 to 4 ranks.
@MainActor @Suite struct MPIEnsembleTests {
  private nonisolated func hash(_ member: TrainedMember) -> UInt64 {
    var hash = FNV1a()
    for value in member.parameters + member.statistics { hash.add(UInt64(value.bitPattern)) }
    for epoch in member.history { hash.add(epoch.loss.bitPattern) }
    return hash.value
  }

  @Test("a member is the same whichever rank trains it, and every rank trains one")
  func sameMembers() throws {
    let all = try MPI.initialize().duplicate()
    let problem = try Problem(members: 5)
    let trainer = try problem.trainer()
    var hashes = [UInt64](repeating: 0, count: 5)
    let queue = try MemberQueue(try trainer.candidates(0..<5), over: all)
    let reports = try queue.run { hashes[$0] = hash(try trainer.train($0, for: queue)) }
    #expect(reports.allSatisfy { $0.outcome == .done })
    #expect(Set(reports.map(\.rank)) == Set(0..<min(5, all.size)))
    let trained = try all.allReduce(hashes, .maximum)
    let alone = try (0..<5).map { hash(try trainer.train($0)) }
    #expect(trained == alone)
    #expect(Set(alone).count == 5)
  }

  @Test(
    "members are the same for one, two and all ranks a member", arguments: [1, 2, nil],
    [(1, Problem.pyramid), (3, Problem.sparse)])
  func groups(ranksPerMember: Int?, problem: (members: Int, family: NetworkFamily)) throws {
    let all = try MPI.initialize().duplicate()
    let trainer = try Problem(
      family: problem.family, members: problem.members, epochs: 4, shards: 4,
      scope: problem.members == 1 ? .batch : .shard
    ).trainer()
    let candidates = try trainer.candidates(0..<problem.members)
    let groups = RankGroups(
      ranks: all.size, members: problem.members, ranksPerMember: ranksPerMember, shards: trainer.settings.fullShards)
    let memory = try NodeMemory(
      floats: trainer.settings.nodeMemory(0..<problem.members, ranks: all.size), over: all)
    let queue = try MemberQueue(candidates, over: all, groups: groups)
    var hashes = [UInt64](repeating: 0, count: problem.members)
    var shards = 0
    let reports = try queue.runCrews(memory: memory) { member, crew in
      hashes[member] = hash(try trainer.train(member, for: queue, in: crew))
      shards += crew.takeShards()
    }
    try memory.free()
    #expect(reports.map(\.outcome) == reports.map { _ in .done })
    #expect(try all.allReduce(shards, .minimum) > 0)
    let trained = try all.allReduce(hashes, .maximum)
    // All ranks that trained a member have all of it.
    for (hash, whole) in zip(hashes, trained) where hash != 0 { #expect(hash == whole) }
    let alone = try (0..<problem.members).map { hash(try trainer.train($0)) }
    #expect(trained == alone)
  }

  @Test(
    "a rank that becomes free joins a member in the middle and does not change it", arguments: [true, false],
    [true, false])
  func joining(sharesMemory: Bool, dividesState: Bool) throws {
    let all = try MPI.initialize().duplicate()
    guard all.size > 1 else { return }
    let problem = try Problem(family: Problem.pyramid, members: all.size, epochs: 4)
    var trainer = try problem.trainer()
    trainer.dividesOptimizerState = dividesState
    let groups = RankGroups(ranks: all.size, members: all.size, ranksPerMember: 1, shards: 2)
    let floats = try trainer.settings.nodeMemory(0..<all.size, ranks: all.size)
    let memory = try NodeMemory(floats: sharesMemory ? floats : 0, over: all)
    let queue = try MemberQueue(try trainer.candidates(0..<all.size), over: all, groups: groups)
    var late: (hash: UInt64, ranks: Int, shards: Int) = (0, 0, 0)
    let reports = try queue.runCrews(memory: memory) { member, crew in
      let isLate = member == groups.groups.count - 1
      // Its rank begins when another is on its way to it.
      while isLate && crew.isLeader && !queue.hasJoining {
        try queue.serve()
        usleep(1000)
      }
      let trained = try trainer.train(member, for: queue, in: crew)
      let shards = crew.takeShards()
      if isLate { late = (hash(trained), crew.ranks.count, shards) }
    }
    try memory.free()
    #expect(reports.allSatisfy { $0.outcome == .done })
    let alone = hash(try trainer.train(all.size - 1))
    let hashes = try all.allGather(late.hash)
    #expect(hashes.filter { $0 != 0 } == [alone, alone])
    #expect(late.hash == 0 || late.ranks == 2 && late.shards > 0)
  }

  @Test(
    "members that stop early or fail late, with ranks that join them, do not hang and are the same", arguments: [1, 2],
    [false, true])
  func earlyStopping(ranksPerMember: Int, fails: Bool) throws {
    struct Late: Error {}
    let all = try MPI.initialize().duplicate()
    let problem = try Problem(family: Problem.pyramid, members: 5, epochs: 8, rate: 0.1, shards: 4)
    var settings = problem.settings
    settings.recipe.earlyStopping = EarlyStopping(patience: 1)
    let trainer = MemberTrainer(
      settings, data: problem.data, scaling: problem.scaling, classes: Problem.classes, fingerprint: 77,
      team: try ThreadTeam(size: 1))
    let groups = RankGroups(ranks: all.size, members: 5, ranksPerMember: ranksPerMember, shards: settings.fullShards)
    let memory = try NodeMemory(floats: settings.nodeMemory(0..<5, ranks: all.size), over: all)
    let queue = try MemberQueue(try trainer.candidates(0..<5), over: all, groups: groups)
    var hashes = [UInt64](repeating: 0, count: 5)
    let reports = try queue.runCrews(memory: memory) { member, crew in
      let trained = try trainer.train(
        member, in: crew,
        hooks: MemberTrainer.Hooks(
          afterStep: { _ in try queue.serve() }, beforeLastEpoch: { if crew.isLeader { try queue.ask() } },
          afterEpoch: { epoch, _ in if fails && member == 0 && epoch == 2 { throw Late() } }))
      hashes[member] = hash(trained)
    }
    try memory.free()
    #expect(reports.map { $0.outcome == .done } == (0..<5).map { !fails || $0 > 0 })
    let trained = try all.allReduce(hashes, .maximum)
    let alone = try (0..<5).map { try trainer.train($0) }
    #expect(alone.contains { $0.history.count < 8 })
    #expect(trained == alone.map { fails && $0.index == 0 ? 0 : hash($0) })
  }

  @Test("a checkpoint of an optimizer that is divided over ranks is whole")
  func dividedCheckpoint() throws {
    struct Cut: Error {}
    let all = try MPI.initialize().duplicate()
    let problem = try Problem(family: Problem.pyramid, members: 1, epochs: 6, shards: 4)
    let straight = hash(try problem.trainer().train(0))
    try TemporaryFolder.with { folder in
      let folder = try all.broadcast(folder, from: 0)
      /// All ranks together, on from the last checkpoint, until an epoch ends.
      func train(cutAfter last: Int, divides: Bool) throws -> (member: TrainedMember?, epochs: [Int]) {
        var trainer = try problem.trainer()
        trainer.checkpoints = MemberCheckpoint(folder: folder, interval: .zero, fingerprint: 77)
        trainer.dividesOptimizerState = divides
        let groups = RankGroups(ranks: all.size, members: 1, ranksPerMember: nil, shards: 4)
        let memory = try NodeMemory(floats: trainer.settings.nodeMemory(0..<1, ranks: all.size), over: all)
        let queue = try MemberQueue(try trainer.candidates(0..<1), over: all, groups: groups)
        var (found, epochs): (TrainedMember?, [Int]) = (nil, [])
        _ = try queue.runCrews(memory: memory) { member, crew in
          #expect(crew.ranks.count == all.size)
          found = try trainer.train(
            member, in: crew,
            hooks: MemberTrainer.Hooks(afterEpoch: { epoch, _ in
              epochs.append(epoch)
              if epoch == last { throw Cut() }
            }))
        }
        try memory.free()
        return (found, epochs)
      }
      // The epoch that ends with the cut is not saved.
      #expect(try train(cutAfter: 3, divides: true).epochs == [1, 2, 3])
      #expect(try train(cutAfter: 4, divides: false).epochs == [3, 4])
      #expect(try train(cutAfter: 5, divides: true).epochs == [4, 5])
      let last = try train(cutAfter: 7, divides: true)
      #expect(last.epochs == [5, 6])
      #expect(last.member.map(hash) == straight)
      try all.barrier()
    }
  }

  @Test(
    "all ranks of a crew stop after the same step, and go on from there with other ranks", arguments: [false, true])
  func stopping(dividesState: Bool) throws {
    let all = try MPI.initialize().duplicate()
    let problem = try Problem(family: Problem.pyramid, members: 2, epochs: 3, bagging: false, shards: 4)
    let straight = try (0..<2).map { hash(try problem.trainer().train($0)) }
    try SharedFolder.with(all) { folder in
      var trainer = try problem.trainer()
      trainer.checkpoints = MemberCheckpoint(folder: folder, interval: .seconds(1000), fingerprint: 77)
      trainer.dividesOptimizerState = dividesState
      var hashes: [UInt64] = [0, 0]
      /// - Parameter asked: the rank that is asked to stop after its eighth step; nil: none.
      func train(ranksPerMember: Int?, asked: Int?) throws -> [MemberSchedule.Report] {
        let groups = RankGroups(ranks: all.size, members: 2, ranksPerMember: ranksPerMember, shards: 4)
        let memory = try NodeMemory(floats: trainer.settings.nodeMemory(0..<2, ranks: all.size), over: all)
        let queue = try MemberQueue(try trainer.candidates(0..<2), over: all, groups: groups)
        queue.stopRequest = try StopRequest(over: all)
        var steps = 0
        let reports = try queue.runCrews(memory: memory) { member, crew in
          let trained = try trainer.train(
            member, in: crew,
            hooks: MemberTrainer.Hooks(
              afterStep: { _ in
                steps += 1
                if all.rank == asked, steps == 8 { StopSignal.ask() }
                try queue.serve()
                // These steps are faster than the word that goes round.
                while asked != nil, steps == 8, crew.isLeader, !queue.isStopping { try queue.serve() }
              }, beforeLastEpoch: { if crew.isLeader { try queue.ask() } }, stops: { queue.isStopping }))
          hashes[member] = hash(trained)
        }
        StopSignal.forget()
        try queue.stopRequest?.settle()
        try memory.free()
        return reports
      }
      let stopped = try train(ranksPerMember: all.size, asked: all.size - 1)
      #expect(stopped.map(\.outcome) == [.stopped])
      #expect(FileManager.default.fileExists(atPath: trainer.checkpoints?.path(0) ?? ""))
      let reports = try train(ranksPerMember: 1, asked: nil)
      #expect(reports.map(\.outcome) == [.done, .done])
      #expect(try all.allReduce(hashes, .maximum) == straight)
      try all.barrier()
    }
  }

  @Test("members whose loss is no number are reported by all ranks, and all ranks go on")
  func notFinite() throws {
    let all = try MPI.initialize().duplicate()
    let trainer = try Problem(family: Problem.pyramid, members: 4, rate: 1e38).trainer()
    let queue = try MemberQueue(try trainer.candidates(0..<4), over: all)
    let reports = try queue.run { _ = try trainer.train($0, for: queue) }
    for (index, report) in reports.enumerated() {
      let line = try #require(report.line)
      #expect(line.hasPrefix("member \(index) stopped: ") && line.contains("Lower training.optimizer.rate"))
    }
    #expect(reports.count == 4)
  }
}
