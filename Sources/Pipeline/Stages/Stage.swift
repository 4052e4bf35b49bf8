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

  /// Whether images are what is covered. Of images that are classified each is one pixel.
  var isByImage: Bool { job.uncertainty.unit == .image && !job.task.answersImages }

  /// All members of a job, on every rank.
  ///
  /// - Throws: `RunError.noMembers`, `MemberFileError` for members of another job.
  func members(_ count: Int, fingerprint: UInt64) throws -> [TrainedMember] {
    try world.agree {
      try (0..<count).map { member in
        guard RunPaths.exists(paths.member(member)) else { throw RunError.noMembers(folder: paths.members) }
        return try MemberFile.read(paths.member(member), job: fingerprint, member: member)
      }
    }
  }

  /// Whether rank 0 finds something usable at a path; the answer is the same on all ranks.
  func rootFinds(_ path: String, _ look: (String) throws -> Any?) throws -> Bool {
    try world.fromRoot {
      guard RunPaths.exists(path) else { return [0] }
      return try look(path) == nil ? [0] : [1]
    } == [1]
  }
}
