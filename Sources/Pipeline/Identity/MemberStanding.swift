import Ensembles
import Foundation
import Host
import JobFiles
import Settings

/// What a trained member is to a job.
enum MemberStanding {
  /// It is the job's.
  case isDone(TrainedMember)
  /// It was trained for fewer epochs than the job has, and goes on from where it stands.
  case goesOn(TrainedMember, epochs: Int)
}

extension ExpectedFiles {
  /// What the member in a file is to this job.
  ///
  /// - Parameters:
  ///   - index: the member that it must be.
  ///   - checkpoints: where the states of members are.
  /// - Throws: `RunError.otherMember` when it is another job's, or has fewer epochs and cannot go on; `HDF5Error`,
  ///   `MemberFileError` when it cannot be read.
  func standing(_ index: Int, _ path: String, _ checkpoints: MemberCheckpoint) throws -> MemberStanding {
    guard let (epochs, fingerprint) = try shorterTraining(path) else { return .isDone(try member(index, path)) }
    let trained = try MemberFile.read(path, job: fingerprint, member: index)
    func refuse(_ reason: String) -> RunError {
      .otherMember(
        path,
        reason: "it was trained for \(epochs) of \(job.training.epochs) epochs (\(Job.epochsPath)) and cannot go on: "
          + reason)
    }
    let schedule = job.training.recipe.schedule
    guard !schedule.dependsOnTotal else {
      throw refuse(
        "the rate of the schedule \(type(of: schedule.shape).name) depends on the number of epochs from the first one "
          + "on, unless it has a length")
    }
    // One that was trained anew since it did not learn might have learnt in more epochs.
    guard job.ensemble.weakMembers != .retry || trained.attempt == 0 else { return .goesOn(trained, epochs: 0) }
    var checkpoints = checkpoints
    checkpoints.attempts = [index: trained.attempt]
    guard let there = checkpoints.epochs(index), there <= job.training.epochs else {
      throw refuse("the state of its training, \(checkpoints.path(index)), is not there or cannot be read")
    }
    return .goesOn(trained, epochs: there)
  }

  /// The trainings before this one that a member's next one counts, so that it goes on or is another.
  func attempt(of trained: TrainedMember) -> Int { job.ensemble.weakMembers == .retry ? 0 : trained.attempt }

  /// Of a member's file that differs from this job's by fewer epochs alone, how many they are, and its fingerprint; nil
  /// when it is another file.
  private func shorterTraining(_ path: String) throws -> (epochs: Int, fingerprint: UInt64)? {
    guard case (let fingerprint, let found?) = try MemberFile.origin(path), found != origin,
      found.training == origin.training, found.validation == origin.validation,
      let now = Self.value(origin.settings), let before = Self.value(found.settings),
      now.removing([Job.epochsPath]) == before.removing([Job.epochsPath]),
      let epochs = before[Job.epochsPath]?.integer, epochs < job.training.epochs
    else { return nil }
    return (epochs, fingerprint)
  }

  private static func value(_ text: String) -> SettingValue? {
    try? JSONDecoder().decode(SettingValue.self, from: Data(text.utf8))
  }

  /// Where the states of members are while they are trained, and those of trained ones that can go on.
  func checkpoints(in paths: RunPaths) -> MemberCheckpoint {
    var state = origin
    state.settings = job.stateText
    var checkpoints = MemberCheckpoint(
      folder: paths.members, interval: .seconds(60 * job.training.checkpoint), fingerprint: state.fingerprint)
    checkpoints.fullFingerprint = origin.fingerprint
    checkpoints.keepsLast = !job.training.recipe.schedule.dependsOnTotal
    checkpoints.steps = job.training.checkpointSteps
    return checkpoints
  }
}

/// Says which members go on.
enum StandingWords {
  /// - Parameters:
  ///   - begun: of each the epochs that are done.
  ///   - epochs: of the job.
  static func text(_ begun: [Int: Int], of epochs: Int) -> String {
    let kinds = Dictionary(grouping: begun.keys, by: { begun[$0] ?? 0 }).sorted { $0.key < $1.key }
    let lines = kinds.map { done, members in
      let one = members.count == 1
      let names = (one ? "member " : "members ") + members.sorted().map(String.init).joined(separator: ", ")
      guard done > 0 else {
        return
          "\(names): trained anew before for fewer than \(epochs) epochs; \(one ? "it begins" : "they begin") again."
      }
      return "\(names): \(done) of \(epochs) epochs are done; \(one ? "it goes" : "they go") on from there."
    }
    return lines.joined(separator: "\n")
  }
}
