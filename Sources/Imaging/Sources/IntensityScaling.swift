/// The map of intensities to mean 0 and standard deviation 1 over the training voxels, channel by channel.
public struct IntensityScaling: Hashable, Sendable, Codable {
  /// The mean of each channel.
  public let mean: [Double]
  /// The standard deviation of each channel (of the voxels themselves: divided by their number).
  public let standardDeviation: [Double]

  /// A scaling as stored in a model.
  public init(mean: [Double], standardDeviation: [Double]) {
    precondition(mean.count == standardDeviation.count, "as many means as standard deviations")
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// Replaces every value v by (v − mean) / standard deviation.
  ///
  /// - Parameter images: `[channel, …]`.
  public func apply(to images: UnsafeMutableBufferPointer<Float>) {
    precondition(images.count % mean.count == 0, "a buffer of another number of channels")
    let count = images.count / mean.count
    for channel in mean.indices {
      let mean = mean[channel]
      let factor = 1 / standardDeviation[channel]
      for i in channel * count..<(channel + 1) * count { images[i] = Float((Double(images[i]) - mean) * factor) }
    }
  }
}

extension IntensityScaling {
  /// (v − mean) / standard deviation of one value, rounded at the end.
  @inline(__always)
  func scaled(_ value: Double, channel: Int) -> Float {
    Float((value - mean[channel]) * (1 / standardDeviation[channel]))
  }

  /// The scaling that leaves everything as it is.
  public static func identity(channels: Int) -> IntensityScaling {
    IntensityScaling(
      mean: Array(repeating: 0, count: channels), standardDeviation: Array(repeating: 1, count: channels))
  }

  /// The value v of a channel was before it was scaled: v · standard deviation + mean.
  @inline(__always)
  public func unscaled(_ value: Float, channel: Int) -> Float {
    Float(Double(value) * standardDeviation[channel] + mean[channel])
  }
}

/// The count, mean and sum of squared deviations of a sequence of numbers.
///
/// Blocks of numbers are merged by T. F. Chan, G. H. Golub, R. J. LeVeque, *Algorithms for computing the sample
/// variance*, doi:10.1080/00031305.1983.10483115; the order of blocks is the order of addition.
struct Moments {
  var count = 0.0
  var mean = 0.0
  var squares = 0.0
  var smallest = Double.infinity
  var largest = -Double.infinity

  /// Takes in a block.
  mutating func add<Value: BinaryFloatingPoint>(_ values: UnsafeBufferPointer<Value>) {
    guard !values.isEmpty else { return }
    let blockCount = Double(values.count)
    let blockMean = Self.sum(values) { $0 } / blockCount
    let blockSquares = Self.sum(values) { ($0 - blockMean) * ($0 - blockMean) }
    let total = count + blockCount
    let distance = blockMean - mean
    squares += blockSquares + distance * distance * (count * blockCount / total)
    mean += distance * (blockCount / total)
    count = total
    for value in values {
      smallest = min(smallest, Double(value))
      largest = max(largest, Double(value))
    }
  }

  var standardDeviation: Double { (squares / count).squareRoot() }

  /// A sum in eight interleaved parts, whatever the processor's vectors are.
  @inline(__always)
  private static func sum<Value: BinaryFloatingPoint>(
    _ values: UnsafeBufferPointer<Value>, of transform: (SIMD8<Double>) -> SIMD8<Double>
  ) -> Double {
    var sums = SIMD8<Double>.zero
    let whole = values.count / 8 * 8
    var i = 0
    while i < whole {
      var lanes = SIMD8<Double>()
      for lane in 0..<8 { lanes[lane] = Double(values[i + lane]) }
      sums += transform(lanes)
      i += 8
    }
    var rest = 0.0
    while i < values.count {
      rest += transform(SIMD8(repeating: Double(values[i])))[0]
      i += 1
    }
    var total = 0.0
    for lane in 0..<8 { total += sums[lane] }
    return total + rest
  }
}
