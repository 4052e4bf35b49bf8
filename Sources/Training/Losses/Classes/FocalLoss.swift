import Engine
import Host
import Settings

/// The focal loss of every pixel, (1 − p)^γ·(−log p) with p the probability of the true class, averaged over the
/// labelled pixels (Lin et al., arXiv 1708.02002, eq. 5).
///
/// Labels of several channels have p from the softmax; else every channel has its own by the sigmoid, and values
/// between 0 and 1 mix the two sides.
public struct FocalLoss: ClassWeightedLoss {
  public static let name = "focal"
  public static let meaning = "cross entropy times (1 − p)^gamma (Lin et al., arXiv 1708.02002)"
  public static let settings: [Setting<Self>] = [
    Setting("gamma", \.gamma, .number(.atLeast(0, limit: 1000)), "how much less sure pixels count more"),
    .classWeights(), .input(\.input),
  ]

  /// How much less sure pixels count more.
  public var gamma: Double
  /// A weight for each class, with one output channel for 0 and 1: the paper's 1 − α and α. Nil weighs all alike.
  public var weights: [Double]?
  public var isBalanced = false
  public var input: LossInput

  public init() { self.init(gamma: 2) }

  /// A focal loss with weights of classes.
  public init(gamma: Double = 2, weights: [Double]? = nil, input: LossInput = .logits) {
    self.gamma = gamma
    self.weights = weights
    self.input = input
  }

  public func width(channels: Int) -> Int { 2 }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    try target.checkClasses(Self.name, channels: channels)
    let classes = target.hasLabels && channels > 1 ? channels : 2
    if let weights, weights.count != classes {
      throw .weights(loss: Self.name, weights: weights.count, classes: classes)
    }
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    let (p, target) = (sample.gradient, sample.target)
    Link(input, target: target.kind, channels: p.channels).write(sample.output, to: p)
    guard target.kind.hasLabels && p.channels > 1 else {
      let probabilities = LossSample(output: p, target: target, gradient: p)
      return probabilities.sumClassTerms(to: sums) { p, t in
        Double(t) * weight(1) * term(Double(p)) + Double(1 - t) * weight(0) * term(1 - Double(p))
      }
    }
    let geometry = p.geometry
    var total = WeightedMean()
    for row in 0..<geometry.rows {
      var part = WeightedMean()
      for x in 0..<geometry.nx {
        let pixel = row * geometry.nx + x
        let mask = target.classMask(pixel)
        guard mask > 0 else { continue }
        let label = Int(target.labels[pixel])
        part.add(weight(label) * term(Double(p.row(row, channel: label)[x])), weight: Double(mask))
      }
      total += part
    }
    total.write(to: sums)
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double { WeightedMean.value(sums) }

  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { sums[1] }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    let (p, target) = (sample.gradient, sample.target)
    let link = Link(input, target: target.kind, channels: p.channels)
    link.write(sample.output, to: p)
    guard target.kind.hasLabels && p.channels > 1 else {
      let probabilities = LossSample(output: p, target: target, gradient: p)
      return probabilities.deriveClassTerms(sums) { p, t in
        let (p, t) = (Double(p), Double(t))
        // dp/dx is p·(1 − p), from either side.
        let (outer, otherOuter) = link == .identity ? (1 / max(p, 1e-12), 1 / max(1 - p, 1e-12)) : (1 - p, p)
        return Float(t * weight(1) * slope(p) * outer - (1 - t) * weight(0) * slope(1 - p) * otherOuter)
      }
    }
    let scale = Float(WeightedMean.scale(sums))
    let geometry = p.geometry
    for row in 0..<geometry.rows {
      for x in 0..<geometry.nx {
        let pixel = row * geometry.nx + x
        let mask = target.classMask(pixel)
        let label = mask > 0 ? Int(target.labels[pixel]) : 0
        let own = Double(p.row(row, channel: label)[x])
        let factor = mask > 0 ? scale * mask * Float(weight(label) * slope(own)) : 0
        for channel in 0..<p.channels {
          let place = p.row(row, channel: channel) + x
          let isOwn: Float = channel == label ? 1 : 0
          place.pointee =
            mask > 0 ? factor * (link == .identity ? isOwn / max(Float(own), 1e-12) : isOwn - place.pointee) : 0
        }
      }
    }
  }

  @inline(__always)
  private func weight(_ label: Int) -> Double { weights?[label] ?? 1 }

  @inline(__always)
  private func term(_ p: Double) -> Double { -Elementary.pow(1 - p, gamma) * max(Elementary.log(p), -100) }

  /// p times the term's derivative: γ·(1 − p)^(γ − 1)·p·log p − (1 − p)^γ.
  @inline(__always)
  private func slope(_ p: Double) -> Double {
    let q = 1 - p
    let first = gamma == 0 || q <= 0 || p <= 0 ? 0 : gamma * Elementary.pow(q, gamma - 1) * p * Elementary.log(p)
    return first - Elementary.pow(max(q, 0), gamma)
  }
}
