import COpenBLAS

/// Matrix products by OpenBLAS, held to one thread: the thread team owns the cores.
///
/// OpenBLAS rounds differently for other M and N. Calls whose results must not depend on the number of ranks or threads
/// take M, N, K, transposes and strides from the layer and one shard alone.
public enum BLAS {
  /// C ← α·op(A)·op(B) + β·C with row-major matrices; op transposes where asked.
  ///
  /// - Parameters:
  ///   - m, n, k: op(A) is m×k, op(B) is k×n, C is m×n.
  ///   - a, b, c: the first elements; with β = 0, C need not hold numbers.
  ///   - lda, ldb, ldc: the distance between rows as stored; `nil` for rows without gaps.
  public static func gemm(
    transposeA: Bool = false, transposeB: Bool = false, m: Int, n: Int, k: Int,
    alpha: Float = 1, a: UnsafePointer<Float>, lda: Int? = nil,
    b: UnsafePointer<Float>, ldb: Int? = nil,
    beta: Float = 0, c: UnsafeMutablePointer<Float>, ldc: Int? = nil
  ) {
    let widthA = transposeA ? m : k
    let widthB = transposeB ? k : n
    let lda = lda ?? max(widthA, 1)
    let ldb = ldb ?? max(widthB, 1)
    let ldc = ldc ?? max(n, 1)
    precondition(lda >= widthA && ldb >= widthB && ldc >= n, "a row of a matrix is longer than its stride")
    _ = oneThread
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
  }

  /// The processor family whose kernels OpenBLAS chose, such as `SkylakeX`.
  public static var kernelName: String {
    _ = oneThread
    return openblas_get_corename().map { String(cString: $0) } ?? "unknown"
  }

  /// OpenBLAS's version and build settings, for provenance.
  public static var configuration: String {
    _ = oneThread
    return openblas_get_config().map { String(cString: $0) } ?? "unknown"
  }

  /// The number of threads that OpenBLAS uses; 1.
  public static var threadCount: Int {
    _ = oneThread
    return Int(openblas_get_num_threads())
  }

  static func holdToOneThread() { _ = oneThread }

  private static let oneThread: Void = openblas_set_num_threads(1)
}
