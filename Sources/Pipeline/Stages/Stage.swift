import Ensembles
import Host
import JobFiles
import MessagePassing

/// One of the stages of a run. Its initializer opens what it needs of the job. All methods are collective.
protocol Stage {
  var run: Run { get }
}

extension Stage {
  var job: Job { run.job }
  var world: Communicator { run.world }
  var paths: RunPaths { run.paths }
  var log: Log { run.log }

  /// What is taken for independent. Of images that are classified each is one pixel.
  var unit: Job.UncertaintySection.Unit {
    job.task.answersImages && job.uncertainty.unit == .image ? .pixel : job.uncertainty.unit
  }

  /// Predicts with members as the job says, in the memory that the run has for tiles.
  ///
  /// - Throws: as `EnsemblePredictor.init`.
  func predictor(_ members: [TrainedMember], team: ThreadTeam) throws -> EnsemblePredictor {
    let ensemble = try EnsemblePredictor(members, team: team)
    ensemble.bytesAtOnce = run.cacheBytes
    ensemble.averagesFlips = job.prediction.augment == .flips
    return ensemble
  }

  /// All members of a job, on every rank, as `membersHere`. Collective.
  ///
  /// - Throws: `RemoteFailure` of what `membersHere` throws.
  func members(_ expected: ExpectedFiles) throws -> [TrainedMember] {
    try world.agree { try membersHere(expected) }
  }

  /// All members of a job, without those that failed, where enough remain, and without those that did not learn when the
  /// job leaves them out. This rank alone.
  ///
  /// - Throws: `RunError.noMembers`, also before it is known which of them learnt; `RunError.otherMember` for those of
  ///   another job; `MemberFileError`, `HDF5Error`.
  func membersHere(_ expected: ExpectedFiles) throws -> [TrainedMember] {
    let members = try (0..<job.ensemble.members).compactMap { member -> TrainedMember? in
      guard RunPaths.exists(paths.member(member)) else {
        let failure = MemberFailure(paths.failure(member), fingerprint: expected.origin.fingerprint)
        guard failure != nil, job.ensemble.minimumMembers != nil else {
          throw RunError.noMembers(folder: paths.members)
        }
        return nil
      }
      return try expected.member(member, paths.member(member))
    }
    guard !members.isEmpty, members.count >= job.ensemble.minimumMembers ?? job.ensemble.members else {
      throw RunError.noMembers(folder: paths.members)
    }
    guard job.ensemble.weakMembers == .leaveOut else { return members }
    guard RunPaths.exists(paths.verdicts) else { throw RunError.noMembers(folder: paths.members) }
    let verdicts = try MemberVerdicts(paths.verdicts)
    guard verdicts.members == members.map(\.index), verdicts.hashes == members.map(\.answerHash) else {
      throw RunError.otherJob(paths.verdicts, reason: "is of other members")
    }
    return members.filter { verdicts.strong.contains($0.index) }
  }
}
