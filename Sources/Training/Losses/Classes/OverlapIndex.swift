import Engine
import Host
import Settings

/// (1 − index)^γ of an overlap index of each class over the whole batch, averaged over the classes.
///
/// index = (TP + s) ÷ (TP + α·FP + β·FN + s) with TP = Σ p·t, FP = Σ p·(1 − t), FN = Σ (1 − p)·t (Salehi et al., arXiv
/// 1706.05721, eq. 4). Labels of several channels are compared with the softmax, all else with the sigmoid of each
/// channel.
public struct OverlapIndex: Sendable {
  /// How much false positives weigh.
  var alpha: Double
  /// How much false negatives weigh.
  var beta: Double
  /// The exponent γ.
  var gamma = 1.0
  /// Added to both sides of the quotient.
  var smooth: Double
  /// A weight for each channel; nil weighs all alike.
  var weights: [Double]?
  var input: LossInput

  /// Of every channel Σ p·t, Σ p, Σ t.
  func width(channels: Int) -> Int { 3 * channels }

  func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    let (p, target) = (sample.gradient, sample.target)
    Link(input, target: target.kind, channels: p.channels).write(sample.output, to: p)
    let geometry = p.geometry
    for channel in 0..<p.channels {
      var (both, found, wanted) = (0.0, 0.0, 0.0)
      for row in 0..<geometry.rows {
        var (rowBoth, rowFound, rowWanted) = (0.0, 0.0, 0.0)
        let line = p.row(row, channel: channel)
        for x in 0..<geometry.nx {
          let pixel = row * geometry.nx + x
          let mask = Double(target.classMask(pixel))
          guard mask > 0 else { continue }
          let t = mask * Double(target.probability(pixel, channel: channel, of: p.channels))
          rowBoth += t * Double(line[x])
          rowFound += mask * Double(line[x])
          rowWanted += t
        }
        both += rowBoth
        found += rowFound
        wanted += rowWanted
      }
      sums[3 * channel] = both
      sums[3 * channel + 1] = found
      sums[3 * channel + 2] = wanted
    }
  }

  func value(sums: UnsafePointer<Double>, channels: Int) -> Double {
    (0..<channels).reduce(0) { total, channel in
      let index = quotient(sums + 3 * channel)
      return total + share(channel, of: channels) * Elementary.pow(max(1 - index.above / index.below, 0), gamma)
    }
  }

  func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    let (p, target) = (sample.gradient, sample.target)
    let link = Link(input, target: target.kind, channels: p.channels)
    link.write(sample.output, to: p)
    let geometry = p.geometry
    // The derivative with respect to p is own · t + other, both constant within a channel.
    withUnsafeTemporaryAllocation(of: (own: Float, other: Float).self, capacity: p.channels) { factors in
      for channel in 0..<p.channels {
        let index = quotient(sums + 3 * channel)
        let outer = share(channel, of: p.channels) * slope(1 - index.above / index.below)
        let change = index.above / (index.below * index.below)
        factors[channel] = (
          own: Float(-outer * (1 / index.below - change * (1 - alpha - beta))), other: Float(outer * change * alpha)
        )
      }
      for row in 0..<geometry.rows {
        let first = p.row(row, channel: 0)
        for x in 0..<geometry.nx {
          let pixel = row * geometry.nx + x
          let mask = target.classMask(pixel)
          @inline(__always) func place(_ channel: Int) -> Int { channel * geometry.channelStride + x }
          @inline(__always) func derivative(_ channel: Int) -> Float {
            factors[channel].own * target.probability(pixel, channel: channel, of: p.channels) + factors[channel].other
          }
          guard mask > 0 else {
            for channel in 0..<p.channels { first[place(channel)] = 0 }
            continue
          }
          switch link {
          case .softmax:
            var mean: Float = 0
            for channel in 0..<p.channels { mean += first[place(channel)] * derivative(channel) }
            for channel in 0..<p.channels {
              first[place(channel)] *= mask * (derivative(channel) - mean)
            }
          case .sigmoid:
            for channel in 0..<p.channels {
              let value = first[place(channel)]
              first[place(channel)] = mask * derivative(channel) * value * (1 - value)
            }
          case .identity:
            for channel in 0..<p.channels { first[place(channel)] = mask * derivative(channel) }
          }
        }
      }
    }
  }

  /// Both sides of a channel's index; an index without anything in it is 1.
  private func quotient(_ sums: UnsafePointer<Double>) -> (above: Double, below: Double) {
    let above = sums[0] + smooth
    let below = sums[0] + alpha * (sums[1] - sums[0]) + beta * (sums[2] - sums[0]) + smooth
    return below > 0 ? (above, below) : (1, 1)
  }

  /// The derivative of d^γ; 0 at 0, where powers below 1 have none.
  private func slope(_ d: Double) -> Double { gamma == 1 ? 1 : d > 0 ? gamma * Elementary.pow(d, gamma - 1) : 0 }

  /// A channel's part of the mean.
  private func share(_ channel: Int, of channels: Int) -> Double {
    guard let weights else { return 1 / Double(channels) }
    return weights[channel] / weights.reduce(0, +)
  }
}

/// A loss of the overlap of prediction and truth.
public protocol OverlapLoss: ClassWeightedLoss {
  var index: OverlapIndex { get }
}

extension OverlapLoss {
  public func width(channels: Int) -> Int { index.width(channels: channels) }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    try target.checkClasses(Self.name, channels: channels)
    if let weights, weights.count != channels {
      throw .weights(loss: Self.name, weights: weights.count, classes: channels)
    }
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    index.writeSums(sample, to: sums)
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double {
    index.value(sums: sums, channels: channels)
  }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) { index.derive(sample, sums: sums) }

  public func balanced(by counts: [Int], channels: Int) throws(LossError) -> Self {
    guard channels > 1 else { throw .nothingToBalance(loss: Self.name) }
    return balanced(by: counts)
  }
}

extension Setting where Section: NamedLoss {
  /// The key `smooth`.
  static func smooth(_ path: WritableKeyPath<Section, Double> & Sendable) -> Setting {
    Setting("smooth", path, .number(.atLeast(0, limit: 1e12)), "added to both sides of the quotient")
  }
}
