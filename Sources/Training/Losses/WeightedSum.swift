import Engine

/// A sum of losses of one output, each times its weight.
public struct WeightedSum: Loss {
  private let losses: [any Loss]
  private let weights: [Double]

  /// The sum of these losses, each times its weight.
  public init(_ terms: [(loss: any Loss, weight: Double)]) {
    precondition(!terms.isEmpty, "a sum of at least one loss")
    losses = terms.map(\.loss)
    weights = terms.map(\.weight)
  }

  public func width(channels: Int) -> Int { losses.reduce(0) { $0 + $1.width(channels: channels) } }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    for loss in losses { try loss.check(target: target, channels: channels) }
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    var first = 0
    for loss in losses {
      loss.writeSums(sample, to: sums + first)
      first += loss.width(channels: sample.output.channels)
    }
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double {
    var first = 0
    var total = 0.0
    for (loss, weight) in zip(losses, weights) {
      total += weight * loss.value(sums: sums + first, channels: channels)
      first += loss.width(channels: channels)
    }
    return total
  }

  /// That of all losses, when they are means over the same.
  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? {
    var first = 0
    var common: Double?
    for loss in losses {
      guard let weight = loss.weight(sums: sums + first, channels: channels), common ?? weight == weight else {
        return nil
      }
      common = weight
      first += loss.width(channels: channels)
    }
    return common
  }

  /// One for the derivatives after the first, and what the most demanding loss needs.
  public var scratchPlanes: Int { 1 + losses.reduce(0) { max($0, $1.scratchPlanes) } }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    var first = 0
    for index in losses.indices {
      sample.derive(losses[index], weight: weights[index], sums: sums + first, isFirst: index == 0)
      first += losses[index].width(channels: sample.output.channels)
    }
  }
}
