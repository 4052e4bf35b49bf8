import Ensembles
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

  /// All members of a job, on every rank.
  ///
  /// - Throws: `RunError.noMembers`; `RunError.otherMember` for those of another job; `MemberFileError`, `HDF5Error`.
  func members(_ expected: ExpectedFiles) throws -> [TrainedMember] {
    try world.agree {
      try (0..<job.ensemble.members).map { member in
        guard RunPaths.exists(paths.member(member)) else { throw RunError.noMembers(folder: paths.members) }
        return try expected.member(member, paths.member(member))
      }
    }
  }
}
