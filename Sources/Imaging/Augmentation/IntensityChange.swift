import Host

#if canImport(Glibc)
  import Glibc
#endif

/// One random change of a patch's intensities, and the noise that is added.
public struct IntensityChange: Sendable {
  private let gain: Float
  private let offset: Float
  private let exponent: Double
  /// The standard deviation of the noise.
  public let noise: Double

  /// Draws a change; four numbers of the stream, whatever the settings.
  public init(_ settings: AugmentationSettings, from stream: inout RandomStream) {
    gain = Float(1 + settings.gain * (2 * stream.uniformDouble() - 1))
    offset = Float(settings.offset * (2 * stream.uniformDouble() - 1))
    exponent = pow(1 + settings.gamma, 2 * stream.uniformDouble() - 1)
    noise = settings.noise * stream.uniformDouble()
  }

  /// Changes one channel of a patch.
  public func apply(to plane: UnsafeMutableBufferPointer<Float>) {
    var (low, high) = (Float.infinity, -Float.infinity)
    if exponent != 1 {
      for value in plane {
        low = min(low, value)
        high = max(high, value)
      }
    }
    let range = high - low
    for i in plane.indices {
      var value = plane[i]
      if exponent != 1, range > 0 {
        value = low + range * Float(pow(Double((value - low) / range), exponent))
      }
      plane[i] = value * gain + offset
    }
  }

  /// Adds Gaussian noise.
  public func addNoise(to values: UnsafeMutableBufferPointer<Float>, from stream: inout RandomStream) {
    for i in values.indices { values[i] += Float(noise * stream.normal()) }
  }
}
