import CKernels
import Engine
import Host

/// What training makes small: a number for a batch, and its derivative with respect to the network's output.
///
/// In two phases, so that a batch may be spread over shards: first every sample's sums, then, when those of the whole
/// batch are known, the value and the derivative. A loss is a value, its settings; it uses whichever parts the target
/// has, and says beforehand which it cannot do without (`check`). Pixels whose label is `Label.ignored` or whose weight
/// is 0 change neither value nor derivative.
public protocol Loss: Sendable {
  /// How many sums a sample has, for outputs of so many channels.
  func width(channels: Int) -> Int

  /// Refuses targets or outputs that the loss has no meaning for.
  func check(target: TargetKind, channels: Int) throws(LossError)

  /// Phase one: writes the sums of one sample, `width` of them.
  func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>)

  /// The loss of a batch with these sums; 0 when no pixel counts.
  func value(sums: UnsafePointer<Double>, channels: Int) -> Double

  /// What a mean is divided by: with it the losses of several batches make up that of all; nil when the loss is no
  /// mean.
  func weight(sums: UnsafePointer<Double>, channels: Int) -> Double?

  /// Phase two: writes the derivative of the batch's loss into one sample's gradient.
  func derive(_ sample: LossSample, sums: UnsafePointer<Double>)

  /// How many sets of planes of the output's shape phase two needs for intermediate values.
  var scratchPlanes: Int { get }
}

extension Loss {
  public var scratchPlanes: Int { 0 }

  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { nil }
}

/// One sample as a loss meets it.
public struct LossSample {
  /// What the network gives, `[channel, z, y, x]`.
  public let output: FeaturePlanes
  /// What the output is compared with.
  public let target: Target
  /// The loss's derivative with respect to the output, of the same shape. Free for intermediate values in phase one,
  /// which do not outlive it.
  public let gradient: FeaturePlanes
  /// The first of the sets of planes of the same shape that the loss asks for, free for intermediate values in phase
  /// two.
  private let scratch: UnsafeMutablePointer<Float>?

  /// - Parameter scratch: as much memory as `scratchCount(_:of:)` says.
  public init(
    output: FeaturePlanes, target: Target, gradient: FeaturePlanes, scratch: UnsafeMutablePointer<Float>? = nil
  ) {
    precondition(output.geometry.pixels == target.pixels, "a target with as many pixels as the output")
    self.output = output
    self.target = target
    self.gradient = gradient
    self.scratch = scratch
  }

  /// How many floats so many sets of planes like these take.
  public static func scratchCount(_ sets: Int, of planes: FeaturePlanes) -> Int { sets * planes.geometry.sampleStride }

  /// A set of free planes, counted from 0.
  func scratch(_ index: Int) -> FeaturePlanes {
    guard let scratch else { preconditionFailure("a loss uses the scratch planes that it asks for") }
    return FeaturePlanes(
      base: scratch + index * gradient.geometry.sampleStride + gradient.geometry.lead, geometry: gradient.geometry,
      channels: gradient.channels)
  }

  /// Phase two of one loss of a sum: adds `weight` times its derivative to the gradient, or writes it when it is the
  /// first. Later ones take one set of scratch planes.
  func derive(_ loss: some Loss, weight: Double, sums: UnsafePointer<Double>, isFirst: Bool) {
    let part = isFirst ? gradient : scratch(0)
    let rest = scratch.map { $0 + gradient.geometry.sampleStride }
    loss.derive(LossSample(output: output, target: target, gradient: part, scratch: rest), sums: sums)
    let geometry = part.geometry
    for channel in 0..<part.channels {
      tutti_copy_rows(
        part.row(0, channel: channel), geometry.pitch, gradient.row(0, channel: channel), gradient.geometry.pitch,
        Int64(geometry.rows), Int32(geometry.nx), Float(weight), !isFirst)
    }
  }
}
