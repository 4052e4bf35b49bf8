import Engine

/// What training makes small: a number for a batch, and its derivative with respect to the network's output.
///
/// In two phases, so that a batch may be spread over shards: first every sample's sums, then, when those of the whole batch are
/// known, the value and the derivative. A loss is a value, its settings; it uses whichever parts the target has, and says beforehand
/// which it cannot do without (`check`). Pixels whose label is `Target.ignored` or whose weight is 0 change neither value nor
/// derivative.
public protocol Loss: Sendable {
  /// How many sums a sample has, for outputs of so many channels.
  func width(channels: Int) -> Int

  /// Refuses targets or outputs that the loss has no meaning for.
  func check(target: TargetKind, channels: Int) throws(LossError)

  /// Phase one: writes the sums of one sample, `width` of them.
  func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>)

  /// The loss of a batch with these sums; 0 when no pixel counts.
  func value(sums: UnsafePointer<Double>, channels: Int) -> Double

  /// What a mean is divided by: with it the losses of several batches make up that of all; nil when the loss is no mean.
  func weight(sums: UnsafePointer<Double>, channels: Int) -> Double?

  /// Phase two: writes the derivative of the batch's loss into one sample's gradient.
  func derive(_ sample: LossSample, sums: UnsafePointer<Double>)

  /// Whether phase two needs the sample's scratch planes.
  var usesScratch: Bool { get }
}

extension Loss {
  public var usesScratch: Bool { false }

  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { nil }
}

/// One sample as a loss meets it.
public struct LossSample {
  /// What the network gives, `[channel, z, y, x]`.
  public let output: FeaturePlanes
  public let target: Target
  /// The loss's derivative with respect to the output, of the same shape. Free for intermediate values in phase one, which do not
  /// outlive it.
  public let gradient: FeaturePlanes
  /// Planes of the same shape, free for intermediate values in phase two, when the loss asks for them.
  public let scratch: FeaturePlanes

  public init(output: FeaturePlanes, target: Target, gradient: FeaturePlanes, scratch: FeaturePlanes? = nil) {
    precondition(output.geometry.pixels == target.pixels, "a target with as many pixels as the output")
    self.output = output
    self.target = target
    self.gradient = gradient
    self.scratch = scratch ?? gradient
  }
}

/// Why a loss cannot train a network.
public enum LossError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The loss compares labels, and there are none.
  case needsLabels(loss: String)
  /// The loss compares values, and there are none.
  case needsValues(loss: String)
  /// The target's channels do not go with the output's.
  case channels(loss: String, output: Int, target: Int)
  /// A list of weights is not one weight a class.
  case weights(loss: String, weights: Int, classes: Int)
  /// The loss is of several classes, and the network has one output channel.
  case oneChannel(loss: String)

  public var description: String {
    switch self {
    case .needsLabels(let loss):
      "training.loss: \(loss) compares with classes, and this task has images instead; mse or l1 compare images"
    case .needsValues(let loss):
      "training.loss: \(loss) compares with images, and this task has classes instead; cross-entropy or dice compare classes"
    case .channels(let loss, let output, let target):
      "training.loss: \(loss) cannot compare \(output) output channels with \(target) channels of the target; "
        + "give the network as many outputs as the target needs"
    case .weights(let loss, let weights, let classes):
      "training.loss: \(loss) has \(weights) weights for \(classes) classes; give one for each"
    case .oneChannel(let loss):
      "training.loss: \(loss) needs one output channel for each class, and the network has one in all; "
        + "give it two, or use binary-cross-entropy"
    }
  }
}
