import Foundation
import MessagePassing
import Networks
import TestSupport
import Testing

@testable import Ensembles

@Suite struct MemberTrainerTests {
  @Test(
    "training a member again, on one thread or two, gives the same bits", arguments: [Problem.sparse, Problem.pyramid])
  func sameBits(family: NetworkFamily) throws {
    let problem = try Problem(family: family)
    let first = try problem.trainer().train(1)
    for threads in [1, 2] {
      let again = try problem.trainer(threads: threads).train(1)
      #expect(haveSameBits(first.parameters, again.parameters))
      #expect(haveSameBits(first.statistics, again.statistics))
      #expect(first == again)
    }
  }

  @Test("weights move, the loss falls, and members differ in network, bag and weights")
  func membersDiffer() throws {
    let problem = try Problem(epochs: 8)
    let trainer = try problem.trainer()
    let members = try [0, 1, 2].map { try trainer.train($0) }
    for member in members {
      let layout = try member.graph.layout(extents: [12, 12])
      #expect(member.parameters != layout.initialParameters(seed: 11, member: member.index))
      #expect(member.statistics != layout.initialStatistics())
      #expect(member.history.count == 8)
      let (first, last) = (member.history[0].loss, member.history[7].loss)
      #expect(last < 0.8 * first)
    }
    #expect(Set(members.map(\.graph)).count == 3)
    #expect(Set(members.map(\.bag)).count == 3)
    #expect(Set(members.map(\.parameters)).count == 3)
  }

  @Test("without bagging every member sees all units, with it some are left out")
  func bags() throws {
    let whole = try Problem(bagging: false).trainer().train(0)
    #expect(whole.bag == Bag(drawn: Array(0..<6), outOfBag: []))
    let problem = try Problem()
    for index in 0..<3 {
      let bag = problem.data.sample(seed: 11, member: index, bagging: true)
      #expect(bag.drawn.count == 6)
      #expect(Set(bag.drawn).isDisjoint(with: bag.outOfBag))
      #expect(Set(bag.drawn).union(bag.outOfBag) == Set(0..<6))
    }
  }

  @Test("a member that is cut short goes on from its checkpoint with the same bits")
  func checkpoint() throws {
    struct Cut: Error {}
    let problem = try Problem(epochs: 6)
    let straight = try problem.trainer().train(1)
    try TemporaryFolder.with { folder in
      var trainer = try problem.trainer()
      let checkpoints = MemberCheckpoint(folder: folder, interval: .zero, fingerprint: 77)
      trainer.checkpoints = checkpoints
      func train(cutAfter last: Int?) throws -> (member: TrainedMember?, epochs: [Int]) {
        var epochs: [Int] = []
        do {
          let member = try trainer.train(
            1,
            hooks: MemberTrainer.Hooks(afterEpoch: { epoch, _ in
              epochs.append(epoch)
              if epoch == last { throw Cut() }
            }))
          return (member, epochs)
        } catch is Cut {
          return (nil, epochs)
        }
      }
      // The epoch that ends with the cut is not saved.
      #expect(try train(cutAfter: 4).epochs == [1, 2, 3, 4])
      #expect(try train(cutAfter: 5).epochs == [4, 5])
      let last = try train(cutAfter: nil)
      #expect(last.epochs == [5, 6])
      #expect(last.member == straight)
      // What another job left is no checkpoint of this one.
      trainer.checkpoints = MemberCheckpoint(folder: folder, interval: .zero, fingerprint: 78)
      #expect(try train(cutAfter: 1).epochs == [1])
      trainer.checkpoints = MemberCheckpoint(folder: folder, interval: .seconds(1000), fingerprint: 78)
      #expect(try train(cutAfter: nil).epochs == [1, 2, 3, 4, 5, 6])
      checkpoints.remove(1)
      #expect(try train(cutAfter: nil).epochs.count == 6)
    }
  }

  @Test(
    "a member that is stopped in the middle of an epoch goes on with the same bits, from the last checkpoint that is whole"
  )
  func stopping() throws {
    let problem = try Problem(epochs: 4, bagging: false)
    let straight = try problem.trainer().train(1)
    try TemporaryFolder.with { folder in
      var trainer = try problem.trainer()
      let checkpoints = MemberCheckpoint(folder: folder, interval: .seconds(1000), fingerprint: 77)
      trainer.checkpoints = checkpoints
      var warnings: [String] = []
      trainer.warn = { warnings.append($0) }
      /// Six steps an epoch.
      func train(stepsBeforeStop: Int?) throws -> (member: TrainedMember?, steps: Int) {
        var steps = 0
        do {
          let member = try trainer.train(
            1,
            hooks: MemberTrainer.Hooks(
              afterStep: { _ in steps += 1 }, stops: { stepsBeforeStop.map { steps >= $0 } ?? false }))
          return (member, steps)
        } catch is Interruption {
          return (nil, steps)
        }
      }
      #expect(try train(stepsBeforeStop: 1).steps == 2)
      #expect(try train(stepsBeforeStop: 4).steps == 5)
      let files = [checkpoints.path(1), checkpoints.previous(1)]
      #expect(files.allSatisfy { FileManager.default.fileExists(atPath: $0) })
      #expect(warnings.isEmpty)
      // Damage of the last one costs what the one before does not have.
      try Data([0, 1, 2]).write(to: URL(fileURLWithPath: files[0]))
      let last = try train(stepsBeforeStop: nil)
      #expect(last.steps == 4 * 6 - 2)
      #expect(last.member == straight)
      #expect(warnings.count == 1 && warnings[0].hasPrefix("a checkpoint of member 1 is passed over: \(files[0])"))
    }
  }

