import Foundation
import Host
import Testing

@testable import Benchmarking

/// The table of convolutions.
@Suite struct KernelBenchmarkTests {
  private static let shapes = [
    ConvolutionShape(3, 5, extents: [13, 21], samples: 2),
    ConvolutionShape(4, 1, extents: [17, 40], dilation: 4, samples: 1),
    ConvolutionShape(2, 3, extents: [5, 9, 18], dilation: 2, samples: 2),
  ]

  @Test(arguments: shapes, ConvolutionTrial.Pass.allCases)
  func `all algorithms compute the same`(shape: ConvolutionShape, pass: ConvolutionTrial.Pass) throws {
    let trial = try ConvolutionTrial(shape)
    trial.run(pass, .direct)
    let direct = trial.result(pass)
    // A second run must not add to the first.
    for algorithm in [
      ConvolutionTrial.Algorithm.matrix, .matrix, .winograd, .winograd, .filtering, .filtering, .direct,
    ]
    where trial.suits(algorithm) {
      trial.run(pass, algorithm)
      let other = trial.result(pass)
      #expect(other.count == direct.count)
      let scale = direct.map(abs).max() ?? 0
      #expect(scale > 0.1)
      #expect(zip(direct, other).allSatisfy { abs($0 - $1) <= 1e-5 * scale })
    }
  }

  @Test func `the table has a line for each shape, pass and algorithm`() throws {
    let result = try KernelBenchmark(Array(Self.shapes.prefix(2)), seconds: 0)
    #expect(result.timings.count == 3 * 4 + 3 * 3)
    #expect(result.timings.allSatisfy { $0.gflops > 0 && abs($0.gflop - $0.gflops * $0.median) <= 1e-9 * $0.gflop })
    #expect(result.timings[0].gflop == 2 * 2 * 15 * 9 * 13 * 21 / 1e9)
    // Two lines of heading with an empty one between title and table.
    #expect("\(result)".split(separator: "\n").count == 3 + 2 * 3)
    let text = try JSONText.text(result, isOnOneLine: true)
    let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(Set(["kernels", "peak_gflops", "timings"]) == Set(object.keys))
    let timing = try #require((object["timings"] as? [[String: Any]])?.first)
    #expect(
      Set(["shape", "pass", "algorithm", "gflop", "median_s", "gflops", "share_of_peak"]) == Set(timing.keys))
  }

  @Test func `the shapes are those of U-Nets and of mixed-scale networks`() {
    #expect(ConvolutionShape.all.count == 14 + 12)
    #expect(Set(ConvolutionShape.all).count == ConvolutionShape.all.count)
    #expect("\(ConvolutionShape.all[10])" == "1→8 at 128^2, dilation 10")
  }
}
