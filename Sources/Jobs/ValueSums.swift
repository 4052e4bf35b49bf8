#if canImport(Glibc)
  import Glibc
#endif

/// Sums over pairs of a predicted and a true value, of which the metrics of images follow.
///
/// Parts are joined in one order on all ranks, so that the metrics do not depend on who counted what.
struct ValueSums: Hashable, Sendable {
  var count = 0.0
  var absolute = 0.0
  var squared = 0.0
  private var meanPredicted = 0.0
  private var meanTrue = 0.0
  private var variancePredicted = 0.0
  private var varianceTrue = 0.0
  private var covariance = 0.0
  private var smallest = Double.infinity
  private var largest = -Double.infinity

  init() {}

  /// Numbers in `numbers`.
  static let width = 10

  /// The sums as numbers, for messages between ranks and files.
  var numbers: [Double] {
    [
      count, absolute, squared, meanPredicted, meanTrue, variancePredicted, varianceTrue, covariance, smallest, largest,
    ]
  }

  init(_ numbers: ArraySlice<Double>) {
    let n = Array(numbers)
    (count, absolute, squared, meanPredicted, meanTrue) = (n[0], n[1], n[2], n[3], n[4])
    (variancePredicted, varianceTrue, covariance, smallest, largest) = (n[5], n[6], n[7], n[8], n[9])
  }

  /// Adds one pair (B. P. Welford's update, doi:10.1080/00401706.1962.10490022).
  mutating func add(predicted: Float, true truth: Float) {
    let (p, t) = (Double(predicted), Double(truth))
    count += 1
    absolute += abs(p - t)
    squared += (p - t) * (p - t)
    let (dp, dt) = (p - meanPredicted, t - meanTrue)
    meanPredicted += dp / count
    meanTrue += dt / count
    variancePredicted += dp * (p - meanPredicted)
    varianceTrue += dt * (t - meanTrue)
    covariance += dp * (t - meanTrue)
    smallest = min(smallest, t)
    largest = max(largest, t)
  }

  /// Adds the pairs of one channel where the truth is known.
  mutating func add(predicted: UnsafeBufferPointer<Float>, true truth: ArraySlice<Float>, weights: [Float]) {
    for (i, value) in truth.enumerated() where weights.isEmpty || weights[i] != 0 {
      add(predicted: predicted[i], true: value)
    }
  }

  /// Adds what another part counted after the own (T. F. Chan et al., doi:10.1080/00031305.1983.10483115).
  mutating func merge(_ other: ValueSums) {
    guard other.count > 0 else { return }
    let total = count + other.count
    let (dp, dt) = (other.meanPredicted - meanPredicted, other.meanTrue - meanTrue)
    let weight = count * other.count / total
    variancePredicted += other.variancePredicted + dp * dp * weight
    varianceTrue += other.varianceTrue + dt * dt * weight
    covariance += other.covariance + dp * dt * weight
    meanPredicted += dp * (other.count / total)
    meanTrue += dt * (other.count / total)
    absolute += other.absolute
    squared += other.squared
    count = total
    smallest = min(smallest, other.smallest)
    largest = max(largest, other.largest)
  }

  /// The mean squared error; NaN without pairs.
  var meanSquaredError: Double { squared / count }
  /// The mean absolute error; NaN without pairs.
  var meanAbsoluteError: Double { absolute / count }
  /// Peak signal-to-noise ratio in dB; the peak is the range of the true values.
  var peakSignalToNoise: Double {
    guard largest > smallest else { return .nan }
    return 10 * log10((largest - smallest) * (largest - smallest) / meanSquaredError)
  }
  /// Pearson's correlation; NaN when one of both is constant.
  var correlation: Double { covariance / (variancePredicted * varianceTrue).squareRoot() }
}
