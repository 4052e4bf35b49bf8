import CKernels
import Engine

/// The mean cross entropy between the softmax of logits and labels over all labelled pixels of the whole batch, as
/// `torch.nn.CrossEntropyLoss`.
///
/// With class weights w it is (1 − s)·Σ w(y)·(−log p(y)) ÷ Σ w(y) + s/classes · Σ Σ_c w(c)·(−log p(c)) ÷ Σ w(y), s being the smoothing.
public struct CrossEntropy: Loss, Hashable {
  /// A weight for each class; none weighs all alike.
  public var weights: [Double]?
  /// The part of every label that is spread evenly over all classes (label smoothing, Szegedy et al., arXiv 1512.00567).
  public var smoothing: Double

  public init(weights: [Double]? = nil, smoothing: Double = 0) {
    self.weights = weights
    self.smoothing = smoothing
  }

  /// The weighted sum of −log p, and the sum of the pixels' weights.
  public func width(channels: Int) -> Int { 2 }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    let name = LossSettings.Name.crossEntropy.rawValue
    guard target.hasLabels else { throw .needsLabels(loss: name) }
    guard channels > 1 else { throw .oneChannel(loss: name) }
    if let weights, weights.count != channels {
      throw .weights(loss: name, weights: weights.count, classes: channels)
    }
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    let (logarithms, target) = (sample.gradient, sample.target)
    softmax(sample.output, logarithms, logarithm: true)
    let geometry = logarithms.geometry
    let uniform = smoothing / Double(logarithms.channels)
    var (total, totalWeight) = (0.0, 0.0)
    for row in 0..<geometry.rows {
      var (sum, weight) = (0.0, 0.0)
      for x in 0..<geometry.nx {
        let pixel = row * geometry.nx + x
        let label = target.labels[pixel]
        guard label != Target.ignored else { continue }
        let mask = target.kind.hasWeights ? Double(target.weights[pixel]) : 1
        guard mask > 0 else { continue }
        let own = mask * self.weight(of: Int(label))
        var entropy = -(1 - smoothing) * own * Double(logarithms.row(row, channel: Int(label))[x])
        if smoothing > 0 {
          for channel in 0..<logarithms.channels {
            entropy -= uniform * mask * self.weight(of: channel) * Double(logarithms.row(row, channel: channel)[x])
          }
        }
        sum += entropy
        weight += own
      }
      total += sum
      totalWeight += weight
    }
    sums[0] = total
    sums[1] = totalWeight
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double { sums[1] > 0 ? sums[0] / sums[1] : 0 }

  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { sums[1] }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    let (gradient, target) = (sample.gradient, sample.target)
    softmax(sample.output, gradient, logarithm: false)
    let scale = sums[1] > 0 ? 1 / sums[1] : 0
    let channels = gradient.channels
    let uniform = smoothing / Double(channels)
    let all = weights?.reduce(0, +) ?? Double(channels)
    let geometry = gradient.geometry
    for channel in 0..<channels {
      let spread = Float(uniform * weight(of: channel) * scale)
      let spreadAll = Float(uniform * all * scale)
      for row in 0..<geometry.rows {
        let g = gradient.row(row, channel: channel)
        let first = row * geometry.nx
        for x in 0..<geometry.nx {
          let label = target.labels[first + x]
          let mask = target.kind.hasWeights ? target.weights[first + x] : 1
          guard label != Target.ignored, mask > 0 else {
            g[x] = 0
            continue
          }
          let own = Float((1 - smoothing) * weight(of: Int(label)) * scale)
          g[x] = mask * (own * (g[x] - (Int(label) == channel ? 1 : 0)) + (spreadAll * g[x] - spread))
        }
      }
    }
  }

  @inline(__always)
  private func weight(of label: Int) -> Double { weights?[label] ?? 1 }
}

/// The softmax of planes over their channels, or its logarithm; `y` may be `x`.
func softmax(_ x: FeaturePlanes, _ y: FeaturePlanes, logarithm: Bool) {
  tutti_softmax(
    x.base, x.geometry.channelStride, x.geometry.pitch, y.base, y.geometry.channelStride, y.geometry.pitch,
    Int32(x.channels), Int64(x.geometry.rows), Int32(x.geometry.nx), logarithm)
}
