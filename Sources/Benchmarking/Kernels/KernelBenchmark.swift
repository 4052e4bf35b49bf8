import Host

/// Times of single convolutions by shape, pass and algorithm, on one thread.
public struct KernelBenchmark: Sendable, Encodable {
  /// One line of the table.
  public struct Timing: Sendable, Encodable {
    /// The convolution.
    public let shape: ConvolutionShape
    /// `forward`, `data gradient` or `weight gradient`.
    public let pass: String
    /// `direct` (kernels on rows), `winograd` where it applies, `filtering` (along y), or `matrix` (im2col and a matrix
    /// product).
    public let algorithm: String
    /// 10⁹ operations of one pass.
    public let gflop: Double
    /// Median time of a pass, in seconds.
    public let median: Double
    /// GFLOP/s of the median pass.
    public let gflops: Double
    /// `gflops` over the peak that was measured just before the shape.
    public let shareOfPeak: Double

    private enum CodingKeys: String, CodingKey {
      case shape, pass, algorithm, gflop, gflops
      case median = "median_s"
      case shareOfPeak = "share_of_peak"
    }
  }

  /// The kernels in use.
  public let kernels: String
  /// GFLOP/s of one core, the best of all measurements.
  public let peak: Double
  /// A line for each shape, pass and algorithm.
  public let timings: [Timing]

  private enum CodingKeys: String, CodingKey {
    case kernels, timings
    case peak = "peak_gflops"
  }

  /// Times every pass of these shapes by every algorithm: median of at least five runs.
  ///
  /// - Parameters:
  ///   - seconds: that the runs of one line take at least.
  ///   - onShape: called with every shape before its measurements.
  /// - Throws: `ThreadTeamError` when the system refuses.
  public init(
    _ shapes: [ConvolutionShape] = ConvolutionShape.all, seconds: Double = 0.05,
    onShape: (ConvolutionShape) -> Void = { _ in }
  ) throws {
    var best = 0.0
    var timings: [Timing] = []
    for shape in shapes {
      onShape(shape)
      let trial = try ConvolutionTrial(shape)
      let peak = Peak.gflops()
      best = max(best, peak)
      for pass in ConvolutionTrial.Pass.allCases {
        for algorithm in ConvolutionTrial.Algorithm.allCases where trial.suits(algorithm) {
          let median = Stopwatch.median(
            Stopwatch.sorted(repetitions: 5, atLeast: seconds) { trial.run(pass, algorithm) })
          timings.append(
            Timing(
              shape: shape, pass: pass.rawValue, algorithm: algorithm.rawValue, gflop: shape.gflop, median: median,
              gflops: shape.gflop / median, shareOfPeak: shape.gflop / median / peak))
        }
      }
    }
    kernels = HostFacts.kernels
    peak = best
    self.timings = timings
  }
}

extension KernelBenchmark: CustomStringConvertible {
  /// A Markdown table, a line for each shape and pass.
  public var description: String {
    let algorithms = ConvolutionTrial.Algorithm.allCases.map(\.rawValue)
    var lines = [
      "\(kernels) kernels on one thread, GFLOP/s (share of the \(peak.text(1)) GFLOP/s of a core)", "",
      "| kernel 3 | pass | " + algorithms.joined(separator: " | ") + " |",
      "| --- | --- |" + algorithms.map { _ in " --- |" }.joined(),
    ]
    var start = 0
    while start < timings.count {
      let first = timings[start]
      let row = timings[start...].prefix { $0.shape == first.shape && $0.pass == first.pass }
      let cells = algorithms.map { algorithm in
        row.first { $0.algorithm == algorithm }.map { " \($0.gflops.text(1)) (\($0.shareOfPeak.percent)) |" } ?? " – |"
      }
      lines.append("| \(first.shape) | \(first.pass) |" + cells.joined())
      start = row.endIndex
    }
    return lines.joined(separator: "\n")
  }
}
