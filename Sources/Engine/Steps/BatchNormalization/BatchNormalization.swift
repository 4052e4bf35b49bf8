import CKernels
import Networks

/// Batch normalization of a stage's result.
struct Normalization {
  var weight: Slice
  var bias: Slice
  /// Running mean and variance among the statistics; nil when predictions use their own batch's.
  var mean: Slice?
  var variance: Slice?
  var epsilon: Double
  var momentum: Double
  /// Offset of its per-channel coefficients (`CoefficientRow`) among the plan's.
  var coefficients: Int
}

/// Coefficients of a normalization: rows of `channels` floats each.
enum CoefficientRow {
  static let scale = 0
  static let shift = 1
  static let mean = 2
  static let inverseDeviation = 3
  static let gradientMean = 4
  static let gradientSlope = 5
  static let pixels = 6
  static let count = 7
}

extension PlanCompiler {
  mutating func makeNormalization(_ node: Int) -> Normalization {
    guard case .batchNormalization(let settings) = graph.nodes[node].operation,
      let weight = parameter(node, "weight"), let bias = parameter(node, "bias")
    else { preconditionFailure("a normalization") }
    defer { sizes.coefficientFloats += CoefficientRow.count * shapes[node].channels }
    return Normalization(
      weight: weight, bias: bias, mean: statistic(node, "running_mean"), variance: statistic(node, "running_var"),
      epsilon: settings.epsilon, momentum: settings.momentum, coefficients: sizes.coefficientFloats)
  }
}
