import Ensembles
import Foundation
import Imaging
import JobFiles
import MessagePassing

extension Run {
  /// What a job takes, by its plan.
  public struct Estimate: Hashable, Sendable {
    /// Seconds of training.
    public var seconds: Double
    /// Bytes of memory of a rank.
    public var memory: Int
    /// Bytes of members, checkpoints and results.
    public var disk: Int
  }

  /// What the job takes on so many ranks: the time of training by playing the schedule through, memory as `check` tells it.
  /// Collective.
  ///
  /// - Parameters:
  ///   - threads: of each rank.
  ///   - speed: of a thread, in floating-point operations a second.
  /// - Throws: as `plan(ranks:)`.
  public func estimate(ranks: Int, threads: Int, speed: Double) throws -> Estimate {
    let known = try inspected()
    let cluster = SimulatedCluster(speeds: Array(repeating: speed * Double(threads), count: ranks))
    let seconds = try simulated(on: cluster).result.makespan
    return try world.agree {
      let training = try trainingBudget(
        known.opened, ranks: ranks, threads: threads,
        TrainingForm(dividesState: job.training.optimizerState == .divided))
      let predictions = try [MemberCheck.part(of: known.truth), .calibrate, .test].map {
        try predictionBudget(known.opened, of: $0, ranks: ranks, threads: threads).bytes
      }
      let members = try memberFiles(known.settings, ranks: ranks)
      let voxels = known.truth.split.test.reduce(0) { $0 + $1.extents.count }
      let channels = known.settings.answer.channels
      let levels = known.opened.levels.count
      return Estimate(
        seconds: seconds, memory: max(training.bytes, predictions.max() ?? 0),
        disk: members.weights + members.states + voxels * channels * (8 + 8 * levels) + 10_000_000)
    }
  }

  /// Bytes of the files of all members: their weights, and the states of their trainings, of which two are there of each
  /// member that is trained and one is kept of each that can go on when there are to be more epochs.
  ///
  /// - Throws: as `EnsembleSettings.member(_:)`.
  func memberFiles(_ settings: EnsembleSettings, ranks: Int) throws -> (weights: Int, states: Int) {
    let costs = try (0..<settings.members).map { try settings.member($0).costs }
    let states = costs.map { MemoryBudget.checkpoint($0, settings: settings) }
    let atOnce = (states.max() ?? 0) * min(ranks, settings.members)
    return (
      costs.reduce(0) { $0 + 4 * ($1.parameters + $1.statistics) },
      settings.recipe.schedule.dependsOnTotal ? 2 * atOnce : states.reduce(0, +) + atOnce
    )
  }
}
