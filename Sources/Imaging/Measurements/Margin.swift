/// How far a mask must be dilated to hold a share of the truth.
public enum Margin {
  /// The least distance within which a share of the true voxels lies.
  ///
  /// The rule is that of Mossina and Friedrich (arXiv 2503.05618, eq. 3), there in numbers of dilations.
  ///
  /// - Parameters:
  ///   - share: above 0, at most 1.
  ///   - distances: of the true voxels from the mask, with how many are as far.
  /// - Returns: 0 when there are no true voxels; infinite when no dilation would do.
  public static func covering(_ share: Double, of distances: [(distance: Float, count: Int64)]) -> Float {
    let total = distances.reduce(0) { $0 + $1.count }
    // 0.9 · 10 is not exactly 9.
    var left = Int64((share * Double(total) - 1e-9).rounded(.up))
    guard left > 0 else { return 0 }
    for (distance, count) in distances.sorted(by: { $0.distance < $1.distance }) {
      left -= count
      if left <= 0 { return distance }
    }
    return .infinity
  }

  /// The same of distances that count once each.
  public static func covering(_ share: Double, of distances: [Float]) -> Float {
    covering(share, of: distances.map { ($0, 1) })
  }
}
