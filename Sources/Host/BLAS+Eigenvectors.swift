import COpenBLAS

extension BLAS {
  /// Eigenvalues of a symmetric matrix with their eigenvectors (`dsyev` of LAPACK), the largest first.
  ///
  /// - Parameters:
  ///   - matrix: `[n, n]`.
  ///   - count: how many are wanted, at most n.
  /// - Returns: nil when the algorithm does not converge, as for what is no number. The largest element of a vector is positive.
  /// - Complexity: O(*n*³).
  public static func eigenvectors(
    of matrix: [Double], n: Int, count: Int
  ) -> [(value: Double, vector: [Double])]? {
    precondition(n > 0 && matrix.count == n * n && (1...n).contains(count), "a square matrix")
    guard matrix.allSatisfy(\.isFinite) else { return nil }
    holdToOneThread()
    var (vectors, values) = (matrix, [Double](repeating: 0, count: n))
    var (size, room, status) = (blasint(n), blasint(max(1, 34 * n)), blasint(0))
    var work = [Double](repeating: 0, count: Int(room))
    let leading = size
    dsyev_("V", "U", &size, &vectors, [leading], &values, &work, &room, &status)
    guard status == 0 else { return nil }
    return (0..<count).map { place in
      // Ascending, a column each; columns lie one after another.
      let column = n - 1 - place
      let vector = Array(vectors[column * n..<(column + 1) * n])
      let largest = vector.max { abs($0) < abs($1) } ?? 1
      return (values[column], largest < 0 ? vector.map { -$0 } : vector)
    }
  }
}
