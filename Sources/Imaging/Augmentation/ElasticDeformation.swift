import Host
import Settings

/// Smooth random displacements of all voxels, alike for targets.
///
/// P. Simard et al., *Best practices for convolutional neural networks*, doi:10.1109/ICDAR.2003.1227801, with the
/// coarse grid of O. Ronneberger et al., arXiv 1505.04597.
public struct ElasticDeformation: Augmentation, SettingsSection {
  /// The standard deviation of the grid points' displacement in voxels; 0: none.
  public var magnitude = 0.0
  /// Voxels from a grid point to the next.
  public var spacing = 16

  public init() {}

  /// Displacements of this standard deviation at grid points that lie `spacing` voxels apart.
  public init(magnitude: Double, spacing: Int = 16) {
    self.magnitude = magnitude
    self.spacing = spacing
  }

  public static let settings = [
    Setting(
      "magnitude", \ElasticDeformation.magnitude, .number(.atLeast(0, limit: 1e4)),
      "standard deviation of the displacement of the points of a grid, in pixels; 0: none"),
    Setting(
      "spacing", \ElasticDeformation.spacing, .integer(2...1024), "pixels from one point of the grid to the next"),
  ]

  public static let setting = Setting<ElasticDeformation>(
    "elastic", \ElasticDeformation.self,
    "smooth displacements: classes follow the nearest pixel, images are interpolated")

  public func displacement(of patch: Extents, stream: RandomStream) -> DisplacementField? {
    magnitude > 0 ? DisplacementField(self, of: patch, stream: stream) : nil
  }
}

/// A smooth random displacement of every voxel of a patch: a uniform cubic B-spline over a grid of random vectors.
///
/// A vector is a pure function of the stream and its place in the grid, so that nothing is stored. (P. Thévenaz, T.
/// Blu and M. Unser, *Interpolation revisited*, doi:10.1109/42.875199, section IV-C for the weights.)
public struct DisplacementField: Sendable {
  private let stream: RandomStream
  private let extents: Extents
  private let spacing: Float
  private let width: Float
  private let spacingCount: Int
  /// Grid points along x that a row of voxels needs, and along y.
  let columns: Int
  private let rows: Int

  /// The field of a patch.
  init(_ settings: ElasticDeformation, of patch: Extents, stream: RandomStream) {
    self.stream = stream
    extents = patch
    spacing = Float(settings.spacing)
    spacingCount = settings.spacing
    // Uniform numbers in −1 … 1 have the variance 1/3.
    width = Float(settings.magnitude * 3.0.squareRoot())
    columns = (patch.x - 1) / settings.spacing + 4
    rows = (patch.y - 1) / settings.spacing + 4
  }

  /// Sums the grid over z and y for one row of voxels.
  ///
  /// - Parameter points: receives a vector (z, y, x) for each grid column.
  func writeRow(z: Int, y: Int, to points: UnsafeMutablePointer<SIMD4<Float>>) {
    let (firstY, weightsY) = Self.weights(y, spacing: spacingCount)
    let (firstZ, weightsZ) = Self.weights(z, spacing: spacingCount)
    for column in 0..<columns {
      var sum = SIMD4<Float>.zero
      for i in 0..<(extents.z > 1 ? 4 : 1) {
        for j in 0..<4 {
          let weight = weightsY[j] * (extents.z > 1 ? weightsZ[i] : 1)
          sum += weight * vector((firstZ + i) * rows + firstY + j, column)
        }
      }
      points[column] = sum
    }
  }

  /// Where the voxel at x is displaced to, from the sums of its row.
  @inline(__always)
  func displacement(x: Int, row points: UnsafePointer<SIMD4<Float>>) -> SIMD4<Float> {
    let (first, weights) = Self.weights(x, spacing: spacingCount)
    return weights[0] * points[first] + weights[1] * points[first + 1] + weights[2] * points[first + 2]
      + weights[3] * points[first + 3]
  }

  private func vector(_ line: Int, _ column: Int) -> SIMD4<Float> {
    let words = stream.block(UInt64(line * columns + column))
    let uniform = SIMD4<Float>(words &>> 8) * 0x1p-23 - 1
    return uniform * width * SIMD4(extents.z > 1 ? 1 : 0, 1, 1, 0)
  }

  /// The first of the four grid points around a voxel, and their weights.
  @inline(__always)
  private static func weights(_ place: Int, spacing: Int) -> (first: Int, weights: SIMD4<Float>) {
    let t = Float(place % spacing) / Float(spacing)
    let s = 1 - t
    return (
      place / spacing,
      SIMD4(s * s * s, 3 * t * t * t - 6 * t * t + 4, 3 * s * s * s - 6 * s * s + 4, t * t * t) / 6
    )
  }
}

extension DisplacementField {
  /// A coordinate within 0 … extent − 1, reflected at both ends.
  @inline(__always)
  static func reflect(_ coordinate: Float, _ extent: Int) -> Float {
    let last = Float(extent - 1)
    guard last > 0 else { return 0 }
    var result = coordinate < 0 ? -coordinate : coordinate
    if result > last { result = 2 * last - result }
    // Written so that a number that is none, of a displacement beyond all floats, becomes 0 too.
    return result > 0 ? min(result, last) : 0
  }
}
