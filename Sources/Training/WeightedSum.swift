import CKernels
import Engine

/// A sum of losses of one output, each times its weight.
public struct WeightedSum: Loss {
  private let losses: [any Loss]
  private let weights: [Double]

  public init(_ terms: [(loss: any Loss, weight: Double)]) {
    precondition(!terms.isEmpty, "a sum of at least one loss")
    losses = terms.map(\.loss)
    weights = terms.map(\.weight)
  }

  public func width(channels: Int) -> Int { losses.reduce(0) { $0 + $1.width(channels: channels) } }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    for loss in losses {
      precondition(!loss.usesScratch, "a sum of losses within a sum; make it one sum")
      try loss.check(target: target, channels: channels)
    }
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

  /// Further derivatives go through the scratch planes.
  public var usesScratch: Bool { true }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    var first = 0
    for (index, loss) in losses.enumerated() {
      let isFirst = index == 0
      let part = isFirst ? sample.gradient : sample.scratch
      loss.derive(LossSample(output: sample.output, target: sample.target, gradient: part), sums: sums + first)
      first += loss.width(channels: sample.output.channels)
      let geometry = part.geometry
      for channel in 0..<part.channels {
        tutti_copy_rows(
          part.row(0, channel: channel), part.geometry.pitch, sample.gradient.row(0, channel: channel),
          sample.gradient.geometry.pitch, Int64(geometry.rows), Int32(geometry.nx), Float(weights[index]), !isFirst)
      }
    }
  }
}
