import Host
import Settings

/// A random number that is added to the intensities.
public struct Offset: Augmentation {
  /// The largest offset either way, in standard deviations of the training voxels.
  public var amount = 0.0

  public init() {}

  /// Offsets of −`amount` … `amount`.
  public init(_ amount: Double) { self.amount = amount }

  public static let setting = Setting(
    "offset", \Offset.amount, .number(.atLeast(0, limit: 1e6)),
    "−offset … offset is added to intensities, in standard deviations of the training pixels")

  public func change(_ plane: UnsafeMutableBufferPointer<Float>, numbers: RandomStream) {
    guard amount > 0 else { return }
    let offset = Float(amount * (2 * numbers.uniformDouble(at: 1) - 1))
    for i in plane.indices { plane[i] += offset }
  }
}
