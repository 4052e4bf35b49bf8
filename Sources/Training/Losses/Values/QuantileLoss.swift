import Engine
import Settings

/// The pinball loss of several quantiles at once: the mean over pixels, channels and quantiles τ of max(τ·e, (τ − 1)·e)
/// with e = value − output (Koenker and Bassett, doi:10.2307/1913643).
///
/// Output channel q·n + c predicts quantile q of channel c of the n channels of the target.
public struct QuantileLoss: NamedLoss {
  public static let name = "quantile"
  public static let meaning =
    "the pinball loss, whose least value is a quantile of the target; networks end in the target's channels once for each "
    + "quantile"
  public static let settings: [Setting<Self>] = [
    Setting(
      "quantiles", \.quantiles, .list(of: .number(.above(0, below: 1)), count: 1...99),
      "the quantiles that are predicted, ascending; the middle one is the prediction's mean, the outer ones are the ends of "
        + "`cqr` intervals"),
    Setting("weights", \.weights, .weights, otherwise: "all alike", "a weight for each class or channel"),
  ]

  /// Between 0 and 1, in the order of the output's channels.
  public var quantiles: [Double]
  /// How much each quantile weighs in the mean; nil weighs all alike.
  public var weights: [Double]?

  public init() { self.init(quantiles: [0.05, 0.5, 0.95]) }

  /// The pinball loss of these quantiles.
  public init(quantiles: [Double] = [0.05, 0.5, 0.95], weights: [Double]? = nil) {
    self.quantiles = quantiles
    self.weights = weights
  }

  public var predictedQuantiles: [Double]? { quantiles }

  public func width(channels: Int) -> Int { 2 }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    guard target.channels > 0 else { throw .needsValues(loss: Self.name) }
    guard target.channels * quantiles.count == channels else {
      throw .channels(loss: Self.name, output: channels, target: target.channels)
    }
    if let weights, weights.count != quantiles.count {
      throw .weights(loss: Self.name, weights: weights.count, classes: quantiles.count)
    }
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    let (output, target) = (sample.output, sample.target)
    let geometry = output.geometry
    var total = WeightedMean()
    for channel in 0..<output.channels {
      let quantile = channel / target.kind.channels
      let (tau, weight) = (quantiles[quantile], weights?[quantile] ?? 1)
      let values = target.values + channel % target.kind.channels * target.pixels
      for row in 0..<geometry.rows {
        var part = WeightedMean()
        let line = output.row(row, channel: channel)
        for x in 0..<geometry.nx {
          let pixel = row * geometry.nx + x
          let mask = Double(target.mask(pixel))
          guard mask > 0 else { continue }
          let error = Double(values[pixel] - line[x])
          part.add(max(tau * error, (tau - 1) * error), weight: mask * weight)
        }
        total += part
      }
    }
    total.write(to: sums)
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double { WeightedMean.value(sums) }

  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { sums[1] }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    let (output, target) = (sample.output, sample.target)
    let geometry = output.geometry
    for channel in 0..<output.channels {
      let quantile = channel / target.kind.channels
      let tau = Float(quantiles[quantile])
      let scale = Float(WeightedMean.scale(sums) * (weights?[quantile] ?? 1))
      let values = target.values + channel % target.kind.channels * target.pixels
      for row in 0..<geometry.rows {
        let (line, g) = (output.row(row, channel: channel), sample.gradient.row(row, channel: channel))
        for x in 0..<geometry.nx {
          let pixel = row * geometry.nx + x
          let mask = target.mask(pixel)
          let error = values[pixel] - line[x]
          let slope: Float = error > 0 ? -tau : error < 0 ? 1 - tau : 0
          g[x] = mask > 0 ? scale * mask * slope : 0
        }
      }
    }
  }
}
