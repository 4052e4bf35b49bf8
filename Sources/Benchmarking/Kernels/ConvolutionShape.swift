import Engine

/// One convolution that kernels are timed with: kernel 3 along every axis, zero padding that keeps the image's size.
public struct ConvolutionShape: Hashable, Sendable, Encodable, CustomStringConvertible {
  /// Input channels.
  public let sources: Int
  /// Output channels.
  public let targets: Int
  /// Extents of the image along (z,) y, x.
  public let extents: [Int]
  /// Dilation along every axis.
  public let dilation: Int
  /// Samples of a batch.
  public let samples: Int

  /// A convolution of `sources` to `targets` channels.
  public init(_ sources: Int, _ targets: Int, extents: [Int], dilation: Int = 1, samples: Int) {
    self.sources = sources
    self.targets = targets
    self.extents = extents
    self.dilation = dilation
    self.samples = samples
  }

  /// The shapes that are timed: those of U-Nets from the first level to the deepest, and of dense and sparse
  /// mixed-scale networks.
  public static let all: [ConvolutionShape] = {
    let top = [128, 128]
    let planar =
      [(1, 32), (32, 1), (32, 32), (64, 32)].map { ConvolutionShape($0.0, $0.1, extents: top, samples: 4) }
      + [(64, 64), (128, 32), (256, 16)].map { ConvolutionShape($0.0, $0.0, extents: [$0.1, $0.1], samples: 4) }
      + [ConvolutionShape(50, 1, extents: top, samples: 4)]
      + [1, 4, 10].map { ConvolutionShape(1, 8, extents: top, dilation: $0, samples: 4) }
      + [3, 6, 9].map { ConvolutionShape(11, $0, extents: top, dilation: 3, samples: 4) }
    let volumetric = [(10, 3), (3, 10), (1, 3), (30, 3)].flatMap { channels in
      [1, 2, 4].map { ConvolutionShape(channels.0, channels.1, extents: [32, 64, 64], dilation: $0, samples: 1) }
    }
    return planar + volumetric
  }()

  /// The convolution along z, y and x.
  var axes: [AxisConvolution] {
    let missing = 3 - extents.count
    return (0..<3).map { axis in
      let extent = axis < missing ? 1 : extents[axis - missing]
      return AxisConvolution(
        source: extent, target: extent, kernel: axis < missing ? 1 : 3, stride: 1,
        dilation: axis < missing ? 1 : dilation, padding: axis < missing ? 0 : dilation, mode: .zeros)
    }
  }

  var taps: Int { extents.reduce(1) { taps, _ in 3 * taps } }
  var pixels: Int { extents.reduce(1, *) }

  /// 10⁹ operations of one pass over all samples, two for each multiply-add, those on padding included.
  public var gflop: Double { 2 * Double(samples * sources * targets * taps) * Double(pixels) / 1e9 }

  public var description: String {
    let size =
      Set(extents).count == 1 ? "\(extents[0])^\(extents.count)" : extents.map(String.init).joined(separator: "×")
    return "\(sources)→\(targets) at \(size)" + (dilation == 1 ? "" : ", dilation \(dilation)")
  }
}
