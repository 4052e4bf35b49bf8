import Engine
import Host
import Settings

/// The mean cross entropy between the softmax of logits and labels over all labelled pixels of the whole batch, as
/// `torch.nn.CrossEntropyLoss`.
///
/// With class weights w it is (1 − s)·Σ w(y)·(−log p(y)) ÷ Σ w(y) + s/classes · Σ Σ_c w(c)·(−log p(c)) ÷ Σ w(y), s
/// being the smoothing.
public struct CrossEntropy: ClassWeightedLoss {
  public static let name = "cross-entropy"
  public static let meaning = "−log p of the true class, as `torch.nn.CrossEntropyLoss`"
  public static let settings: [Setting<Self>] = [
    .classWeights(), .input(\.input),
    Setting(
      "smoothing", \.smoothing, .number(.atLeast(0, below: 1)),
      "the part of the target that is spread over all classes"),
  ]

  /// A weight for each class; nil weighs all alike.
  public var weights: [Double]?
  public var isBalanced = false
  /// The part of every label that is spread evenly over all classes (label smoothing, Szegedy et al., arXiv
  /// 1512.00567).
  public var smoothing: Double
  /// Logarithms of probabilities below −100 count as −100, as for `BinaryCrossEntropy`.
  public var input: LossInput

  public init() { self.init(weights: nil) }

  /// Cross entropy with weights of classes and label smoothing.
  public init(weights: [Double]? = nil, smoothing: Double = 0, input: LossInput = .logits) {
    self.weights = weights
    self.smoothing = smoothing
    self.input = input
  }

  public func width(channels: Int) -> Int { 2 }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    guard target.hasLabels else { throw .needsLabels(loss: Self.name) }
    guard channels > 1 else { throw .oneChannel(loss: Self.name) }
    try target.checkClasses(Self.name, channels: channels, weights: weights)
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    let (logarithms, target) = (sample.gradient, sample.target)
    switch input {
    case .logits: softmax(sample.output, logarithms, logarithm: true)
    case .probabilities: logarithms.map(sample.output) { max(Elementary.log($0), -100) }
    }
    let geometry = logarithms.geometry
    let uniform = smoothing / Double(logarithms.channels)
    var total = WeightedMean()
    for row in 0..<geometry.rows {
      var part = WeightedMean()
      for x in 0..<geometry.nx {
        let pixel = row * geometry.nx + x
        let mask = Double(target.classMask(pixel))
        guard mask > 0 else { continue }
        let label = Int(target.labels[pixel])
        let own = mask * weight(of: label)
        part.sum -= (1 - smoothing) * own * Double(logarithms.row(row, channel: label)[x])
        part.weight += own
        if smoothing > 0 {
          for channel in 0..<logarithms.channels {
            part.sum -= uniform * mask * weight(of: channel) * Double(logarithms.row(row, channel: channel)[x])
          }
        }
      }
      total += part
    }
    total.write(to: sums)
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double { WeightedMean.value(sums) }

  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { sums[1] }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    let (gradient, target) = (sample.gradient, sample.target)
    if input == .logits { softmax(sample.output, gradient, logarithm: false) }
    let scale = WeightedMean.scale(sums)
    let channels = gradient.channels
    let uniform = smoothing / Double(channels)
    let spreadAll = Float(uniform * (weights?.reduce(0, +) ?? Double(channels)) * scale)
    let geometry = gradient.geometry
    for channel in 0..<channels {
      let spread = Float(uniform * weight(of: channel) * scale)
      for row in 0..<geometry.rows {
        let g = gradient.row(row, channel: channel)
        let output = sample.output.row(row, channel: channel)
        let first = row * geometry.nx
        for x in 0..<geometry.nx {
          let mask = target.classMask(first + x)
          guard mask > 0 else {
            g[x] = 0
            continue
          }
          let label = Int(target.labels[first + x])
          let own = Float((1 - smoothing) * weight(of: label) * scale)
          let isOwn: Float = label == channel ? 1 : 0
          switch input {
          case .logits: g[x] = mask * (own * (g[x] - isOwn) + (spreadAll * g[x] - spread))
          case .probabilities: g[x] = Elementary.log(output[x]) > -100 ? -mask * (own * isOwn + spread) / output[x] : 0
          }
        }
      }
    }
  }

  @inline(__always)
  private func weight(of label: Int) -> Double { weights?[label] ?? 1 }
}
