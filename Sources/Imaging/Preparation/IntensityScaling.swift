/// How the values of images become what networks see: transformed, then scaled channel by channel, so that `mean`
/// becomes 0 and `mean` + `standardDeviation` becomes 1.
public struct IntensityScaling: Hashable, Sendable, Codable {
  /// The mean of each channel; by percentiles the first of them.
  public let mean: [Double]
  /// The standard deviation of each channel (of the voxels themselves: divided by their number); by percentiles their
  /// distance.
  public let standardDeviation: [Double]
  /// Which values say so.
  public var rule = ScalingRule.training
  /// What is done to values before.
  public var transform = IntensityTransform.none
  /// Of each channel the values that others are clipped to, when they are.
  public var limits: [ClosedRange<Double>]?
  /// When each image has a scaling of its own, those of the images that were looked at; models do not store them.
  public var images: [Int: IntensityScaling] = [:]

  /// A scaling by numbers of all images.
  public init(mean: [Double], standardDeviation: [Double]) {
    precondition(mean.count == standardDeviation.count, "as many means as standard deviations")
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// The scaling that leaves everything as it is.
  public static func identity(channels: Int) -> IntensityScaling {
    IntensityScaling(
      mean: Array(repeating: 0, count: channels), standardDeviation: Array(repeating: 1, count: channels))
  }

  /// Whether it is one linear map for all images.
  public var isLinear: Bool { rule == .training && transform == .none }

  /// As models store it: without the numbers of single images.
  public var stored: IntensityScaling {
    var result = self
    result.images = [:]
    return result
  }

  /// The numbers of an image.
  func of(image: Int) -> IntensityScaling {
    guard rule.isByImage else { return self }
    guard let own = images[image] else { preconditionFailure("image \(image) was not looked at for its scaling") }
    return own
  }

  /// Replaces every value v by (v − mean) / standard deviation, after its transform.
  ///
  /// - Parameter values: `[channel, …]`.
  public func apply(to values: UnsafeMutableBufferPointer<Float>) {
    precondition(values.count % mean.count == 0, "a buffer of another number of channels")
    let count = values.count / mean.count
    for channel in mean.indices {
      let places = channel * count..<(channel + 1) * count
      guard transform == .none else {
        for i in places { values[i] = scaled(Double(values[i]), channel: channel) }
        continue
      }
      let mean = mean[channel]
      let factor = 1 / standardDeviation[channel]
      for i in places { values[i] = Float((Double(values[i]) - mean) * factor) }
    }
  }

  /// (v − mean) / standard deviation of one value after its transform, rounded at the end.
  @inline(__always)
  func scaled(_ value: Double, channel: Int) -> Float {
    Float((transformed(value, channel: channel) - mean[channel]) * (1 / standardDeviation[channel]))
  }

  /// A value after its transform, before it is scaled.
  @inline(__always)
  func transformed(_ value: Double, channel: Int) -> Double {
    transform == .none ? value : transform.apply(to: value, limits: limits?[channel])
  }

  /// The value v of a channel was before it was scaled, v · standard deviation + mean, and transformed.
  @inline(__always)
  public func unscaled(_ value: Float, channel: Int) -> Float {
    Float(transform.inverted(Double(value) * standardDeviation[channel] + mean[channel]))
  }

  /// Of each channel, how far apart values are in their own unit of which one is scaled to 0 and the other to 1.
  public var units: [Float] {
    standardDeviation.indices.map { channel in
      transform == .none
        ? Float(standardDeviation[channel]) : unscaled(1, channel: channel) - unscaled(0, channel: channel)
    }
  }
}
