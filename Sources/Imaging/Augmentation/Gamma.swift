import Host
import Settings

/// A random power of the intensities, between the darkest and the brightest of a channel of the patch, which stay.
public struct Gamma: Augmentation {
  /// Exponents lie between 1 / (1 + amount) and 1 + amount.
  public var amount = 0.0

  public init() {}

  /// Powers of 1 / (1 + `amount`) … 1 + `amount`.
  public init(_ amount: Double) { self.amount = amount }

  public static let setting = Setting(
    "gamma", \Gamma.amount, .number(.atLeast(0, limit: 1e6)), "intensities follow a power of 1/(1 + gamma) … 1 + gamma")

  public func change(_ plane: UnsafeMutableBufferPointer<Float>, numbers: RandomStream) {
    guard amount > 0 else { return }
    let exponent = Elementary.pow(1 + amount, 2 * numbers.uniformDouble(at: 2) - 1)
    guard exponent != 1 else { return }
    var (low, high) = (Float.infinity, -Float.infinity)
    for value in plane {
      low = min(low, value)
      high = max(high, value)
    }
    let range = high - low
    guard range > 0 else { return }
    for i in plane.indices {
      plane[i] = low + range * Float(Elementary.pow(Double((plane[i] - low) / range), exponent))
    }
  }
}
