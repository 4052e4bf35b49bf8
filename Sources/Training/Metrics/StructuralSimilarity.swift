import Host

/// The structural similarity of two images (SSIM; Wang, Bovik, Sheikh and Simoncelli, doi:10.1109/TIP.2003.819861), in
/// 1-D, 2-D and 3-D.
///
/// Gaussian windows that lie within the image, covariances with divisor n: what `skimage.metrics.structural_similarity`
/// says with `gaussian_weights=True, use_sample_covariance=False`; `torchmetrics` also counts windows that reach over
/// the edge. Windows of tiles add up to those of the image when tiles overlap by 2 · `radius` pixels.
public struct StructuralSimilarity: Hashable, Sendable {
  /// The largest possible value minus the least.
  public var range: Double
  /// The window's standard deviation in pixels.
  public var sigma: Double
  /// The constants of the luminance and contrast terms, relative to the range.
  public var k1: Double
  /// The constant of the contrast term, relative to the range.
  public var k2: Double

  /// The similarity of images with this range of values.
  public init(range: Double, sigma: Double = 1.5, k1: Double = 0.01, k2: Double = 0.03) {
    self.range = range
    self.sigma = sigma
    self.k1 = k1
    self.k2 = k2
  }

  /// Pixels of a window on each side of its centre: ⌊3.5 · sigma + 0.5⌋.
  public var radius: Int { Int(3.5 * sigma + 0.5) }

  /// A sum of similarities, and of how many windows. Merge in a fixed order.
  public struct Total: Hashable, Sendable {
    /// The sum of the similarities of all windows.
    public var sum: Double
    /// How many windows.
    public var windows: Double

    /// A sum over so many windows.
    public init(sum: Double = 0, windows: Double = 0) {
      self.sum = sum
      self.windows = windows
    }

    /// Adds the windows of other parts or channels.
    public mutating func merge(_ other: Total) {
      sum += other.sum
      windows += other.windows
    }

    /// The mean similarity, at most 1; NaN without windows.
    public var mean: Double { sum / windows }
  }

  /// The similarities of all windows within one channel of an image.
  ///
  /// - Parameters:
  ///   - prediction: `[z, y, x]`.
  ///   - truth: `[z, y, x]`.
  ///   - extents: of z, y, x. Along an axis of extent 1 windows have extent 1; of 2 to 2 · `radius` there is none.
  /// - Complexity: O(*pixels* · `radius`); memory for 5 · (2 · `radius` + 1) slices.
  public func total(
    _ prediction: UnsafePointer<Float>, _ truth: UnsafePointer<Float>, extents: Extents
  ) -> Total {
    let (nz, ny, nx) = (extents.z, extents.y, extents.x)
    let (alongZ, alongY, alongX) = (window(nz), window(ny), window(nx))
    let (slices, rows, columns) = (nz - alongZ.count + 1, ny - alongY.count + 1, nx - alongX.count + 1)
    guard slices > 0, rows > 0, columns > 0 else { return Total() }
    let size = rows * columns
    // Filtered along x and y: means, squares and product of the slices that a window holds, slice z in place z mod
    // extent.
    var ring = [Double](repeating: 0, count: alongZ.count * 5 * size)
    var lines = [Double](repeating: 0, count: 5 * ny * columns)
    var result = Total()
    for z in 0..<nz {
      filterRows(prediction + z * ny * nx, truth + z * ny * nx, rows: ny, width: nx, alongX, to: &lines)
      let place = z % alongZ.count * 5 * size
      for moment in 0..<5 {
        for row in 0..<rows {
          for column in 0..<columns {
            var sum = 0.0
            for (k, weight) in alongY.enumerated() {
              sum += weight * lines[(moment * ny + row + k) * columns + column]
            }
            ring[place + moment * size + row * columns + column] = sum
          }
        }
      }
      guard z >= alongZ.count - 1 else { continue }
      let first = z - alongZ.count + 1
      result.merge(
        Total(
          sum: similarities(size) { moment, pixel in
            var sum = 0.0
            for (k, weight) in alongZ.enumerated() {
              sum += weight * ring[((first + k) % alongZ.count * 5 + moment) * size + pixel]
            }
            return sum
          }, windows: Double(size)))
    }
    return result
  }

  /// The similarities of all windows within one channel of an image `[z, y, x]`.
  public func total(_ prediction: [Float], _ truth: [Float], extents: Extents) -> Total {
    precondition(
      prediction.count == extents.count && truth.count == prediction.count, "images of the extents")
    return prediction.withUnsafeBufferPointer { prediction in
      truth.withUnsafeBufferPointer { truth in
        guard let p = prediction.baseAddress, let t = truth.baseAddress else { return Total() }
        return total(p, t, extents: extents)
      }
    }
  }

  /// The weights of a window along an axis.
  private func window(_ extent: Int) -> [Double] {
    guard extent > 1 else { return [1] }
    let weights = (-radius...radius).map { Elementary.exp(-0.5 * Double($0 * $0) / (sigma * sigma)) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  /// Filters values, squares and products along x: `[moment, row, column]`.
  private func filterRows(
    _ prediction: UnsafePointer<Float>, _ truth: UnsafePointer<Float>, rows: Int, width: Int, _ window: [Double],
    to lines: inout [Double]
  ) {
    let columns = width - window.count + 1
    for row in 0..<rows {
      for column in 0..<columns {
        var (p, t, pp, tt, pt) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (k, weight) in window.enumerated() {
          let (a, b) = (Double(prediction[row * width + column + k]), Double(truth[row * width + column + k]))
          p += weight * a
          t += weight * b
          pp += weight * a * a
          tt += weight * b * b
          pt += weight * a * b
        }
        let place = row * columns + column
        lines[place] = p
        lines[rows * columns + place] = t
        lines[2 * rows * columns + place] = pp
        lines[3 * rows * columns + place] = tt
        lines[4 * rows * columns + place] = pt
      }
    }
  }

  /// The sum of the similarities of `count` windows with these moments: equation 13 of the paper.
  private func similarities(_ count: Int, moment: (_ moment: Int, _ pixel: Int) -> Double) -> Double {
    let (c1, c2) = (k1 * range * (k1 * range), k2 * range * (k2 * range))
    var sum = 0.0
    for pixel in 0..<count {
      let (p, t) = (moment(0, pixel), moment(1, pixel))
      let (pp, tt, pt) = (moment(2, pixel) - p * p, moment(3, pixel) - t * t, moment(4, pixel) - p * t)
      sum += (2 * p * t + c1) * (2 * pt + c2) / ((p * p + t * t + c1) * (pp + tt + c2))
    }
    return sum
  }
}
