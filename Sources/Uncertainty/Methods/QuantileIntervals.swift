/// max(lower − truth, truth − upper), of predicted lower and upper quantiles; negative inside.
///
/// Y. Romano, E. Patterson and E. J. Candès, *Conformalized quantile regression*, arXiv 1905.03222, eq. 6.
struct QuantileIntervals: ValueScore {
  func numbers(of prediction: PredictedValue) -> (first: Float, second: Float) {
    (prediction.lower / prediction.unit, prediction.upper / prediction.unit)
  }

  func divisor(unit: Float) -> Float { unit }

  func score(_ truth: Float, _ first: Float, _ second: Float) -> Float { max(first - truth, truth - second) }

  func interval(_ first: Float, _ second: Float, threshold: Float) -> (lower: Float, upper: Float) {
    (first - threshold, second + threshold)
  }
}

extension ConformalMethod {
  /// Intervals from predicted quantiles.
  public static let cqr = ConformalMethod(
    "cqr",
    "the outer of the quantiles that the loss `quantile` learns, made wider or narrower (Romano, Patterson and Candès, "
      + "arXiv 1905.03222)", .ofValues(QuantileIntervals()), needs: .quantiles
  ) { "how far the interval goes beyond the outer quantiles, in \($0.plural)" }
}