  @Test("checkpoints at a number of steps; one that cannot be written is told, and training goes on")
  func failingCheckpoint() throws {
    let problem = try Problem(epochs: 2, bagging: false)
    let straight = try problem.trainer().train(0)
    var trainer = try problem.trainer()
    var checkpoints = MemberCheckpoint(folder: "/nowhere", interval: .seconds(1000), fingerprint: 77)
    checkpoints.steps = 5
    trainer.checkpoints = checkpoints
    var warnings: [String] = []
    trainer.warn = { warnings.append($0) }
    #expect(try trainer.train(0) == straight)
    // After steps 5 and 10 of 12.
    #expect(warnings.count == 2)
    #expect(warnings.allSatisfy { $0.hasPrefix("a checkpoint of member 0 could not be written") })
  }

  @Test("going on on another kind of processor is told, or refused")
  func otherProcessor() throws {
    let problem = try Problem(epochs: 2)
    try TemporaryFolder.with { folder in
      var trainer = try problem.trainer()
      var checkpoints = MemberCheckpoint(folder: folder, interval: .zero, fingerprint: 77)
      checkpoints.processor = "A"
      trainer.checkpoints = checkpoints
      var warnings: [String] = []
      trainer.warn = { warnings.append($0) }
      #expect(throws: Interruption.self) {
        _ = try trainer.train(0, hooks: MemberTrainer.Hooks(stops: { true }))
      }
      checkpoints.processor = "B"
      checkpoints.requiresSameProcessor = true
      trainer.checkpoints = checkpoints
      #expect {
        _ = try trainer.train(0)
      } throws: { error in
        guard case .otherProcessor(_, "A", "B") = error as? EnsembleError else { return false }
        return true
      }
      trainer.checkpoints?.requiresSameProcessor = false
      _ = try trainer.train(0)
      #expect(warnings.count == 1 && warnings[0].contains("another kind of processor (A; here: B)"))
    }
  }

  @Test("a member whose loss is no number is trained once more at a lower rate, if that is asked for")
  func retry() throws {
    let problem = try Problem(family: Problem.pyramid, epochs: 2, rate: 1e38)
    var trainer = try problem.trainer()
    var warnings: [String] = []
    trainer.warn = { warnings.append($0) }
    trainer.retryFactor = 1e-40
    let member = try trainer.train(0)
    #expect(member.rateFactor == 1e-40 && member.history.count == 2)
    #expect(member.earlierFailure?.contains("Lower training.optimizer.rate") == true)
    #expect(warnings.count == 1 && warnings[0].hasPrefix("member 0 is trained again at 1e-40 of the learning rate: "))
    // As one that has the lower rate from the beginning.
    let low = try Problem(family: Problem.pyramid, epochs: 2, rate: 1e38 * 1e-40).trainer().train(0)
    #expect(low.parameters == member.parameters && low.history == member.history && low.earlierFailure == nil)
    try TemporaryFolder.with { folder in
      try MemberFile.write(member, to: folder + "/member.h5")
      #expect(try MemberFile.read(folder + "/member.h5") == member)
    }
    trainer.retryFactor = 0.999
    #expect(throws: (any Error).self) { _ = try trainer.train(0) }
  }

  @Test("hooks are called after every step and epoch, and once before the last epoch")
  func hooks() throws {
    let problem = try Problem(bagging: false)
    var steps = 0
    var events: [String] = []
    _ = try problem.trainer().train(
      0,
      hooks: MemberTrainer.Hooks(
        afterStep: { _ in steps += 1 }, beforeLastEpoch: { events.append("last") },
        afterEpoch: { epoch, _ in events.append("\(epoch)") }))
    // Six images of four patches each, in batches of four.
    #expect(steps == 3 * 6)
    #expect(events == ["1", "2", "last", "3"])
  }

  @Test("a rate beyond reason stops the member with an error that says what to do")
  func notFinite() throws {
    let problem = try Problem(family: Problem.pyramid, epochs: 5, rate: 1e38)
    #expect {
      _ = try problem.trainer().train(0)
    } throws: { error in
      "\(error)".contains("Lower training.optimizer.rate")
    }
  }

  @Test("candidates cost the operations of all their samples")
  func costs() throws {
    let problem = try Problem(bagging: false)
    let candidates = try problem.trainer().candidates(0..<3)
    for (index, candidate) in candidates.enumerated() {
      let costs = try problem.settings.member(index).graph.costs(extents: [12, 12])
      #expect(candidate.member == index)
      #expect(candidate.cost == Double(costs.trainingFLOPs * 24 * 3))
    }
  }
}
