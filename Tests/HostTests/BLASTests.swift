import Host
import Testing

@Suite("BLAS")
struct BLASTests {
  @Test("OpenBLAS is held to one thread and names its kernels")
  func oneThread() {
    #expect(BLAS.threadCount == 1)
    #expect(BLAS.configuration.contains("OpenBLAS"))
    #expect(!BLAS.kernelName.isEmpty && BLAS.kernelName != "unknown")
  }

  @Test("gemm equals the naive product with and without transposes, strides, alpha and beta")
  func product() {
    var stream = RandomStream(seed: 3, purpose: .test)
    for (m, n, k) in [(1, 1, 1), (3, 5, 7), (17, 9, 33), (64, 40, 50)] {
      for case_ in 0..<8 {
        let transposeA = case_ & 1 != 0
        let transposeB = case_ & 2 != 0
        let gap = case_ & 4 != 0 ? 3 : 0
        let lda = (transposeA ? m : k) + gap
        let ldb = (transposeB ? k : n) + gap
        let ldc = n + gap
        let a = (0..<(transposeA ? k : m) * lda).map { _ in stream.uniform(in: -1..<1) }
        let b = (0..<(transposeB ? n : k) * ldb).map { _ in stream.uniform(in: -1..<1) }
        let start = (0..<m * ldc).map { _ in stream.uniform(in: -1..<1) }
        let (alpha, beta): (Float, Float) = gap == 0 ? (1, 0) : (0.5, 2)
        var c = start
        BLAS.gemm(
          transposeA: transposeA, transposeB: transposeB, m: m, n: n, k: k, alpha: alpha, a: a, lda: lda,
          b: b, ldb: ldb, beta: beta, c: &c, ldc: ldc)
        var expected = start
        for i in 0..<m {
          for j in 0..<n {
            var sum = 0.0
            for l in 0..<k {
              sum +=
                Double(transposeA ? a[l * lda + i] : a[i * lda + l])
                * Double(transposeB ? b[j * ldb + l] : b[l * ldb + j])
            }
            expected[i * ldc + j] = Float(Double(alpha) * sum + Double(beta) * Double(start[i * ldc + j]))
          }
        }
        #expect(zip(c, expected).allSatisfy { abs($0 - $1) < 1e-4 })
      }
    }
  }
}

@Suite("Eigenvectors")
struct EigenvectorTests {
  @Test("of a symmetric matrix are found, the largest value first")
  func symmetric() throws {
    // Values 4, 2, 1 along (1, 1, 0), (1, −1, 0), (0, 0, 1).
    let found = try #require(BLAS.eigenvectors(of: [3, 1, 0, 1, 3, 0, 0, 0, 1], n: 3, count: 2))
    #expect(zip(found.map(\.value), [4, 2]).allSatisfy { abs($0 - $1) < 1e-12 })
    let half = 0.5.squareRoot()
    #expect(zip(found[0].vector, [half, half, 0]).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(abs(abs(found[1].vector[0]) - half) < 1e-12 && abs(found[1].vector[0] + found[1].vector[1]) < 1e-12)
    #expect(BLAS.eigenvectors(of: [.nan], n: 1, count: 1) == nil)
  }
}
