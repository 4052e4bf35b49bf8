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
  /// - Returns: a report for people.
  /// - Throws: as `EnsembleSettings.member(_:)`.
  public func simulate(on cluster: SimulatedCluster) throws -> String {
    let clock = ContinuousClock()
    let start = clock.now
    let (candidates, result) = try simulated(on: cluster)
    let took = clock.now - start
    let costs = candidates.map(\.cost)
    var lines = [
      "\(job.name): \(candidates.count) members of \(Self.number(costs.min() ?? 0)) to "
        + "\(Self.number(costs.max() ?? 0)) operations on \(cluster.speeds.count) simulated ranks"
    ]
    let idle = result.busy.count { $0 == 0 }
    lines += [
      String(format: "makespan        %12.1f s", result.makespan),
      String(format: "lower bound     %12.1f s", result.lowerBound),
      String(format: "ratio           %12.4f", result.ratio),
      String(format: "utilization     %12.1f %%", 100 * result.utilization),
      "ranks without work \(idle); members that a rank led to their end \(result.members.min() ?? 0) to "
        + "\(result.members.max() ?? 0)",
    ]
    if result.failures > 0 {
      lines.append(
        String(
          format: "failures %d, each a new start; %.1f s of training (%.1f %%) were done twice", result.failures,
          result.lost, 100 * result.lost / result.busy.reduce(0, +)))
    }
    lines.append(String(format: "simulated in %.2f s", took / .seconds(1)))
    return lines.joined(separator: "\n")
  }

  /// The members, and what became of them on a simulated cluster.
  func simulated(
    on cluster: SimulatedCluster
  ) throws -> (candidates: [MemberSchedule.Candidate], result: SimulatedCluster.Result) {
    let opened = try opened()
    let settings = opened.settings
    let units = try world.agree { try opened.units() }
    let patches = settings.patchesPerUnit * units.units.reduce(0) { $0 + $1.count }
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

  private static func number(_ value: Double) -> String { String(format: "%.3g", value) }
}
