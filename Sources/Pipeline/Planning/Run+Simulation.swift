import Ensembles
import Foundation
import Imaging
import JobFiles

extension Run {
  /// Plays the training of a job's members through on a cluster that exists in numbers only.
  ///
  /// - Parameters:
  ///   - cluster: its speeds are in floating-point operations a second; what the job says of epochs and groups is
  ///   filled in.
  /// - Throws: as `EnsembleSettings.member(_:)`.
  public func simulate(on cluster: SimulatedCluster) throws -> SimulationReport {
    let clock = ContinuousClock()
    let start = clock.now
    let (candidates, result) = try simulated(on: cluster)
    return SimulationReport(
      job.name, costs: candidates.map(\.cost), result, seconds: (clock.now - start) / .seconds(1))
  }

  /// The members, and what became of them on a simulated cluster.
  func simulated(
    on cluster: SimulatedCluster
  ) throws -> (candidates: [MemberSchedule.Candidate], result: SimulatedCluster.Result) {
    let opened = try opened()
    let settings = opened.settings
    let units = try world.agree { try opened.units() }
    let patches = settings.patchesPerEpoch(of: units)
    let candidates = try world.agree {
      try (0..<settings.members).map { index in
        MemberSchedule.Candidate(
          member: index,
          cost: try settings.member(index).cost(samplesPerEpoch: patches, epochs: settings.epochs))
      }
    }
    var cluster = cluster
    (cluster.epochs, cluster.shards) = (settings.epochs, settings.fullShards)
    cluster.ranksPerMember = ranksPerMember.map { min($0, cluster.speeds.count) }
    return (candidates, cluster.run(candidates))
  }
}
