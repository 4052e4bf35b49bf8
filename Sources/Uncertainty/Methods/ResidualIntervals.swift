/// |truth − mean| in units of the training targets.
///
/// J. Lei et al., *Distribution-free predictive inference for regression*, arXiv 1604.04173, section 2.2.
struct ResidualIntervals: WidthScore {
  func numbers(of prediction: PredictedValue) -> (first: Float, second: Float) { (prediction.mean, prediction.unit) }
}

extension ConformalMethod {
  /// Intervals of one width.
  public static let residual = ConformalMethod(
    "residual", "intervals of one width", .ofValues(ResidualIntervals())
  ) { "half width of the interval in \($0.plural)" }
}
