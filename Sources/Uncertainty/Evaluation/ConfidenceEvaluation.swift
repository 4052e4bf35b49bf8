import Host
import MessagePassing

#if canImport(Glibc)
  import Glibc
#endif

/// Whether an ensemble's probabilities are right, and whether its doubt finds its errors, over labelled pixels: reliability,
/// calibration errors, Brier score, negative log-likelihood, risk and coverage, error detection by spread.
///
/// Everything is counted in integers, sums in parts of 2⁻²⁶, so the order of pixels and ranks does not change a bit; memory
/// does not depend on the number of pixels. Pixels are sorted into 4096 classes of confidence and as many of spread;
/// those of one class count as tied.
public struct ConfidenceEvaluation: Hashable, Sendable {
  /// Classes of confidence and of spread.
  static let bins = 4096
  /// The bins of the reliability diagram.
  public static let diagramBins = 16
  private static let unit = 67_108_864.0
  // Of each class of confidence: pixels, right ones, the sum of confidences; then of each class of spread: pixels, right
  // ones; at last the sums of Brier scores and of negative logarithms.
  private var counts = [Int64](repeating: 0, count: 5 * bins + 2)

  /// No pixels yet.
  public init() {}

  /// Adds labelled pixels.
  ///
  /// - Parameters:
  ///   - probabilities: `[class, pixel]`, the mean over members; as is `spreads`, their standard deviation, which may be
  ///     empty.
  ///   - labels: `[pixel]`; those that are ignored do not count.
  public mutating func add(
    _ probabilities: UnsafeBufferPointer<Float>, spreads: UnsafeBufferPointer<Float>, labels: [UInt8], classes: Int
  ) {
    let pixels = labels.count
    for i in 0..<pixels where labels[i] != Label.ignored && Int(labels[i]) < classes {
      var best = 0
      var brier = 0.0
      for c in 0..<classes {
        let p = probabilities[c * pixels + i]
        if p > probabilities[best * pixels + i] { best = c }
        let difference = Double(p) - (c == Int(labels[i]) ? 1 : 0)
        brier += difference * difference
      }
      let confidence = Double(probabilities[best * pixels + i])
      guard confidence.isFinite, brier.isFinite else { continue }
      let isRight: Int64 = best == Int(labels[i]) ? 1 : 0
      let bin = Self.bin(confidence)
      counts[bin] += 1
      counts[Self.bins + bin] += isRight
      counts[2 * Self.bins + bin] += Int64((confidence * Self.unit).rounded())
      // A single member has no spread: it is NaN.
      if !spreads.isEmpty, spreads[best * pixels + i].isFinite {
        let place = Self.bin(Double(spreads[best * pixels + i]))
        counts[3 * Self.bins + place] += 1
        counts[4 * Self.bins + place] += isRight
      }
      counts[5 * Self.bins] += Int64((brier * Self.unit).rounded())
      let own = max(Double(probabilities[Int(labels[i]) * pixels + i]), 1e-12)
      counts[5 * Self.bins + 1] += Int64((-log(own) * Self.unit).rounded())
    }
  }

  private static func bin(_ value: Double) -> Int { min(bins - 1, max(0, Int(value * Double(bins)))) }

  /// Adds up what all ranks counted.
  ///
  /// - Throws: what `sum` throws.
  public mutating func reduce(_ sum: IntegerSum) throws { try sum(&counts) }

  /// Adds up what all ranks of a communicator counted. Collective.
  ///
  /// - Throws: `MPIError`.
  public mutating func reduce(over communicator: Communicator) throws { try reduce(communicator.integerSum) }

  /// Pixels of some classes of confidence together.
  public struct Group: Hashable, Sendable {
    /// The number of pixels.
    public var pixels: Int64 = 0
    /// Those whose likeliest class is true.
    public var right: Int64 = 0
    fileprivate var confidences: Int64 = 0

    /// The share of right pixels; NaN without pixels.
    public var accuracy: Double { Double(right) / Double(pixels) }
    /// The mean probability of the likeliest class; NaN without pixels.
    public var confidence: Double { Double(confidences) / ConfidenceEvaluation.unit / Double(pixels) }
    /// How far both are apart; 0 without pixels.
    fileprivate var gap: Double { pixels > 0 ? abs(accuracy - confidence) : 0 }
  }

