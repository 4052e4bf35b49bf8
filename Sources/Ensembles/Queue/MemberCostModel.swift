/// How long members take: a · operations + b · bytes on a rank of speed 1, both learnt from members that have ended.
///
/// Few-channel layers move data more than they compute, so that operations alone put members in a wrong order.
struct MemberCostModel {
  /// Relative speeds of the ranks.
  private(set) var speeds: [Double]
  /// Seconds for one operation and for one byte.
  private var factors = (cost: 1.0, bytes: 0.0)
  /// What each rank has ended.
  private var done: [(cost: Double, bytes: Double, seconds: Double, members: Int)]
  /// Members that had ended at the last fit.
  private var fitted = 0
  private var seen: [(candidate: MemberSchedule.Candidate, rank: Int, seconds: Double)] = []

  /// How far a rank's speed must be from what it was taken for to be another: measurements scatter.
  private static let tolerance = 1.25

  init(speeds: [Double]) {
    precondition(speeds.allSatisfy { $0 > 0 }, "a rank's speed is above 0")
    self.speeds = Self.grouped(speeds)
    done = Array(repeating: (0, 0, 0, 0), count: speeds.count)
  }

  /// Speeds with those that hardly differ made equal, relative to the median.
  private static func grouped(_ speeds: [Double]) -> [Double] {
    let sorted = speeds.sorted()
    let median = sorted[sorted.count / 2]
    return speeds.map { speed in
      let ratio = speed / median
      return ratio < tolerance && ratio > 1 / tolerance ? 1 : ratio
    }
  }

  /// Seconds of a member on a rank of speed 1; before anything was measured, its cost.
  func work(_ candidate: MemberSchedule.Candidate) -> Double {
    factors.cost * candidate.cost + factors.bytes * candidate.bytes
  }

  /// Learns from a member that took `seconds` on a rank for a part of its training.
  ///
  /// - Parameter share: the part, as early stopping and checkpoints leave it.
  /// - Returns: whether expectations have changed: they do so each time that a tenth more members have ended.
  mutating func note(
    _ candidate: MemberSchedule.Candidate, share: Double = 1, rank: Int, seconds: Double
  ) -> Bool {
    guard seconds > 0, candidate.cost > 0, share > 0 else { return false }
    var candidate = candidate
    candidate.cost *= share
    candidate.bytes *= share
    seen.append((candidate, rank, seconds))
    let isDue = seen.count * 10 >= fitted * 11
    if isDue {
      fit()
      fitted = seen.count
    }
    // A rank whose members all took longer or shorter than expected has another speed.
    done[rank].cost += candidate.cost
    done[rank].bytes += candidate.bytes
    done[rank].seconds += seconds
    done[rank].members += 1
    let own = done[rank]
    let ratio = (factors.cost * own.cost + factors.bytes * own.bytes) / speeds[rank] / own.seconds
    if seen.count > own.members, ratio > Self.tolerance || ratio < 1 / Self.tolerance { speeds[rank] *= ratio }
    return isDue
  }

  /// Least squares of the relative errors; bytes have a part where they explain what operations do not.
  private mutating func fit() {
    var (xx, xy, yy, x, y) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for one in seen {
      let seconds = one.seconds * speeds[one.rank]
      let (cost, bytes) = (one.candidate.cost / seconds, one.candidate.bytes / seconds)
      xx += cost * cost
      xy += cost * bytes
      yy += bytes * bytes
      x += cost
      y += bytes
    }
    let determinant = xx * yy - xy * xy
    if seen.count >= 4, determinant > 1e-6 * xx * yy {
      let (a, b) = ((x * yy - y * xy) / determinant, (y * xx - x * xy) / determinant)
      if a >= 0, b >= 0 {
        factors = (a, b)
        return
      }
    }
    factors = (x / xx, 0)
  }
}
