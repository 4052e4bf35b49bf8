import Host
import Settings

/// Gaussian noise of a random strength, added to the images and not to targets.
public struct Noise: Augmentation {
  /// The largest standard deviation of the noise, in standard deviations of the training voxels.
  public var amount = 0.0

  public init() {}

  /// Noise of a standard deviation of 0 … `amount`.
  public init(_ amount: Double) { self.amount = amount }

  public static let setting = Setting(
    "noise", \Noise.amount, .number(.atLeast(0, limit: 1e6)),
    "Gaussian noise of a standard deviation of 0 … noise is added, in standard deviations of the training pixels; not "
      + "to targets")

  public func disturb(_ images: UnsafeMutableBufferPointer<Float>, numbers: RandomStream, stream: RandomStream) {
    let deviation = amount * numbers.uniformDouble(at: 3)
    guard deviation > 0 else { return }
    var stream = stream
    for i in images.indices { images[i] += Float(deviation * stream.normal()) }
  }
}
