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

  /// Trains the missing members, each on whichever group of ranks is free.
  ///
  /// - Throws: `RunError.membersFailed` when all others are trained and stored; `MemoryBudgetError`, `RemoteFailure`.
  func trainMembers() throws {
    let missing = try missingMembers()
    let done = settings.members - missing.count
    if done > 0 { log.note("\(done) of \(settings.members) members are trained already.") }
    guard !missing.isEmpty else { return }
    let dividesOptimizerState = try run.requireTrainingMemory()
    try world.barrier()
    team.timeline.begin(capacity: run.options.trace == nil ? 0 : 500_000)
    let training = try world.agree {
      try TrainingSet(
        data, scaling: inspection.scaling, targetScaling: inspection.targetScaling,
        patch: settings.patchExtents, overlap: settings.overlap, planes: settings.planes)
    }
    let validation = try world.agree {
      data.split.validate.isEmpty
        ? nil
        : try TrainingSet(
          data, part: .validate, scaling: inspection.scaling, targetScaling: inspection.targetScaling,
          patch: settings.patchExtents, planes: settings.planes)
    }
    var trainer = MemberTrainer(
      settings, data: training, validation: validation, scaling: inspection.scaling,
      targetScaling: inspection.targetScaling,
      classes: job.data.classes, fingerprint: fingerprint, team: team)
    var checkpoints = MemberCheckpoint(
      folder: paths.members, interval: .seconds(60 * job.training.checkpoint), fingerprint: fingerprint)
    checkpoints.earlierFingerprint = known.earlierFingerprint
    trainer.checkpoints = checkpoints
    trainer.dividesOptimizerState = dividesOptimizerState
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
    queue.watchForStalls(after: run.options.stallLimit) { [log, members = paths.members] stall in
      let text =
        "\(stall): it may hang, or its steps take longer than --stall-seconds. The others go on; members that are done are "
        + "in \(members)."
      // The messages of a run are rank 0's, which does not answer.
      if stall.isOfRoot { FileHandle.standardError.write(Data("tutti: \(text)\n".utf8)) } else { log.note(text) }
    }
    var shards = 0
    let ended = try queue.runCrews(memory: memory) { member, crew in
      defer { shards += crew.takeShards() }
      var trained = try trainer.train(member, for: queue, in: crew)
      trained.origin = expected.origin
      guard crew.isLeader else { return }
      try team.timeline.measure(.write) { try MemberFile.write(trained, to: paths.member(member)) }
      checkpoints.remove(member)
    }
    try memory.free()
    let use = try TimeUse(team.timeline, over: world)
    run.trained = TrainingReport(shardsOfRank: try world.allGather(shards), members: ended, time: use)
    var failures: [Int: String] = [:]
    for report in ended {
      if case .failed(let message) = report.outcome { failures[report.member] = message }
    }
    if !failures.isEmpty { throw RunError.membersFailed(failures, of: settings.members) }
    log.note("training took \(use.line)")
  }

  /// The members without a file of this job. Rank 0 looks.
  private func missingMembers() throws -> [Int] {
    let bytes = try world.fromRoot {
      try RunPaths.makeFolder(paths.members)
      return try (0..<settings.members).map { member in
        guard RunPaths.exists(paths.member(member)) else { return 1 }
        do {
          _ = try expected.member(member, paths.member(member))
          return 0
        } catch {
          guard run.options.overwrite else { throw error }
          return 1
        }
      }
    }
    return bytes.indices.filter { bytes[$0] != 0 }
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
