import Networks

/// Batch normalization of a stage's result.
struct Normalization {
  var weight: Slice
  var bias: Slice
  /// Running mean and variance among the statistics; nil when a prediction uses the batch's own.
  var mean: Slice?
  var variance: Slice?
  var epsilon: Double
  var momentum: Double
  /// Place of this normalization's per-channel coefficients among the plan's: 7 × channels floats.
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
  mutating func makeNormalization(_ id: Int) -> Normalization {
    let node = graph.nodes[id]
    guard case .batchNormalization(let settings) = node.operation else { preconditionFailure("a normalization") }
    func slice(_ entry: ParameterLayout.Entry?) -> Slice? { entry.map { Slice(offset: $0.offset, count: $0.count) } }
    defer { coefficientFloats += CoefficientRow.count * shapes[id].channels }
    return Normalization(
      weight: slice(layout.parameter("\(node.name).weight"))!, bias: slice(layout.parameter("\(node.name).bias"))!,
      mean: slice(layout.statistic("\(node.name).running_mean")),
      variance: slice(layout.statistic("\(node.name).running_var")), epsilon: settings.epsilon,
      momentum: settings.momentum, coefficients: coefficientFloats)
  }
}
