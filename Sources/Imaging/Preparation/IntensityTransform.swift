import Host

/// Whose values say how images are scaled.
public enum ScalingRule: String, Sendable, Hashable, Codable, CaseIterable {
  /// Mean 0 and standard deviation 1 over the training part; all images are scaled alike.
  case training
  /// Mean 0 and standard deviation 1 over each image or volume.
  case image
  /// The 1st percentile of each image or volume becomes 0, its 99.8th becomes 1.
  case percentile

  /// Whether each image has a scaling of its own.
  public var isByImage: Bool { self != .training }
}

/// What is done to the values of images before they are scaled.
public enum IntensityTransform: String, Sendable, Hashable, Codable, CaseIterable {
  /// Nothing.
  case none
  /// log(1 + v); −log(1 − v) of values below 0.
  case log1p
  /// The square root; −√−v of values below 0.
  case sqrt
  /// Values below the 1st and above the 99.8th percentile become these: of the training part, or of the image when each
  /// has a scaling of its own.
  case clip

  /// A value after the transform; all are monotone.
  @inline(__always)
  func apply(to value: Double, limits: ClosedRange<Double>?) -> Double {
    switch self {
    case .none: return value
    case .log1p: return value < 0 ? -Elementary.log1p(-value) : Elementary.log1p(value)
    case .sqrt: return value < 0 ? -(-value).squareRoot() : value.squareRoot()
    case .clip:
      guard let limits, value.isFinite else { return value }
      return min(max(value, limits.lowerBound), limits.upperBound)
    }
  }

  /// The value that a transform made another of, at most ±10¹⁸, so that a network that errs wildly gives a number whose
  /// square is one; of `clip`, which has no inverse, that value itself.
  func inverted(_ value: Double) -> Double {
    let size: Double
    switch self {
    case .none, .clip: return value
    case .log1p: size = Elementary.expm1(value.magnitude)
    case .sqrt: size = value * value
    }
    return size.isNaN ? size : (value < 0 ? -1 : 1) * min(size, 1e18)
  }
}
