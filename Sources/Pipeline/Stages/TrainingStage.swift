import Ensembles
import Foundation
import Host
import Imaging
import JobFiles
import MessagePassing

/// Trains the members that are not trained yet.
struct TrainingStage: Stage {
  let run: Run
  let known: InspectedJob
  let workers: Workers
  let expected: ExpectedFiles

  var settings: EnsembleSettings { known.settings }
  var inspection: Inspection { known.inspection }
  var fingerprint: UInt64 { expected.origin.fingerprint }
  var data: LearningData { known.data }
  var team: ThreadTeam { workers.team }

  /// Inspects the data and starts threads.
  ///
  /// - Throws: on all ranks, `RemoteFailure` with what is wrong.
  init(_ run: Run) throws {
    self.run = run
    known = try run.inspected()
    workers = try run.workers()
    expected = try run.expectedFiles()
  }

  /// Trains the missing members, and tells, or trains anew, those that did not learn.
  ///
  /// - Parameter trainsMissing: whether a member that is missing is trained, or an error.
  /// - Throws: `RunError.membersFailed` when all others are trained and stored; `RunError.membersMissing`,
  ///   `MemoryBudgetError`, `RemoteFailure`.
  func trainMembers(missing trainsMissing: Bool) throws {
    let (states, attempts) = try memberStates()
    let wanted = run.options.members ?? 0...settings.members - 1
    guard wanted.upperBound < settings.members else {
      throw RunError.noSuchMember(wanted.upperBound, of: settings.members)
    }
    let missing = wanted.filter { states[$0] == .missing }
    guard trainsMissing || missing.isEmpty else {
      throw RunError.membersMissing(missing, of: settings.members, folder: paths.members)
    }
    let done = wanted.count { states[$0] == .isThere }
    run.tellPlan(known.opened, members: wanted.count, trained: done)
    run.tell(.training, Double(done) / Double(max(1, wanted.count)))
    if done > 0 { log.note("\(done) of \(wanted.count) members are trained already.") }
    let failed = wanted.filter { states[$0] == .failed }
    let causes = try causes(of: failed)
    if missing.isEmpty {
      if !failed.isEmpty { try leaveOut(causes) }
    } else {
      try train(missing, attempts: attempts, failed: causes)
    }
    // Members that other runs train may not be there.
    guard run.options.members == nil else { return try removeLeftovers(of: wanted) }
    var verdicts = try MemberCheck(self).verdicts()
    if job.ensemble.weakMembers == .retry {
      // Each once: what was trained anew is kept.
      let found = try weakAttempts(verdicts).filter { $0.value == 0 }
      if !found.isEmpty {
        tell(verdicts, found.keys.sorted(), "is trained once more from other initial weights")
        try train(found.keys.sorted(), attempts: found.mapValues { $0 + 1 }, failed: causes)
        verdicts = try MemberCheck(self).verdicts()
      }
    }
    let isOut = job.ensemble.weakMembers == .leaveOut && verdicts.weak.count < verdicts.members.count
    tell(verdicts, verdicts.weak, isOut ? "is left out of the ensemble" : "is in the ensemble all the same")
    if !verdicts.weak.isEmpty, !isOut {
      log.note(
        "train such members anew with ‘tutti run --retrain \(verdicts.weak.map(String.init).joined(separator: ","))’, or set "
          + "ensemble.weak-members: retry or leave-out; more epochs or another rate may help all of them.")
    }
    try removeLeftovers(of: wanted)
  }

  /// Removes what a run that was killed just after it had stored a member left beside it.
  private func removeLeftovers(of members: ClosedRange<Int>) throws {
    let checkpoints = expected.checkpoints(in: paths)
    try world.onRoot {
      for member in members where RunPaths.exists(paths.member(member)) {
        checkpoints.tidy(member)
        try RunPaths.remove(paths.failure(member))
      }
    }
  }

  private func tell(_ verdicts: MemberVerdicts, _ numbers: [Int], _ what: String) {
    for (number, reason) in zip(verdicts.members, verdicts.reasons) where numbers.contains(number) {
      if let reason { log.note("member \(number) did not learn: \(reason). It \(what).") }
    }
  }

  /// Of members that did not learn how often they were trained before.
  private func weakAttempts(_ verdicts: MemberVerdicts) throws -> [Int: Int] {
    let attempts = try world.agree { try verdicts.weak.map { try expected.member($0, paths.member($0)).attempt } }
    return Dictionary(uniqueKeysWithValues: zip(verdicts.weak, attempts))
  }

