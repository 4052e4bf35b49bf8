import Host

/// Combines the answers of members, one after the other, without keeping them: the mean by a `MemberCombination`, and the
/// standard deviation over members.
///
/// An answer is `[channel, voxel]`, and behind it probabilities of the image's classes that are told beside. Those are
/// averaged as they are, with the weights of members where these are the same for all channels.
///
/// The weighted deviation is the square root of Σ w·(x − mean)² ÷ (1 − Σ w²), which of equal weights is the sample standard
/// deviation; it is that of the members' own answers around their weighted mean, whatever else is done to the mean.
public final class MemberCombiner {
  /// How members are combined.
  public let combination: MemberCombination
  /// The mean of the answers so far; of all members after `finish`.
  public var mean: AlignedBuffer<Float> { statistics.mean }
  /// The number of elements of an answer.
  public var count: Int { statistics.count }
  private let channels: Int
  private let hasClasses: Bool
  private let statistics: RunningStatistics
  /// Σ w·log p; empty where probabilities are averaged.
  private let logits: AlignedBuffer<Double>
  /// Of each row of weights, and of equal ones at last, their sum so far.
  private var sums: [Double]
  private let members: Int

  /// No members yet.
  ///
  /// - Parameters:
  ///   - members: how many there will be.
  ///   - channels: of an answer: classes where it has classes.
  ///   - count: elements of the largest answer, with what is told beside it.
  public init(_ combination: MemberCombination, members: Int, channels: Int, hasClasses: Bool, count: Int) {
    self.combination = combination
    (self.members, self.channels, self.hasClasses) = (members, channels, hasClasses)
    statistics = RunningStatistics(count: count)
    logits = AlignedBuffer(count: hasClasses && combination.average == .logits ? count : 0)
    sums = Array(repeating: 0, count: combination.weights.count + 1)
  }

  /// Forgets all members, for the next tile.
  public func reset() {
    statistics.reset()
    logits.buffer.update(repeating: 0)
    for row in sums.indices { sums[row] = 0 }
  }

  /// Adds the next member's answer.
  ///
  /// - Parameters:
  ///   - member: its place among the members; they come in order.
  ///   - voxels: of this answer.
  ///   - beside: classes that are told behind it.
  public func add(
    _ answer: UnsafePointer<Float>, of member: Int, voxels: Int, beside: Int = 0, team: ThreadTeam? = nil
  ) {
    let rows = combination.weights
    if logits.count > 0 {
      for channel in 0..<channels {
        let weight = rows.isEmpty ? 1 / Double(members) : rows[rows.count > 1 ? channel : 0][member]
        guard weight > 0 else { continue }
        forEachPiece(of: voxels, team: team) { [logits] first, count in
          for i in channel * voxels + first..<channel * voxels + first + count {
            logits.pointer[i] += weight * logarithm(answer[i])
          }
        }
      }
    }
    guard !rows.isEmpty else { return statistics.add(answer, team: team) }
    func add(_ elements: Range<Int>, row: Int, weight: Double) {
      guard weight > 0 else { return }
      sums[row] += weight
      statistics.add(answer, elements, weight: weight, sum: sums[row], team: team)
    }
    if rows.count == 1 {
      add(0..<channels * voxels + beside, row: 0, weight: rows[0][member])
    } else {
      for row in rows.indices { add(row * voxels..<(row + 1) * voxels, row: row, weight: rows[row][member]) }
      add(channels * voxels..<channels * voxels + beside, row: rows.count, weight: 1 / Double(members))
    }
  }

  /// Makes `mean` that of all members, and writes their standard deviation; 0 where one member alone counts.
  public func finish(voxels: Int, beside: Int = 0, deviation: UnsafeMutablePointer<Float>, team: ThreadTeam? = nil) {
    let rows = combination.weights
    if rows.isEmpty {
      if members > 1 { statistics.writeStandardDeviation(to: deviation) }
    } else {
      func write(_ elements: Range<Int>, _ weights: [Double]) {
        let divisor = Float(1 - weights.reduce(0) { $0 + $1 * $1 })
        for i in elements {
          let squares = statistics.squaredDeviations.pointer[i]
          deviation[i] = weights.max() == 1 ? 0 : (squares / divisor).squareRoot()
        }
      }
      for row in rows.indices {
        write(rows.count == 1 ? 0..<channels * voxels + beside : row * voxels..<(row + 1) * voxels, rows[row])
      }
      if rows.count > 1 {
        write(
          channels * voxels..<channels * voxels + beside,
          Array(repeating: 1 / Double(members), count: members))
      }
    }
    guard hasClasses else { return }
    let mean = mean.pointer
    if logits.count > 0 || combination.temperature != 1 {
      forEachPiece(of: voxels, team: team) { [self] first, count in
        var own = [Double](repeating: 0, count: channels)
        for voxel in first..<first + count {
          for channel in 0..<channels {
            let i = channel * voxels + voxel
            own[channel] = (logits.count > 0 ? logits.pointer[i] : logarithm(mean[i])) / combination.temperature
          }
          softmax(&own)
          for channel in 0..<channels { mean[channel * voxels + voxel] = Float(own[channel]) }
        }
      }
    } else if rows.count > 1 {
      for voxel in 0..<voxels {
        var sum: Float = 0
        for channel in 0..<channels { sum += mean[channel * voxels + voxel] }
        for channel in 0..<channels { mean[channel * voxels + voxel] /= sum }
      }
    }
  }
}

/// The logarithm of a probability, which counts as 10⁻¹² at least unless another number is given; of NaN NaN.
func logarithm(_ probability: Float, least: Double = MemberCombination.leastProbability) -> Double {
  let value = Double(probability)
  return Elementary.log(value < least ? least : value)
}

/// Replaces logits by probabilities.
func softmax(_ logits: inout [Double]) {
  let largest = logits.max() ?? 0
  var sum = 0.0
  for i in logits.indices {
    logits[i] = Elementary.exp(logits[i] - largest)
    sum += logits[i]
  }
  for i in logits.indices { logits[i] /= sum }
}
