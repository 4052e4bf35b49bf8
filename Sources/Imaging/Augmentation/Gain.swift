import Host
import Settings

/// A random factor of the intensities.
public struct Gain: Augmentation {
  /// Factors lie between 1 − amount and 1 + amount.
  public var amount = 0.0

  public init() {}

  /// Factors of 1 − `amount` … 1 + `amount`.
  public init(_ amount: Double) { self.amount = amount }

  public static let setting = Setting(
    "gain", \Gain.amount, .number(.atLeast(0, below: 1)), "intensities are multiplied by 1 − gain … 1 + gain")

  public func change(_ plane: UnsafeMutableBufferPointer<Float>, numbers: RandomStream) {
    guard amount > 0 else { return }
    let factor = Float(1 + amount * (2 * numbers.uniformDouble(at: 0) - 1))
    for i in plane.indices { plane[i] *= factor }
  }
}
