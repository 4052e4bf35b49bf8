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
        known.opened, ranks: ranks, threads: threads, dividesState: job.training.optimizerState == .divided)
      let predictions = try [Part.calibrate, .test].map {
        try predictionBudget(known.opened, of: $0, ranks: ranks, threads: threads).bytes
      }
      // Weights, and checkpoints of weights and optimizer, two of each member, on their way.
      let weights = try (0..<known.settings.members).reduce(0) {
        $0 + 4 * (try known.settings.member($1).costs.parameters)
      }
      let voxels = known.truth.split.test.reduce(0) { $0 + $1.extents.count }
      let channels = known.settings.answer.channels
      let levels = known.opened.levels.count
      return Estimate(
        seconds: seconds, memory: max(training.bytes, predictions.max() ?? 0),
        disk: 8 * weights + voxels * channels * (8 + 8 * levels) + 10_000_000)
    }
  }
}