  /// Trains members, each on whichever group of ranks is free.
  ///
  /// - Parameters:
  ///   - attempts: of those that are trained anew, the number of trainings before.
  ///   - failed: members that failed before and are not tried again, with the causes.
  private func train(_ missing: [Int], attempts: [Int: Int], failed: [Int: String]) throws {
    let form = try run.requireTrainingMemory()
    if form.keepsImagesInFile { log.note(run.imagesInFile(known.opened)) }
    let scaling = try run.scaling(inspection.scaling, of: .train, .validate)
    try world.barrier()
    team.timeline.begin(capacity: run.options.trace == nil ? 0 : 500_000)
    let images = form.keepsImagesInFile ? try NodeFile(in: paths.folder, name: "training-images", over: world) : nil
    func fills(_ region: Int) -> Bool { images?.isOwn(region) ?? true }
    let training = try world.agree {
      try TrainingSet(
        data, scaling: scaling, targetScaling: inspection.targetScaling, patch: settings.patchExtents,
        overlap: settings.overlap, planes: settings.planes, in: images?.file, fills: fills)
    }
    let validation = try world.agree {
      data.split.validate.isEmpty
        ? nil
        : try TrainingSet(
          data, part: .validate, scaling: scaling, targetScaling: inspection.targetScaling,
          patch: settings.patchExtents, planes: settings.planes, in: images?.file, fills: fills)
    }
    var trainer = MemberTrainer(
      settings, data: training, validation: validation, scaling: scaling,
      targetScaling: inspection.targetScaling,
      classes: job.data.classes, fingerprint: fingerprint, team: team)
    var checkpoints = expected.checkpoints(in: paths)
    checkpoints.earlierFingerprint = known.earlierFingerprint
    checkpoints.processor = workers.processor
    checkpoints.requiresSameProcessor = run.options.sameBits
    checkpoints.attempts = attempts
    trainer.checkpoints = checkpoints
    trainer.attempts = attempts
    trainer.dividesOptimizerState = form.dividesState
    trainer.retryFactor = job.training.retry
    trainer.warn = log.warn
    let candidates = try world.agree { try trainer.candidates(missing) }
    let groups = RankGroups(
      ranks: world.size, members: missing.count, ranksPerMember: run.ranksPerMember.map { min($0, world.size) },
      shards: settings.fullShards)
    if let remark = run.remark(ofRanks: world.size) { log.note(remark) }
    log.note(
      "training \(missing.count) \(missing.count == 1 ? "member" : "members") on \(world.size) "
        + "\(world.size == 1 ? "rank" : "ranks")")
    if let remark = groups.remark(members: missing.count) { log.note(remark) }
    let floats = try world.agree { try settings.nodeMemory(missing, ranks: world.size) }
    let memory = try NodeMemory(floats: floats, over: world)
    if let remark = memory.remark { log.note("ranks of a node exchange gradients by messages. \(remark)") }
    let progress = log.progress
    // Where each group has one member there is nothing to choose.
    let choose = candidates.count > groups.groups.count && groups.groups.count > 1 && !workers.sharesCores
    let speeds = choose ? try trainer.speeds(candidates, over: world) : nil
    let queue = try MemberQueue(candidates, over: world, groups: groups, speeds: speeds) { progress($0) }
    queue.timeline = team.timeline
    queue.stopRequest = run.stop
    let hosts = try world.allGather(Array(try MPI.processorName().utf8)).map { String(decoding: $0, as: UTF8.self) }
    queue.watchForStalls(after: run.options.stallLimit) { [log, members = paths.members] stall in
      let text =
        "\(stall): it may hang, or its steps take longer than --stall-seconds. The others go on; members that are done are "
        + "in \(members)."
      // The messages of a run are rank 0's, which does not answer.
      if stall.isOfRoot { log.warn(text) } else { log.note(text) }
    }
    if let limit = run.options.lossLimit {
      queue.watchForLosses(after: max(limit, run.options.stallLimit)) { [log] lost in
        let names = lost.map { "rank \($0.rank) on \(hosts[$0.rank]), \($0.doing)" }.joined(separator: "; ")
        log.warn(
          "no word for \(limit.components.seconds) s (--lost-seconds) from \(names): taken for lost, and the run "
            + "ends. Members that are done and checkpoints are kept; the same command goes on from them.")
        MPI.abort("", code: RunError.lostStatus)
      }
    }
    var shards = 0
    let ended = try queue.runCrews(memory: memory) { member, crew in
      defer { shards += crew.takeShards() }
      do {
        var trained = try trainer.train(member, for: queue, in: crew)
        trained.origin = expected.origin
        trained.processor = workers.processor
        guard crew.isLeader else { return }
        try team.timeline.measure(.write) { try MemberFile.write(trained, to: paths.member(member)) }
        checkpoints.tidy(member)
        try RunPaths.remove(paths.failure(member))
      } catch {
        if crew.isLeader { record(error, of: member) }
        throw error
      }
    }
    try memory.free()
    let use = try TimeUse(team.timeline, over: world)
    run.trained = TrainingReport(shardsOfRank: try world.allGather(shards), members: ended, time: use)
    // Members that nobody has begun are in no report.
    guard ended.count == missing.count, !ended.contains(where: { $0.outcome == .stopped }) else { throw Interruption() }
    var failures = failed
    for report in ended {
      if case .failed(let message) = report.outcome { failures[report.member] = message }
    }
    if !failures.isEmpty { try leaveOut(failures) }
    log.note("training took \(use.line)")
  }

