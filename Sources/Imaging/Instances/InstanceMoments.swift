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
  /// The same as `low`, at once.
  var least: SIMD3<Int32> { SIMD3(-ends[0], -ends[1], -ends[2]) }
  /// The same as `high`, at once.
  var largest: SIMD3<Int32> { SIMD3(ends[3], ends[4], ends[5]) }
  func sum(_ axis: Int) -> Int { sums[1 + axis] }
  /// Of zz, yy, xx, zy, zx and yx.
  func product(_ index: Int) -> Int { index < 4 ? sums[4 + index] : rest[index - 4] }

  /// Of no voxel.
  public init() { ends = SIMD8(-.max, -.max, -.max, -1, -1, -1, 0, 0) }

  /// Adds voxels of a row.
  mutating func add(z: Int, y: Int, _ line: BitSums) {
    guard line.count > 0 else { return }
    let (z32, y32) = (Int32(z), Int32(y))
    ends = pointwiseMax(ends, SIMD8(-z32, -y32, -Int32(line.first), z32, y32, Int32(line.last), 0, 0))
    let (n, sum) = (line.count, line.sum)
    sums &+= SIMD8(n, n * z, n * y, sum, n * z * z, n * y * y, line.squares, n * z * y)
    rest &+= SIMD2(z * sum, y * sum)
  }

  /// Adds voxels in rows of two by two rows that begin with (z, y).
  @inline(__always)
  mutating func add(z: Int, y: Int, _ rows: FourSums) {
    let (z32, y32) = (Int32(truncatingIfNeeded: z), Int32(truncatingIfNeeded: y))
    let (n, upper, right) = (rows.count, rows.upper, rows.right)
    ends = pointwiseMax(
      ends,
      SIMD8(
        n == upper ? -z32 &- 1 : -z32, n == right ? -y32 &- 1 : -y32, -Int32(truncatingIfNeeded: rows.first),
        upper > 0 ? z32 &+ 1 : z32, right > 0 ? y32 &+ 1 : y32, Int32(truncatingIfNeeded: rows.last), 0, 0))
    let (sumZ, sumY) = (z &* n &+ upper, y &* n &+ right)
    sums &+= SIMD8(
      n, sumZ, sumY, rows.sum, z &* (sumZ &+ upper) &+ upper, y &* (sumY &+ right) &+ right, rows.squares,
      z &* sumY &+ y &* upper &+ rows.both)
    rest &+= SIMD2(z &* rows.sum &+ rows.sumUpper, y &* rows.sum &+ rows.sumRight)
  }

  /// The voxels of a small object.
  init(_ object: SmallObject) {
    self.init()
    let (z, y, x) = object.corner
    var bits = object.bits
    guard bits != 0 else { return }
    while bits != 0 {
      let place = bits.trailingZeroBitCount
      bits &= bits &- 1
      let (z, y, x) = (place >> 4, place >> 2 & 3, place & 3)
      let (z32, y32, x32) = (Int32(z), Int32(y), Int32(x))
      ends = pointwiseMax(ends, SIMD8(-z32, -y32, -x32, z32, y32, x32, 0, 0))
      sums &+= SIMD8(1, z, y, x, z &* z, y &* y, x &* x, z &* y)
      rest &+= SIMD2(z &* x, y &* x)
    }
    move(z: z, y: y, x: x)
  }

  /// Moves all voxels, of which there is at least one.
  private mutating func move(z: Int, y: Int, x: Int) {
    let (z32, y32, x32) = (Int32(z), Int32(y), Int32(x))
    ends &+= SIMD8(-z32, -y32, -x32, z32, y32, x32, 0, 0)
    let (n, sumZ, sumY, sumX) = (sums[0], sums[1], sums[2], sums[3])
    sums &+= SIMD8(
      0, n &* z, n &* y, n &* x, z &* (n &* z &+ 2 &* sumZ), y &* (n &* y &+ 2 &* sumY), x &* (n &* x &+ 2 &* sumX),
      n &* z &* y &+ z &* sumY &+ y &* sumZ)
    rest &+= SIMD2(n &* z &* x &+ z &* sumX &+ x &* sumZ, n &* y &* x &+ y &* sumX &+ x &* sumY)
  }

  /// Adds other voxels.
  mutating func add(_ other: InstanceMoments) {
    ends = pointwiseMax(ends, other.ends)
    sums &+= other.sums
    rest &+= other.rest
  }

  /// The mean of the voxels' indices along z, y and x.
  public var centroid: [Double] { (0..<3).map { Double(sum($0)) / Double(voxels) } }

  /// The same as `centroid`, at once.
  var mean: SIMD3<Double> {
    SIMD3(Double(sums[1]), Double(sums[2]), Double(sums[3])) / SIMD3(repeating: Double(voxels))
  }

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
