import Engine

/// The mean of a function of the differences between output and values, over all pixels and channels; with weights the
/// weighted mean, Σ w·f ÷ Σ w.
public enum RegressionLoss: Loss, Hashable {
  /// |d|, `torch.nn.L1Loss`.
  case l1
  /// d², `torch.nn.MSELoss`.
  case mse
  /// d²/2 up to |d| = δ, then δ·(|d| − δ/2), `torch.nn.HuberLoss`.
  case huber(delta: Double)
  /// d²/(2β) up to |d| = β, then |d| − β/2, `torch.nn.SmoothL1Loss`; L1 for β = 0.
  case smoothL1(beta: Double)

  var name: LossSettings.Name {
    switch self {
    case .l1: .l1
    case .mse: .mse
    case .huber: .huber
    case .smoothL1: .smoothL1
    }
  }

  public func width(channels: Int) -> Int { 2 }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    try target.checkValues(name, channels: channels)
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

  @inline(__always)
  private func term(_ difference: Double) -> Double {
    let size = abs(difference)
    switch self {
    case .l1: return size
    case .mse: return difference * difference
    case .huber(let delta):
      return size < delta ? 0.5 * difference * difference : delta * (size - 0.5 * delta)
    case .smoothL1(let beta):
      return size < beta ? 0.5 * difference * difference / beta : size - 0.5 * beta
    }
  }

  @inline(__always)
  private func derivative(_ difference: Float) -> Float {
    let sign: Float = difference > 0 ? 1 : difference < 0 ? -1 : 0
    switch self {
    case .l1: return sign
    case .mse: return 2 * difference
    case .huber(let delta): return abs(difference) < Float(delta) ? difference : Float(delta) * sign
    case .smoothL1(let beta): return abs(difference) < Float(beta) ? difference / Float(beta) : sign
    }
  }
}
