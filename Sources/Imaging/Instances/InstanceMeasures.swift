/// What is known of objects when all their voxels are seen again: how long they are, and the mean of a quantity.
public struct InstanceMeasures: Sendable {
  private let centroids: [Double]
  private let axes: [Double]
  private let voxel: [Double]
  /// The least place of voxels along the first principal axis, from the centroid.
  public var low: [Double]
  /// The largest.
  public var high: [Double]
  /// The sums of a quantity over the voxels, in units of `unit`: whole numbers, so that their order does not matter.
  public var sums: [Int]

  /// The unit of sums: numbers to 1 over 10^9 voxels and more fit.
  public static let unit = 0x1p-30

  /// - Parameters:
  ///   - centroids: `[object, axis]`, in voxels along z, y and x.
  ///   - axes: `[object, axis]`, the first principal axis of each.
  ///   - voxel: lengths along z, y and x.
  public init(centroids: [Double], axes: [Double], voxel: [Double]) {
    precondition(centroids.count == axes.count, "a centroid and an axis for each object")
    (self.centroids, self.axes, self.voxel) = (centroids, axes, voxel)
    low = Array(repeating: .infinity, count: axes.count / 3)
    high = Array(repeating: -.infinity, count: axes.count / 3)
    sums = Array(repeating: 0, count: axes.count / 3)
  }

  /// Takes in a run: its ends are farthest out.
  public mutating func add(_ run: InstanceRun) {
    let (z, y, x) = (3 * run.place, 3 * run.place + 1, 3 * run.place + 2)
    let before =
      (Double(run.z) - centroids[z]) * voxel[0] * axes[z] + (Double(run.y) - centroids[y]) * voxel[1] * axes[y]
    func place(_ column: Int) -> Double { before + (Double(column) - centroids[x]) * voxel[2] * axes[x] }
    let (first, last) = (place(run.x.lowerBound), place(run.x.upperBound - 1))
    low[run.place] = min(low[run.place], first, last)
    high[run.place] = max(high[run.place], first, last)
  }

  /// Adds a quantity of the voxels of a run; numbers that are not finite count as 0.
  public mutating func add(_ values: UnsafeBufferPointer<Float>, of run: InstanceRun) {
    var sum = 0
    for value in values where value.isFinite { sum += Int((Double(value) / Self.unit).rounded()) }
    sums[run.place] += sum
  }
}
