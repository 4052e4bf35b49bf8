/// The size, place and shape of a set of voxels, in whole numbers: sums of any parts in any order are the same.
public struct InstanceMoments: Hashable, Sendable {
  /// The number of voxels.
  public private(set) var voxels = 0
  /// The least index along z, y and x.
  public private(set) var low = [Int.max, Int.max, Int.max]
  /// The largest index along z, y and x.
  public private(set) var high = [-1, -1, -1]
  /// The sums of z, y and x.
  private var sums = [0, 0, 0]
  /// The sums of zz, yy, xx, zy, zx and yx.
  private var products = [0, 0, 0, 0, 0, 0]

  /// Of no voxel.
  public init() {}

  /// Adds a run of voxels along x.
  mutating func add(z: Int, y: Int, x: Range<Int>) {
    guard !x.isEmpty else { return }
    let n = x.count
    /// The sum of k² for k below m.
    func squares(_ m: Int) -> Int { (m - 1) * m * (2 * m - 1) / 6 }
    let sum = n * (x.lowerBound + x.upperBound - 1) / 2
    voxels += n
    for (axis, range) in [(z, z), (y, y), (x.lowerBound, x.upperBound - 1)].enumerated() {
      low[axis] = min(low[axis], range.0)
      high[axis] = max(high[axis], range.1)
    }
    sums[0] += n * z
    sums[1] += n * y
    sums[2] += sum
    products[0] += n * z * z
    products[1] += n * y * y
    products[2] += squares(x.upperBound) - squares(x.lowerBound)
    products[3] += n * z * y
    products[4] += z * sum
    products[5] += y * sum
  }

  /// Adds other voxels.
  mutating func add(_ other: InstanceMoments) {
    voxels += other.voxels
    for axis in 0..<3 {
      low[axis] = min(low[axis], other.low[axis])
      high[axis] = max(high[axis], other.high[axis])
      sums[axis] += other.sums[axis]
    }
    for index in 0..<6 { products[index] += other.products[index] }
  }

  /// The mean of the voxels' indices along z, y and x.
  public var centroid: [Double] { sums.map { Double($0) / Double(voxels) } }

  /// Whether it touches the border of an image, along the axes of which it has several elements.
  func touchesBorder(of extents: [Int]) -> Bool {
    (0..<3).contains { extents[$0] > 1 && (low[$0] == 0 || high[$0] == extents[$0] - 1) }
  }

  /// The principal axes: where voxels lie farthest from their centroid comes first.
  ///
  /// - Parameters:
  ///   - voxel: the lengths of a voxel along z, y and x.
  ///   - volume: whether z is an axis of the image; else it comes last.
  public func principalAxes(voxel: [Double], volume: Bool = true) -> PrincipalAxes {
    let (n, mean) = (Double(voxels), centroid)
    func covariance(_ product: Int, _ a: Int, _ b: Int) -> Double {
      // Sums of large indices cancel: about the centroid to nearest whole numbers they are exact.
      let (first, second) = (Int(mean[a].rounded()), Int(mean[b].rounded()))
      let moved = products[product] - first * sums[b] - second * sums[a] + voxels * first * second
      let rest = (mean[a] - Double(first)) * (mean[b] - Double(second))
      return (Double(moved) / n - rest) * voxel[a] * voxel[b]
    }
    let (zz, yy, xx) = (volume ? covariance(0, 0, 0) : -1, covariance(1, 1, 1), covariance(2, 2, 2))
    let (zy, zx, yx) = (covariance(3, 0, 1), covariance(4, 0, 2), covariance(5, 1, 2))
    return PrincipalAxes([[zz, zy, zx], [zy, yy, yx], [zx, yx, xx]])
  }

  /// All of it, to send to other ranks.
  public var numbers: [Int] { [voxels] + low + high + sums + products }

  /// How many numbers that is.
  public static let numberCount = 16

  /// What `numbers` are of.
  init(_ numbers: ArraySlice<Int>) {
    let all = Array(numbers)
    voxels = all[0]
    (low, high) = (Array(all[1..<4]), Array(all[4..<7]))
    (sums, products) = (Array(all[7..<10]), Array(all[10..<16]))
  }
}

/// The principal axes of a set of points, the longest first.
public struct PrincipalAxes: Hashable, Sendable {
  /// Standard deviations of the points along the axes, descending.
  public let deviations: [Double]
  /// The axes: unit vectors along z, y and x, whose first component that is not 0 is above it.
  public let axes: [[Double]]

  /// The eigenvectors of a symmetric matrix of 3 × 3, by Jacobi's rotations (Golub, Van Loan, *Matrix Computations*, 8.5).
  init(_ matrix: [[Double]]) {
    var a = matrix
    var v = [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]
    for _ in 0..<32 {
      let largest = [(0, 1), (0, 2), (1, 2)].max { abs(a[$0.0][$0.1]) < abs(a[$1.0][$1.1]) } ?? (0, 1)
      let (p, q) = largest
      guard abs(a[p][q]) > 1e-300, abs(a[p][q]) > 1e-17 * (abs(a[p][p]) + abs(a[q][q])) else { break }
      let tau = (a[q][q] - a[p][p]) / (2 * a[p][q])
      let t = (tau >= 0 ? 1 : -1) / (abs(tau) + (1 + tau * tau).squareRoot())
      let c = 1 / (1 + t * t).squareRoot()
      let s = t * c
      for k in 0..<3 {
        let (kp, kq) = (a[k][p], a[k][q])
        (a[k][p], a[k][q]) = (c * kp - s * kq, s * kp + c * kq)
      }
      for k in 0..<3 {
        let (pk, qk) = (a[p][k], a[q][k])
        (a[p][k], a[q][k]) = (c * pk - s * qk, s * pk + c * qk)
        let (kp, kq) = (v[k][p], v[k][q])
        (v[k][p], v[k][q]) = (c * kp - s * kq, s * kp + c * kq)
      }
    }
    let squares: [Double] = [a[0][0], a[1][1], a[2][2]]
    let order = [0, 1, 2].sorted { (one: Int, other: Int) -> Bool in
      squares[one] == squares[other] ? one < other : squares[one] > squares[other]
    }
    deviations = order.map { max(0, squares[$0]).squareRoot() }
    axes = order.map { column -> [Double] in
      let axis: [Double] = [v[0][column], v[1][column], v[2][column]]
      let first = axis.first { abs($0) > 1e-12 } ?? 0
      return first < 0 ? axis.map { -$0 } : axis
    }
  }
}