  /// Keeps the cause of a member's failure beside the members, if that can be written.
  private func record(_ error: any Error, of member: Int) {
    guard !(error is Interruption), !(error is MPIError) else { return }
    let failure = MemberFailure(member: member, seed: job.training.seed, error: error, fingerprint: fingerprint)
    do {
      try failure.write(to: paths.failure(member))
    } catch {
      log.warn("\(error)")
    }
  }

  /// Goes on without members that failed, if enough remain.
  ///
  /// - Throws: `RunError.membersFailed`.
  private func leaveOut(_ failures: [Int: String]) throws {
    let left = settings.members - failures.count
    guard let minimum = job.ensemble.minimumMembers, left >= minimum, left > 0 else {
      throw RunError.membersFailed(failures, of: settings.members)
    }
    for (member, cause) in failures.sorted(by: { $0.key < $1.key }) {
      log.note("warning: member \(member) is left out (seed \(job.training.seed)): \(cause)")
    }
    log.note("\(left) of \(settings.members) members remain; ensemble.minimum-members is \(minimum).")
  }

  /// What is there of a member.
  private enum MemberState: UInt8 {
    case isThere, missing
    /// It failed before, and would again.
    case failed
  }

  /// What is there of each member, and of those that are to be trained anew the number of trainings before. Rank 0
  /// looks.
  private func memberStates() throws -> (states: [MemberState], attempts: [Int: Int]) {
    var processors: Set<String> = []
    let checkpoints = expected.checkpoints(in: paths)
    /// Of members that were trained for fewer epochs, how many are done.
    var begun: [Int: Int] = [:]
    var attempts = [UInt8](repeating: 0, count: settings.members)
    let bytes = try world.fromRoot {
      try RunPaths.makeFolder(paths.members)
      let states = try (0..<settings.members).map { member -> MemberState in
        guard RunPaths.exists(paths.member(member)) else {
          let failure = MemberFailure(paths.failure(member), fingerprint: fingerprint)
          let isCertain = failure?.isCertain == true && job.ensemble.minimumMembers != nil
          return isCertain && !run.options.overwrite ? .failed : .missing
        }
        do {
          let standing = try expected.standing(member, paths.member(member), checkpoints)
          let trained: TrainedMember
          switch standing {
          case .isDone(let member), .goesOn(let member, _): trained = member
          }
          if let processor = trained.processor, processor != workers.processor { processors.insert(processor) }
          if run.options.retrained.contains(member) {
            attempts[member] = UInt8(clamping: trained.attempt + 1)
            return .missing
          }
          guard case .goesOn(_, let epochs) = standing else { return .isThere }
          attempts[member] = UInt8(clamping: expected.attempt(of: trained))
          begun[member] = epochs
          return .missing
        } catch {
          guard run.options.overwrite else { throw error }
          return .missing
        }
      }
      if !begun.isEmpty { log.note(StandingWords.text(begun, of: job.training.epochs)) }
      if let other = processors.sorted().first, states.contains(.missing) {
        guard !run.options.sameBits else { throw RunError.otherProcessor(other, here: workers.processor) }
        log.note(
          "warning: members were trained on another kind of processor (\(other); here: \(workers.processor)): bits may "
            + "differ from those of one kind. --same-bits refuses to go on.")
      }
      return states.map(\.rawValue) + attempts
    }
    let again = bytes.suffix(settings.members).enumerated().filter { $0.element > 0 }
    return (
      bytes.prefix(settings.members).map { MemberState(rawValue: $0) ?? .missing },
      Dictionary(uniqueKeysWithValues: again.map { ($0.offset, Int($0.element)) })
    )
  }

  /// Why members failed in an earlier run. Rank 0 looks.
  private func causes(of members: [Int]) throws -> [Int: String] {
    guard !members.isEmpty else { return [:] }
    let bytes = try world.fromRoot {
      let causes = members.map { MemberFailure(paths.failure($0), fingerprint: fingerprint)?.cause ?? "unknown" }
      return Array(try JSONEncoder().encode(causes))
    }
    return Dictionary(uniqueKeysWithValues: zip(members, try JSONDecoder().decode([String].self, from: Data(bytes))))
  }
}

/// What a training did, for the results' provenance.
struct TrainingReport {
  /// For each rank the shards that it computed.
  let shardsOfRank: [Int]
  /// What became of the members.
  let members: [MemberSchedule.Report]
  /// Where the time went.
  let time: TimeUse
}
