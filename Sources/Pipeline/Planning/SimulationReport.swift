import Ensembles
import Foundation

/// What became of a job's training on a simulated cluster, as text for people and as figures for programs.
public struct SimulationReport: Sendable, Encodable {
  /// What the job is called.
  public let name: String
  /// Ranks of the cluster.
  public let ranks: Int
  /// Floating-point operations of each member's training.
  public let operations: [Double]
  /// Seconds from the first start to the last member's end.
  public let makespan: Double
  /// Seconds that no schedule goes below, had it no failures.
  public let lowerBound: Double
  /// Makespan over lower bound.
  public let ratio: Double
  /// The part of the ranks' time in which they trained.
  public let utilization: Double
  /// Ranks that trained nothing.
  public let idleRanks: Int
  /// The fewest and the most members that a rank led to their end.
  public let membersOfRank: [Int]
  /// How often a rank failed, each time a new start of the run.
  public let failures: Int
  /// Seconds of training that were done twice, of all ranks.
  public let lost: Double
  /// Seconds in which the ranks trained, what was done twice included, of all ranks.
  public let busy: Double
  /// Seconds that the simulation took.
  public let took: Double

  private enum CodingKeys: String, CodingKey {
    case name, ranks, operations, ratio, utilization, failures
    case makespan = "makespan_s"
    case lowerBound = "lower_bound_s"
    case idleRanks = "idle_ranks"
    case membersOfRank = "members_of_rank"
    case lost = "lost_s"
    case busy = "busy_s"
    case took = "simulated_in_s"
  }

  init(_ name: String, costs: [Double], _ result: SimulatedCluster.Result, seconds: Double) {
    self.name = name
    ranks = result.busy.count
    operations = costs
    (makespan, lowerBound) = (result.makespan, result.lowerBound)
    (ratio, utilization) = (result.ratio, result.utilization)
    idleRanks = result.busy.count { $0 == 0 }
    membersOfRank = [result.members.min() ?? 0, result.members.max() ?? 0]
    (failures, lost) = (result.failures, result.lost)
    busy = result.busy.reduce(0, +)
    took = seconds
  }
}

extension SimulationReport: CustomStringConvertible {
  public var description: String {
    func number(_ value: Double?) -> String { String(format: "%.3g", value ?? 0) }
    var lines = [
      "\(name): \(operations.count) members of \(number(operations.min())) to \(number(operations.max())) operations on "
        + "\(ranks) simulated ranks",
      String(format: "makespan        %12.1f s", makespan),
      String(format: "lower bound     %12.1f s", lowerBound),
      String(format: "ratio           %12.4f", ratio),
      String(format: "utilization     %12.1f %%", 100 * utilization),
      "ranks without work \(idleRanks); members that a rank led to their end \(membersOfRank[0]) to \(membersOfRank[1])",
    ]
    if failures > 0 {
      lines.append(
        String(
          format: "failures %d, each a new start; %.1f s of training (%.1f %%) were done twice", failures, lost,
          100 * lost / busy))
    }
    lines.append(String(format: "simulated in %.2f s", took))
    return lines.joined(separator: "\n")
  }
}
