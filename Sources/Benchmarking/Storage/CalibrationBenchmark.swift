import Host
import MessagePassing
import Uncertainty

/// How long it takes to find thresholds of many calibration scores, and how much memory.
public struct CalibrationBenchmark: Hashable, Sendable, Encodable {
  /// Ranks that hold scores.
  public let ranks: Int
  /// Scores on all ranks.
  public let scores: Int64
  /// Units of 32³ scores.
  public let units: Int
  /// Taking the scores, as tiles are predicted.
  public let takeSeconds: Double
  /// The threshold of every score by itself, of three coverages.
  public let pixelSeconds: Double
  /// The same by units.
  public let unitSeconds: Double
  /// The most that was resident on a rank when nothing was taken yet, in MiB.
  public let startMiB: Double
  /// The most that was resident on a rank at a time.
  public let peakMiB: Double
  /// The thresholds by scores, then by units: the same on any number of ranks; nil where there are too few units.
  public let thresholds: [Float?]

  private enum CodingKeys: String, CodingKey {
    case ranks, scores, units, thresholds
    case takeSeconds = "take_s"
    case pixelSeconds = "by_pixel_s"
    case unitSeconds = "by_unit_s"
    case startMiB = "start_mib"
    case peakMiB = "peak_mib"
  }

  /// Scores of a unit.
  private static let unit = 1 << 15

  /// Measures. Collective over `world`.
  ///
  /// - Parameters:
  ///   - scores: on all ranks; rounded up to whole units.
  ///   - folder: where scores go that do not stay in memory.
  /// - Throws: `RemoteFailure`, `FileError`, `MPIError`.
  public init(scores: Int, folder: String, over world: Communicator) throws {
    ranks = world.size
    units = max(1, (scores + Self.unit - 1) / Self.unit)
    self.scores = Int64(units * Self.unit)
    startMiB = try world.allReduce(world.agree { try ProcessMemory.peakMiB() }, .maximum)
    var own = UnitScores(units: units, spillingTo: folder)
    let mine = Shares(of: units, among: world.size)[world.rank]
    var row = [Float](repeating: 0, count: 32)
    takeSeconds = try world.allReduce(
      Stopwatch.seconds {
        // Rows of neighbouring units after one another, as tiles hand them over.
        for first in stride(from: mine.lowerBound, to: mine.upperBound, by: 4) {
          let some = first..<min(first + 4, mine.upperBound)
          for line in 0..<Self.unit / row.count {
            for unit in some {
              for place in row.indices { row[place] = Self.score(unit * Self.unit + line * row.count + place) }
              own.add(row, unit: unit)
            }
          }
        }
      }, .maximum)
    let levels = try [0.8, 0.9, 0.95].map { try Coverage($0) }
    var found: [UnitThresholds] = []
    func seconds(byUnit: Bool) throws -> Double {
      try world.allReduce(
        Stopwatch.seconds {
          found.append(try UnitThresholds(own, byUnit: byUnit, levels: levels, sum: world.integerSum))
        }, .maximum)
    }
    pixelSeconds = try seconds(byUnit: false)
    unitSeconds = try seconds(byUnit: true)
    peakMiB = try world.allReduce(world.agree { try ProcessMemory.peakMiB() }, .maximum)
    thresholds = found.flatMap(\.thresholds).map { if case .score(let score) = $0 { score } else { nil } }
  }

  /// A number from 0 to 1 that follows from its place: small ones are frequent, as of good networks.
  private static func score(_ place: Int) -> Float {
    var key = UInt64(bitPattern: Int64(place)) &* 0x9e37_79b9_7f4a_7c15
    key = (key ^ key >> 32) &* 0xff51_afd7_ed55_8ccd
    let share = Float(key >> 40) / 16_777_216
    return share * share * share
  }
}

extension CalibrationBenchmark: CustomStringConvertible {
  public var description: String {
    Report.lines([
      ("ranks", "\(ranks)"), ("scores", "\(scores) of \(units) units"),
      ("take", "\(takeSeconds.text(2)) s"),
      ("thresholds", "by pixel \(pixelSeconds.text(2)) s, by unit \(unitSeconds.text(2)) s"),
      ("found", thresholds.map { $0.map { "\($0)" } ?? "infeasible" }.joined(separator: ", ")),
      ("memory", "\(peakMiB.text(0)) MiB at most, \(startMiB.text(0)) MiB of them before"),
    ])
  }
}
