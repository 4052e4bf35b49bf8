import Engine

/// The mean of a function of the differences between output and values, over all pixels and channels; with weights the
/// weighted mean, Σ w·f ÷ Σ w.
public protocol RegressionLoss: NamedLoss {
  /// The function of a difference.
  func term(_ difference: Double) -> Double
  /// Its derivative.
  func derivative(_ difference: Float) -> Float
}

extension RegressionLoss {
  public func width(channels: Int) -> Int { 2 }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    try target.checkValues(Self.name, channels: channels)
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    let geometry = sample.output.geometry
    let target = sample.target
    var total = WeightedMean()
    for channel in 0..<sample.output.channels {
      for row in 0..<geometry.rows {
        var part = WeightedMean()
        let output = sample.output.row(row, channel: channel)
        for x in 0..<geometry.nx {
          let pixel = row * geometry.nx + x
          let mask = target.mask(pixel)
          guard mask > 0 else { continue }
          let difference = Double(output[x] - target.values[channel * target.pixels + pixel])
          part.add(term(difference), weight: Double(mask))
        }
        total += part
      }
    }
    total.write(to: sums)
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double { WeightedMean.value(sums) }

  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { sums[1] }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    let geometry = sample.output.geometry
    let target = sample.target
    let scale = Float(WeightedMean.scale(sums))
    for channel in 0..<sample.output.channels {
      for row in 0..<geometry.rows {
        let (output, g) = (sample.output.row(row, channel: channel), sample.gradient.row(row, channel: channel))
        for x in 0..<geometry.nx {
          let pixel = row * geometry.nx + x
          let mask = target.mask(pixel)
          let difference = output[x] - target.values[channel * target.pixels + pixel]
          g[x] = mask > 0 ? scale * mask * derivative(difference) : 0
        }
      }
    }
  }
}

/// −1, 0 or 1.
@inline(__always)
func sign(_ difference: Float) -> Float { difference > 0 ? 1 : difference < 0 ? -1 : 0 }
