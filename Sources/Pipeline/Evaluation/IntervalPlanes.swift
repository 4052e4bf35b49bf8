import Imaging
import JobFiles
import Uncertainty

/// The two numbers of every value that an interval's score is of (`ValueScore.numbers`), and what becomes of them.
struct IntervalPlanes {
  private let score: any ValueScore
  /// What the targets of each channel were divided by for training.
  private let standard: [Float]
  private let form: AnswerForm
  /// `[channel, voxel]`
  private var first: [Float] = []
  private var second: [Float] = []

  /// Planes for a method of values.
  ///
  /// - Precondition: the method is one of values.
  init(_ method: ConformalMethod, targetScaling: IntensityScaling, form: AnswerForm) {
    guard let score = method.valueScore else { preconditionFailure("\(method.name) is not a method of values") }
    self.score = score
    self.form = form
    standard = targetScaling.units
  }

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
        let numbers = score.numbers(
          of: PredictedValue(
            mean: value[i], spread: spread[i], lower: mean[i], upper: mean[upper + i], unit: standard[channel]))
        first.append(numbers.first)
        second.append(numbers.second)
      }
    }
  }

  /// Adds the scores of those of some voxels that are known, all of one unit.
  func addScores(_ truth: TileTruth, of run: Range<Int>, unit: Int, to scores: inout UnitScores) {
    let voxels = first.count / standard.count
    for channel in standard.indices {
      let divisor = score.divisor(unit: standard[channel])
      scores.add(
        run.filter { truth.weights.isEmpty || truth.weights[$0] != 0 }.map { voxel in
          let i = channel * voxels + voxel
          return score.score(truth.values[i] / divisor, first[i], second[i])
        }, unit: unit)
    }
  }

  /// Offers the known values of an answer to a sample.
  ///
  /// - Parameters:
  ///   - mean: `[quantile, channel, voxel]`, as is `deviation`.
  ///   - place: of a voxel.
  func add(
    _ mean: UnsafeBufferPointer<Float>, _ deviation: UnsafeBufferPointer<Float>, _ truth: TileTruth,
    to sample: inout CalibrationSample, region: Int, place: (Int) -> Int
  ) {
    let (value, spread) = (form.value(mean), form.value(deviation))
    let (voxels, channels) = (value.count / standard.count, standard.count)
    let upper = mean.count - value.count
    withUnsafeTemporaryAllocation(of: Float.self, capacity: CalibrationSample.valueWidth) { numbers in
      guard let first = numbers.baseAddress else { return }
      for channel in standard.indices {
        for voxel in 0..<voxels where truth.isKnown(voxel) {
          let i = channel * voxels + voxel
          for (place, number) in [value[i], spread[i], mean[i], mean[upper + i], standard[channel]].enumerated() {
            numbers.initializeElement(at: place, to: number)
          }
          sample.add(region: region, place: place(voxel) * channels + channel, truth: truth.values[i], values: first)
        }
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
        let voxels = count / standard.count
        for i in 0..<count {
          let divisor = score.divisor(unit: standard[i / voxels])
          low[start + i] *= divisor
          high[start + i] *= divisor
        }
      }
    }
  }
}