  private func group(_ range: Range<Int>) -> Group {
    range.reduce(into: Group()) { group, bin in
      group.pixels += counts[bin]
      group.right += counts[Self.bins + bin]
      group.confidences += counts[2 * Self.bins + bin]
    }
  }

  /// All pixels.
  public var all: Group { group(0..<Self.bins) }

  /// The reliability diagram: pixels by confidence in bins of equal width.
  public var diagram: [Group] {
    let width = Self.bins / Self.diagramBins
    return (0..<Self.diagramBins).map { group($0 * width..<($0 + 1) * width) }
  }

  /// The expected calibration error over bins of equal width (Guo et al., arXiv 1706.04599, eq. 3); NaN without pixels.
  public var calibrationError: Double { error(diagram) }

  /// The same over bins that hold about as many pixels each (Nixon et al., arXiv 1904.01685); NaN without pixels.
  public var adaptiveCalibrationError: Double {
    let total = all.pixels
    var groups: [Group] = []
    var (first, before) = (0, Int64(0))
    for bin in 0..<Self.bins {
      before += counts[bin]
      guard before * Int64(Self.diagramBins) >= total * Int64(groups.count + 1) || bin == Self.bins - 1 else {
        continue
      }
      groups.append(group(first..<bin + 1))
      first = bin + 1
    }
    return error(groups)
  }

  private func error(_ groups: [Group]) -> Double {
    let total = Double(groups.reduce(0) { $0 + $1.pixels })
    return groups.reduce(0) { $0 + $1.gap * Double($1.pixels) } / total
  }

  /// The mean Brier score Σ (p − truth)² over classes, from 0 to 2; NaN without pixels.
  public var brierScore: Double { Double(counts[5 * Self.bins]) / Self.unit / Double(all.pixels) }

  /// The mean negative logarithm of the true class's probability, which counts as 10⁻¹² at least; NaN without pixels.
  public var negativeLogLikelihood: Double { Double(counts[5 * Self.bins + 1]) / Self.unit / Double(all.pixels) }

  /// Of the surest pixels, in steps: the share that is kept, and the share of wrong ones among them.
  public var errorRejection: [(kept: Double, risk: Double)] {
    let total = Double(all.pixels)
    var (pixels, right) = (Int64(0), Int64(0))
    var curve: [(kept: Double, risk: Double)] = []
    for bin in (0..<Self.bins).reversed() where counts[bin] > 0 {
      pixels += counts[bin]
      right += counts[Self.bins + bin]
      curve.append((Double(pixels) / total, Double(pixels - right) / Double(pixels)))
    }
    return curve
  }

  /// The area under the curve of risk over the share that is kept (AURC; Geifman and El-Yaniv, arXiv 1705.08500): the mean
  /// risk when pixels are rejected from the least sure on, tied ones in random order. NaN without pixels.
  public var riskArea: Double { rejectionArea(errorRejection) }

  /// The probability that a wrong pixel has a larger spread over members than a right one, ties counted half (the area under
  /// the ROC curve of error detection); NaN when all pixels are right, or all wrong, or
  /// there is no spread.
  public var errorDetection: Double { detection(3 * Self.bins, descending: false) }

  /// Whether there was a spread over members.
  public var hasSpread: Bool { counts[3 * Self.bins..<4 * Self.bins].contains { $0 > 0 } }

  /// The same by lack of confidence.
  public var errorDetectionByConfidence: Double { detection(0, descending: true) }

  private func detection(_ first: Int, descending: Bool) -> Double {
    var (rightBelow, pairs, wrong) = (0.0, 0.0, 0.0)
    for place in 0..<Self.bins {
      let bin = descending ? Self.bins - 1 - place : place
      let right = Double(counts[first + Self.bins + bin])
      let own = Double(counts[first + bin]) - right
      pairs += own * (rightBelow + right / 2)
      rightBelow += right
      wrong += own
    }
    return pairs / (rightBelow * wrong)
  }
}
