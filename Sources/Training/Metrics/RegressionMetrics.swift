import Host

#if canImport(Glibc)
  import Glibc
#endif

/// How near predicted values are to true ones: errors, PSNR, correlation and R², from moments that parts of images and
/// ranks add up.
///
/// Sums depend on their order in the last bits: merge the parts of an image in its order, whoever computed them. A
/// metric that is undefined (no pixels, constant values) is NaN.
public struct RegressionMetrics: Hashable, Sendable {
  private var count = 0.0
  private var predictionMean = 0.0
  private var truthMean = 0.0
  // Sums of products of deviations from the means.
  private var predictionSquares = 0.0
  private var truthSquares = 0.0
  private var products = 0.0
  private var squaredErrors = 0.0
  private var absoluteErrors = 0.0
  private var least = Double.infinity
  private var largest = -Double.infinity

  /// No pixels yet.
  public init() {}

  /// Adds pixels.
  ///
  /// - Parameter weights: pixels of weight 0 do not count; all others count alike.
  public mutating func add(
    predictions: UnsafePointer<Float>, truths: UnsafePointer<Float>, count: Int, weights: UnsafePointer<Float>? = nil
  ) {
    let block = 4096
    for first in stride(from: 0, to: count, by: block) {
      let size = min(block, count - first)
      merge(
        Self(block: predictions + first, truths + first, count: size, weights: weights.map { $0 + first }))
    }
  }

  /// Adds pixels.
  public mutating func add(predictions: [Float], truths: [Float], weights: [Float]? = nil) {
    precondition(
      predictions.count == truths.count && weights.map { $0.count == truths.count } ?? true,
      "as many predictions and weights as truths")
    predictions.withUnsafeBufferPointer { predictions in
      truths.withUnsafeBufferPointer { truths in
        guard let p = predictions.baseAddress, let t = truths.baseAddress else { return }
        guard let weights else { return add(predictions: p, truths: t, count: truths.count) }
        weights.withUnsafeBufferPointer {
          add(predictions: p, truths: t, count: truths.count, weights: $0.baseAddress)
        }
      }
    }
  }

  /// A few pixels, in two passes: their means first.
  private init(
    block predictions: UnsafePointer<Float>, _ truths: UnsafePointer<Float>, count: Int, weights: UnsafePointer<Float>?
  ) {
    for i in 0..<count where weights?[i] != 0 {
      self.count += 1
      predictionMean += Double(predictions[i])
      truthMean += Double(truths[i])
    }
    guard self.count > 0 else { return }
    predictionMean /= self.count
    truthMean /= self.count
    for i in 0..<count where weights?[i] != 0 {
      let (p, t) = (Double(predictions[i]), Double(truths[i]))
      predictionSquares += (p - predictionMean) * (p - predictionMean)
      truthSquares += (t - truthMean) * (t - truthMean)
      products += (p - predictionMean) * (t - truthMean)
      squaredErrors += (p - t) * (p - t)
      absoluteErrors += abs(p - t)
      least = min(least, t)
      largest = max(largest, t)
    }
  }

  /// Adds the pixels of other metrics after the own ones (Chan, Golub and LeVeque, doi:10.1080/00031305.1983.10483115,
  /// eq. 2.1).
  public mutating func merge(_ other: RegressionMetrics) {
    guard other.count > 0 else { return }
    guard count > 0 else {
      self = other
      return
    }
    let total = count + other.count
    let weight = count * other.count / total
    let prediction = other.predictionMean - predictionMean
    let truth = other.truthMean - truthMean
    predictionSquares += other.predictionSquares + prediction * prediction * weight
    truthSquares += other.truthSquares + truth * truth * weight
    products += other.products + prediction * truth * weight
    predictionMean += prediction * (other.count / total)
    truthMean += truth * (other.count / total)
    squaredErrors += other.squaredErrors
    absoluteErrors += other.absoluteErrors
    least = min(least, other.least)
    largest = max(largest, other.largest)
    count = total
  }

  /// How many numbers `moments` are.
  public static let momentCount = 10

  /// What the metrics follow from, to be sent to other ranks.
  public var moments: [Double] {
    [
      count, predictionMean, truthMean, predictionSquares, truthSquares, products, squaredErrors, absoluteErrors, least,
      largest,
    ]
  }

  /// The metrics with these `moments`.
  public init(moments: some Collection<Double>) {
    precondition(moments.count == Self.momentCount, "\(moments.count) moments instead of \(Self.momentCount)")
    let values = Array(moments)
    (count, predictionMean, truthMean) = (values[0], values[1], values[2])
    (predictionSquares, truthSquares, products) = (values[3], values[4], values[5])
    (squaredErrors, absoluteErrors, least, largest) = (values[6], values[7], values[8], values[9])
  }
}

extension RegressionMetrics {
  /// The pixels that count.
  public var pixels: Int64 { Int64(count) }

  /// Mean squared error.
  public var meanSquaredError: Double { squaredErrors / count }

  /// Mean absolute error.
  public var meanAbsoluteError: Double { absoluteErrors / count }

  /// The largest true value minus the least; −∞ without pixels.
  public var truthRange: Double { largest - least }

  /// The peak signal-to-noise ratio 10·log₁₀(range² ÷ mean squared error), in decibels.
  ///
  /// - Parameter range: of possible values; by default the range of the true ones.
  public func peakSignalToNoiseRatio(range: Double? = nil) -> Double {
    guard count > 0 else { return .nan }
    let range = range ?? truthRange
    return 10 / 2.302585092994046 * Elementary.log(range * range / meanSquaredError)  // 10·log₁₀
  }

  /// Pearson's correlation coefficient of predicted and true values.
  public var pearsonCorrelation: Double {
    let scale = (predictionSquares * truthSquares).squareRoot()
    return scale > 0 ? products / scale : .nan
  }

  /// The coefficient of determination R², 1 − Σ (truth − prediction)² ÷ Σ (truth − mean truth)², as
  /// `sklearn.metrics.r2_score`.
  public var determination: Double { truthSquares > 0 ? 1 - squaredErrors / truthSquares : .nan }
}
