/// The size, place and shape of a set of voxels, in whole numbers: sums of any parts in any order are the same.
public struct InstanceMoments: Hashable, Sendable {
  /// The least index along z, y and x, each with the other sign, and the largest.
  private var ends: SIMD8<Int32>
  /// The number of voxels, the sums of z, y and x, and those of zz, yy, xx and zy.
  private var sums = SIMD8<Int>()
  /// The sums of zx and yx.
  private var rest = SIMD2<Int>()

  /// How many numbers `append(to:)` adds.
  public static let numberCount = 16

  /// The number of voxels.
  public var voxels: Int { sums[0] }
  /// The least index along z, y and x.
  public var low: [Int] { (0..<3).map { -Int(ends[$0]) } }
  /// The largest index along z, y and x.
  public var high: [Int] { (3..<6).map { Int(ends[$0]) } }
  private func sum(_ axis: Int) -> Int { sums[1 + axis] }
  /// Of zz, yy, xx, zy, zx and yx.
  private func product(_ index: Int) -> Int { index < 4 ? sums[4 + index] : rest[index - 4] }

  /// Of no voxel.
  public init() { ends = SIMD8(-.max, -.max, -.max, -1, -1, -1, 0, 0) }

  /// Voxels of one row.
  struct Line {
    private(set) var count = 0
    private(set) var sum = 0
    private(set) var squares = 0
    private(set) var first = Int.max
    private(set) var last = 0

    /// Adds voxels behind those before.
    @inline(__always)
    mutating func add(_ x: Range<Int>) {
      /// The sum of k² for k below m.
      func squares(_ m: Int) -> Int { (m &- 1) &* m &* (2 &* m &- 1) / 6 }
      let (n, start, last) = (x.count, x.lowerBound, x.upperBound - 1)
      count &+= n
      sum &+= (n &* (start &+ last)) >> 1
      self.squares &+= n == 1 ? start &* start : squares(x.upperBound) &- squares(start)
      first = min(first, start)
      self.last = last
    }
  }

  /// Adds voxels of a row.
  mutating func add(z: Int, y: Int, _ line: Line) {
    guard line.count > 0 else { return }
    let (z32, y32) = (Int32(z), Int32(y))
    ends = pointwiseMax(ends, SIMD8(-z32, -y32, -Int32(line.first), z32, y32, Int32(line.last), 0, 0))
    let (n, sum) = (line.count, line.sum)
    sums &+= SIMD8(n, n * z, n * y, sum, n * z * z, n * y * y, line.squares, n * z * y)
    rest &+= SIMD2(z * sum, y * sum)
  }

  /// Adds other voxels.
  mutating func add(_ other: InstanceMoments) {
    ends = pointwiseMax(ends, other.ends)
    sums &+= other.sums
    rest &+= other.rest
  }

  /// The mean of the voxels' indices along z, y and x.
  public var centroid: [Double] { (0..<3).map { Double(sum($0)) / Double(voxels) } }

  /// Whether it touches the border of an image, along the axes of which it has several elements.
  func touchesBorder(of extents: [Int]) -> Bool {
    (0..<3).contains { extents[$0] > 1 && (ends[$0] == 0 || Int(ends[3 + $0]) == extents[$0] - 1) }
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
      let moved = self.product(product) - first * sum(b) - second * sum(a) + voxels * first * second
      let rest = (mean[a] - Double(first)) * (mean[b] - Double(second))
      return (Double(moved) / n - rest) * voxel[a] * voxel[b]
    }
    let (zz, yy, xx) = (volume ? covariance(0, 0, 0) : -1, covariance(1, 1, 1), covariance(2, 2, 2))
    let (zy, zx, yx) = (covariance(3, 0, 1), covariance(4, 0, 2), covariance(5, 1, 2))
    return PrincipalAxes([[zz, zy, zx], [zy, yy, yx], [zx, yx, xx]])
  }

  /// Adds all of it to a list, to send to other ranks.
  func append(to numbers: inout [Int]) {
    for lane in 0..<6 { numbers.append(Int(ends[lane])) }
    for lane in 0..<8 { numbers.append(sums[lane]) }
    for lane in 0..<2 { numbers.append(rest[lane]) }
  }

  /// What the numbers of a list from a place on are of.
  init(_ numbers: [Int], at place: Int) {
    self.init()
    for lane in 0..<6 { ends[lane] = Int32(numbers[place + lane]) }
    for lane in 0..<8 { sums[lane] = numbers[place + 6 + lane] }
    for lane in 0..<2 { rest[lane] = numbers[place + 14 + lane] }
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
