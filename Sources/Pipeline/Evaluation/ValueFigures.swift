import HDF5
import Training
import Uncertainty

/// The figures of answers that are images: errors of each channel, coverage and width of intervals.
public struct ValueFigures: Sendable {
  /// Of each channel.
  var ensemble: [RegressionMetrics]
  /// Of each member, each channel.
  var members: [[RegressionMetrics]]
  var intervals: IntervalEvaluation
  /// Of each channel, of the learned combination of the members; nil when there is none.
  var aggregate: [RegressionMetrics]?
  /// Structural similarity of each channel, over the slices of the test images; empty when the truth has holes.
  var similarity: [Double]
  /// Coverage by each kind of unit.
  var units: [UnitFigures] = []
  /// Whether the spread finds errors.
  var spread = SpreadEvaluation()
  /// The coverage where it is worst; nil: it was not asked.
  var slabs: SlabFigures?
  /// The members' numbers; empty: from 0 on.
  var numbers: [Int] = []

  /// The share of values within their interval; NaN without any.
  public func coverage(level: Int) -> Double { intervals.coverage(level: level) }
  /// The mean width of intervals; NaN without any.
  public func meanWidth(level: Int) -> Double { intervals.meanWidth(level: level) }

  private static let metrics: [(name: String, title: String, value: @Sendable (RegressionMetrics) -> Double)] = [
    ("mse", "MSE", { $0.meanSquaredError }), ("mae", "MAE", { $0.meanAbsoluteError }),
    ("psnr", "PSNR", { $0.peakSignalToNoiseRatio() }), ("correlation", "Pearson", { $0.pearsonCorrelation }),
  ]

  func write(to group: Group, levels: [Coverage]) throws {
    let channels = ensemble.count
    for metric in Self.metrics {
      try group.write(ensemble.map(metric.value), to: metric.name)
      try group.write(
        members.flatMap { $0.map(metric.value) }, shape: [members.count, channels], to: "member_\(metric.name)")
    }
    if let aggregate {
      for metric in Self.metrics { try group.write(aggregate.map(metric.value), to: "aggregate_\(metric.name)") }
    }
    if !similarity.isEmpty { try group.write(similarity, to: "ssim") }
    try group.write(levels.indices.map { coverage(level: $0) }, to: "coverage")
    try group.write(levels.indices.map { meanWidth(level: $0) }, to: "mean_width")
    for units in units { try units.write(to: group, levels: levels) }
    try slabs?.write(to: group)
    try writeSpread(to: group)
  }

  /// The group `spread`: whether the spread over members finds errors.
  private func writeSpread(to group: Group) throws {
    let own = try group.createGroup("spread")
    try own.setAttribute("NX_class", "NXcollection")
    try own.setAttribute("unit", "errors and spreads are over what targets were divided by for training")
    for (name, meaning, value) in [
      ("error_correlation", "Pearson's correlation of absolute error and spread", spread.correlation),
      ("risk_area", "mean absolute error in the mean over all shares kept, least spread first (AURC)", spread.riskArea),
      (
        "sparsification_error",
        "how far risk_area is above that of the best order, over the mean absolute error (AUSE)",
        spread.sparsificationError
      ), ("mean_absolute_error", "mean absolute error", spread.meanError),
    ] {
      try own.write(value, to: name).setAttribute("long_name", meaning)
    }
    for (name, curve) in [("", spread.errorRejection), ("best_", spread.bestRejection)] {
      // A hundred points tell a curve.
      let shown = stride(from: 0, to: curve.count, by: max(1, curve.count / 100)).map { curve[$0] } + curve.suffix(1)
      try own.write(shown.map(\.kept), to: name + "kept").setAttribute(
        "long_name", "share of values kept, \(name.isEmpty ? "those of least spread" : "those of least error") first")
      try own.write(shown.map(\.error), to: name + "risk").setAttribute("long_name", "their mean absolute error")
    }
  }

  var lines: [String] {
    let several = ensemble.count > 1
    let columns = ensemble.indices.flatMap { channel in
      (Self.metrics.map(\.title) + (similarity.isEmpty ? [] : ["SSIM"])).map { several ? "\($0) \(channel)" : $0 }
    }
    func row(_ name: String, _ sums: [RegressionMetrics], _ similarity: [Double]) -> String {
      TextTable.row(
        name, columns,
        sums.indices.flatMap { channel in
          Self.metrics.map { TextTable.number($0.value(sums[channel])) }
            + [similarity.isEmpty ? "" : TextTable.number(similarity[channel])]
        })
    }
    return [TextTable.row("", columns, columns)]
      + members.enumerated().map { row("member \(numbers.isEmpty ? $0.offset : numbers[$0.offset])", $0.element, []) }
      + [row("ensemble", ensemble, similarity)] + (aggregate.map { [row("aggregate", $0, [])] } ?? [])
      + (members.count > 1
        ? ["", spreadLine] : members.count == 1 ? ["", "a single member, which has no spread"] : [])
  }

  private var spreadLine: String {
    let number = TextTable.number
    return "errors found by spread: correlation \(number(spread.correlation)), AURC \(number(spread.riskArea)), "
      + "sparsification error \(number(spread.sparsificationError))"
  }

  func levelLines(_ levels: [Coverage], infeasible: [String?]) -> [String] {
    let titles = ["coverage"] + units.flatMap(\.titles) + ["mean width"]
    return LevelTable.lines(titles, levels, infeasible: infeasible) { level in
      [TextTable.number(coverage(level: level))] + units.flatMap { $0.columns(level: level) }
        + [TextTable.number(meanWidth(level: level))]
    }
  }
}
