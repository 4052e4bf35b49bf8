/// |truth − mean| over the spread of the members, to which 1 % of the unit of the training targets is added.
///
/// J. Lei et al., *Distribution-free predictive inference for regression*, arXiv 1604.04173, section 5.2; H.
/// Papadopoulos et al., doi:10.1007/978-3-540-87881-0_8.
struct NormalizedResidualIntervals: WidthScore {
  func numbers(of prediction: PredictedValue) -> (first: Float, second: Float) {
    (prediction.mean, prediction.spread + 0.01 * prediction.unit)
  }
}

extension ConformalMethod {
  /// Intervals that are wide where members disagree.
  public static let normalizedResidual = ConformalMethod(
    "normalized-residual", "intervals that are wide where members disagree (Lei et al., arXiv 1604.04173)",
    .ofValues(NormalizedResidualIntervals()), needs: .spread
  ) { "half width of the interval over (mean_errors + \($0.percent))" }
}
