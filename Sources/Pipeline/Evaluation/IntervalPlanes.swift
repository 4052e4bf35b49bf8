import Imaging
import JobFiles
import Uncertainty

/// The two numbers of every value that an interval's score is of, as a method takes them from an ensemble's answer.
///
/// - `residual`: the value, and the standard deviation of the training targets: intervals of one width (J. Lei et al.,
///   *Distribution-free predictive inference for regression*, arXiv 1604.04173).
/// - `normalized-residual`: the value, and the spread of the members + 1 % of that standard deviation, so that intervals are wide
///   where members disagree (the same, section 5.2; H. Papadopoulos et al., doi:10.1007/978-3-540-87881-0_8).
/// - `cqr`: the outer quantiles, in units of that standard deviation (Romano, Patterson and Candès, arXiv 1905.03222).
struct IntervalPlanes {
  private let method: Job.UncertaintySection.Method
  private let score: IntervalScore
  private let standard: [Float]
  private let form: AnswerForm
  /// `[channel, voxel]`
  private var first: [Float] = []
  private var second: [Float] = []

  init(_ method: Job.UncertaintySection.Method, targetScaling: IntensityScaling, form: AnswerForm) {
    self.method = method
    self.form = form
    score = Self.score(method)
    standard = targetScaling.standardDeviation.map { Float($0) }
  }

  /// The score of a method.
  static func score(_ method: Job.UncertaintySection.Method) -> IntervalScore {
    method == .cqr ? .quantiles : .normalized
  }

  /// What the two numbers and the truth are measured in.
  private func unit(_ channel: Int) -> Float { method == .cqr ? standard[channel] : 1 }

  /// Takes an answer.
  ///
  /// - Parameters:
  ///   - mean: `[quantile, channel, voxel]`, as is `deviation`.
  mutating func take(mean: UnsafeBufferPointer<Float>, deviation: UnsafeBufferPointer<Float>) {
    let (value, spread) = (form.value(mean), form.value(deviation))
    let voxels = value.count / standard.count
    let upper = mean.count - value.count
    first.removeAll(keepingCapacity: true)
    second.removeAll(keepingCapacity: true)
    for channel in standard.indices {
      for i in channel * voxels..<(channel + 1) * voxels {
        switch method {
        case .cqr:
          first.append(mean[i] / standard[channel])
          second.append(mean[upper + i] / standard[channel])
        case .normalizedResidual:
          first.append(value[i])
          second.append(spread[i] + 0.01 * standard[channel])
        default:
          first.append(value[i])
          second.append(standard[channel])
        }
      }
    }
  }

  /// Adds the scores of the voxels that are known.
  func addScores(_ truth: TileTruth, to scores: inout [Float]) {
    let voxels = first.count / standard.count
    for channel in standard.indices {
      for voxel in 0..<voxels where truth.weights.isEmpty || truth.weights[voxel] != 0 {
        let i = channel * voxels + voxel
        scores.append(score.score(truth.values[i] / unit(channel), first[i], second[i]))
      }
    }
  }

  /// Appends the bounds of one level's intervals; infinite when the level is infeasible.
  func writeIntervals(
    _ intervals: ConformalIntervals, level: Int, lower: inout [Float], upper: inout [Float]
  ) {
    let (start, count) = (lower.count, first.count)
    lower += first
    upper += second
    lower.withUnsafeMutableBufferPointer { low in
      upper.withUnsafeMutableBufferPointer { high in
        guard let low = low.baseAddress, let high = high.baseAddress, count > 0 else { return }
        first.withUnsafeBufferPointer { first in
          second.withUnsafeBufferPointer { second in
            guard let first = first.baseAddress, let second = second.baseAddress else { return }
            intervals.writeIntervals(
              first, second, count: count, level: level, lower: low + start, upper: high + start)
          }
        }
        guard method == .cqr else { return }
        let voxels = count / standard.count
        for i in 0..<count {
          low[start + i] *= standard[i / voxels]
          high[start + i] *= standard[i / voxels]
        }
      }
    }
  }
}
