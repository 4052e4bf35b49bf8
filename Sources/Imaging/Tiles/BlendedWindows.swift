import Host

/// Overlapping windows of a region, whose answers are averaged with Gaussian weights (as nnU-Net does, Isensee et al.,
/// doi:10.1038/s41592-020-01008-z): a window's middle counts, its border hardly does.
///
/// For networks whose answer for a pixel depends on the whole image, or on more of it than can be read.
public struct BlendedWindows: Hashable, Sendable {
  /// The region's extents.
  public let region: Extents
  /// The extents of every window; the region's where it is smaller.
  public let extents: Extents
  /// Pixels from a window to the next, but the last, which is moved back to end with the region.
  public let step: Extents
  /// Where windows begin along each axis.
  let z: [Int]
  let y: [Int]
  let x: [Int]

  /// Windows that overlap by half.
  ///
  /// - Parameters:
  ///   - window: the least extents of a window.
  ///   - multiple: windows begin at multiples of this (of a pooling network's stride).
  public init(region: Extents, window: Extents, multiple: Extents = Extents(z: 1, y: 1, x: 1)) {
    func axis(_ extent: Int, _ window: Int, _ multiple: Int) -> (extent: Int, step: Int, starts: [Int]) {
      let length = (window + multiple - 1) / multiple * multiple + extent % multiple
      guard length < extent else { return (extent, extent, [0]) }
      let step = max(multiple, length / 2 / multiple * multiple)
      let last = extent - length
      return (length, step, Array(stride(from: 0, to: last, by: step)) + [last])
    }
    let axes = (
      z: axis(region.z, window.z, multiple.z), y: axis(region.y, window.y, multiple.y),
      x: axis(region.x, window.x, multiple.x)
    )
    self.region = region
    extents = Extents(z: axes.z.extent, y: axes.y.extent, x: axes.x.extent)
    step = Extents(z: axes.z.step, y: axes.y.step, x: axes.x.step)
    (z, y, x) = (axes.z.starts, axes.y.starts, axes.x.starts)
  }

  /// The windows that have pixels in a box, in row-major order.
  public func overlapping(_ box: Box) -> [Box] {
    func ranges(_ starts: [Int], _ extent: Int, _ range: Range<Int>) -> [Range<Int>] {
      starts.map { $0..<$0 + extent }.filter { $0.overlaps(range) }
    }
    let columns = ranges(x, extents.x, box.x)
    let rows = ranges(y, extents.y, box.y)
    return ranges(z, extents.z, box.z).flatMap { z in rows.flatMap { y in columns.map { Box(z: z, y: y, x: $0) } } }
  }

  /// What a window's pixels in a part of it count along z, y and x: a pixel's weight is the product, and the weights of
  /// all windows at a pixel add up to 1.
  public func shares(of window: Box, in part: Box) -> (z: [Float], y: [Float], x: [Float]) {
    func axis(_ starts: [Int], _ extent: Int, _ window: Range<Int>, _ part: Range<Int>) -> [Float] {
      let weights = Self.weights(extent: extent)
      return part.map { place in
        let all = starts.reduce(Float(0)) { sum, start in
          (start..<start + extent).contains(place) ? sum + weights[place - start] : sum
        }
        return weights[place - window.lowerBound] / all
      }
    }
    return (
      axis(z, extents.z, window.z, part.z), axis(y, extents.y, window.y, part.y), axis(x, extents.x, window.x, part.x)
    )
  }

  /// The weights of a window's pixels along an axis; a pixel's weight is the product of those along z, y and x.
  ///
  /// The standard deviation is an eighth of the window, as in nnU-Net.
  static func weights(extent: Int) -> [Float] {
    guard extent > 1 else { return [1] }
    let (middle, deviation) = (Double(extent - 1) / 2, Double(extent) / 8)
    return (0..<extent).map {
      let distance = (Double($0) - middle) / deviation
      return Float(Elementary.exp(-0.5 * distance * distance))
    }
  }
}
