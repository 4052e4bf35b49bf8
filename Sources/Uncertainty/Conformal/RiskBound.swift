import Settings

#if canImport(Glibc)
  import Glibc
#endif

/// What is promised of the risk of new units, given the losses of some units, each from 0 to 1.
public enum RiskBound: String, CaseIterable, Sendable, SettingConvertible {
  /// In the mean over calibration sets and new units the risk is at most α: conformal risk control (Angelopoulos et al.,
  /// arXiv 2208.02814).
  case mean
  /// With a given confidence over calibration sets, the mean risk is at most α, by the bound of Hoeffding and Bentkus (Bates
  /// et al., arXiv 2101.02703, section 3.1.1).
  case hoeffdingBentkus = "hoeffding-bentkus"
  /// The same by betting (Waudby-Smith and Ramdas; arXiv 2101.02703, section 3.1.3), which is sharper where losses vary
  /// little.
  case betting

  /// Whether losses tell that the risk is small enough.
  ///
  /// - Parameters:
  ///   - losses: of the calibration units, in an order that does not depend on them.
  ///   - coverage: 1 − α.
  ///   - confidence: how often it shall be true, over calibration sets; of no account for `mean`.
  public func holds(_ losses: [Double], coverage: Coverage, confidence: Double) -> Bool {
    let alpha = 1 - coverage.value
    guard !losses.isEmpty else { return false }
    switch self {
    case .mean:
      // 1 − 0.9 is not exactly a tenth.
      return losses.reduce(1, +) <= alpha * Double(losses.count + 1) * (1 + 1e-12)
    case .hoeffdingBentkus: return hoeffdingBentkusValue(losses, alpha) <= 1 - confidence
    case .betting: return bettingValue(losses, alpha, confidence) <= 1 - confidence
    }
  }
}

/// A p value of the hypothesis that the mean loss is above `alpha` (Bates et al., arXiv 2101.02703, proposition 4).
func hoeffdingBentkusValue(_ losses: [Double], _ alpha: Double) -> Double {
  let n = losses.count
  let total = losses.reduce(0, +)
  let mean = total / Double(n)
  guard mean < alpha else { return 1 }
  let divergence = (mean > 0 ? mean * log(mean / alpha) : 0) + (1 - mean) * log((1 - mean) / (1 - alpha))
  let hoeffding = exp(-Double(n) * divergence)
  let bentkus = exp(1) * binomialBelow(Int((total - 1e-9).rounded(.up)), of: n, probability: alpha)
  return min(1, hoeffding, bentkus)
}

/// The probability that a binomial variable is at most `most`.
func binomialBelow(_ most: Int, of n: Int, probability: Double) -> Double {
  guard most < n else { return 1 }
  guard most >= 0 else { return 0 }
  let odds = probability / (1 - probability)
  // From the largest of the terms down, and up; terms fall faster and faster.
  let top = min(most, Int(Double(n + 1) * probability))
  let largest = exp(
    lgamma(Double(n + 1)) - lgamma(Double(top + 1)) - lgamma(Double(n - top + 1)) + Double(top) * log(probability)
      + Double(n - top) * log1p(-probability))
  var (sum, term) = (largest, largest)
  for k in stride(from: top, to: 0, by: -1) where term > sum * 1e-18 {
    term *= Double(k) / (Double(n - k + 1) * odds)
    sum += term
  }
  term = largest
  for k in top..<most where term > sum * 1e-18 {
    term *= Double(n - k) / Double(k + 1) * odds
    sum += term
  }
  return min(1, sum)
}

/// A p value of the same hypothesis from a capital that grows when losses are below `alpha` (arXiv 2101.02703, proposition
/// 5): one over the largest capital.
func bettingValue(_ losses: [Double], _ alpha: Double, _ confidence: Double) -> Double {
  let n = Double(losses.count)
  let delta = 1 - confidence
  var (sum, squares, variance, capital, largest) = (0.5, 0.25, 0.25, 0.0, 0.0)
  for (index, loss) in losses.enumerated() {
    let bet = min(1, (2 * log(1 / delta) / (n * variance)).squareRoot())
    capital += log1p(-bet * (loss - alpha))
    largest = max(largest, capital)
    let count = Double(index + 1)
    sum += loss
    let mean = sum / (count + 1)
    squares += (loss - mean) * (loss - mean)
    variance = squares / (count + 1)
  }
  return exp(-largest)
}
