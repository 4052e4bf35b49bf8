/// The receptive field of an output pixel.
public struct ReceptiveField: Hashable, Sendable {
  /// Pixels to either side that can change an output pixel, along each axis. A tile that is predicted with a margin of
  /// this width has the values of the whole image's prediction.
  public var radius: [Int]
  /// The grid of the pooling windows, along each axis: only tiles that begin at multiples of it are pooled as the whole
  /// image is.
  public var alignment: [Int]
}

extension NetworkGraph {
  /// The receptive field of an output pixel, for images of any size; nil when it is the whole image (linear layers,
  /// reshaping).
  ///
  /// Every operation reads a range of pixels around a point of its input. Ranges add up along a path, in pixels of the
  /// image; where paths meet, the wider one counts. Normalization, whose statistics depend on all pixels, is left out.
  ///
  /// - Throws: `NetworkError` when a setting does not have a value for each axis, paths of different resolution meet, or
  ///   the receptive field is wider than any image.
  /// - Complexity: O(*edges*).
  public func receptiveField() throws(NetworkError) -> ReceptiveField? {
    guard let (ranges, alignment) = try pixelRanges() else { return nil }
    let last = ranges.last ?? []
    return ReceptiveField(
      radius: last.map { Int(max($0.before, $0.after).rounded(.up)) }, alignment: alignment)
  }

  /// The image's pixels to a pixel of every node's value, along each axis; 1 where a node's value has no place in the
  /// image.
  ///
  /// - Throws: as `receptiveField()`.
  public func pixelSteps() throws(NetworkError) -> [[Double]] {
    guard let ranges = try pixelRanges()?.ranges else {
      return Array(repeating: Array(repeating: 1, count: dimensions), count: nodes.count)
    }
    return ranges.map { $0.map(\.step) }
  }

  /// Whether an output pixel depends on statistics of the whole image: group and instance normalization, and batch
  /// normalization without running statistics. Such a network gives a tile another answer than the image.
  public var usesImageStatistics: Bool {
    nodes.contains { node in
      switch node.operation {
      case .groupNormalization: true
      case .batchNormalization(let normalization): !normalization.tracksRunningStatistics
      default: false
      }
    }
  }

  /// The axes along which convolutions read the opposite border of the image (circular padding).
  public var wrappedAxes: [Bool] {
    (0..<dimensions).map { axis in
      nodes.contains { node in
        guard case .convolution(let c) = node.operation, c.paddingMode == .circular else { return false }
        return (c.padding.values(dimensions: dimensions)?[axis] ?? 0) > 0
      }
    }
  }

  /// What every node's pixels read of the image, and the grid of the pooling windows; nil when a node sees all of it.
  private func pixelRanges() throws(NetworkError) -> (ranges: [[PixelRange]], alignment: [Int])? {
    var ranges: [[PixelRange]] = []
    var alignment = Array(repeating: 1, count: dimensions)
    for node in nodes {
      var range = node.inputs.first.map { ranges[$0] } ?? Array(repeating: PixelRange(), count: dimensions)
      switch node.operation {
      case .linear, .reshape: return nil
      case .convolution(let c):
        let kernel = try values(c.kernel, of: node)
        let stride = try values(c.stride, of: node)
        let dilation = try values(c.dilation, of: node)
        let padding = try values(c.padding, of: node)
        for axis in 0..<dimensions {
          range[axis].readWindow(
            kernel[axis], stride: stride[axis], dilation: dilation[axis], padding: padding[axis])
        }
      case .maxPooling(let p):
        let kernel = try values(p.kernel, of: node)
        let stride = try values(p.stride, of: node)
        for axis in 0..<dimensions {
          range[axis].readWindow(kernel[axis], stride: stride[axis], dilation: 1, padding: 0)
        }
      case .transposedConvolution(let c):
        let kernel = try values(c.kernel, of: node)
        let stride = try values(c.stride, of: node)
        let padding = try values(c.padding, of: node)
        for axis in 0..<dimensions {
          range[axis].spread(kernel[axis], stride: stride[axis], padding: padding[axis])
        }
      case .upsampling(let u):
        let factor = try values(u.factor, of: node)
        for axis in 0..<dimensions { range[axis].interpolate(u, by: factor[axis], followsInput: node.inputs.count > 1) }
      case .concatenation, .sum:
        for input in node.inputs.dropFirst() {
          for axis in 0..<dimensions {
            guard range[axis].step == ranges[input][axis].step else {
              throw NetworkError(
                node: node.name,
                problem: "its inputs have \(range[axis].step) and \(ranges[input][axis].step) image pixels to a pixel.")
            }
            range[axis].before = max(range[axis].before, ranges[input][axis].before)
            range[axis].after = max(range[axis].after, ranges[input][axis].after)
          }
        }
      case .input, .batchNormalization, .groupNormalization, .activation, .softmax, .dropout, .clamp: break
      }
      for axis in 0..<dimensions {
        let widest = Double(Self.largestSetting)
        guard range[axis].before <= widest, range[axis].after <= widest, range[axis].step <= widest,
          alignment[axis] <= Self.largestSetting
        else {
          throw NetworkError(
            node: node.name, problem: "its receptive field is wider than \(Self.largestSetting) pixels.")
        }
        alignment[axis] = leastCommonMultiple(alignment[axis], Int(range[axis].step.rounded(.up)))
      }
      ranges.append(range)
    }
    return (ranges, alignment)
  }

  private func values(_ setting: PerAxis, of node: Node) throws(NetworkError) -> [Int] {
    guard let values = setting.values(dimensions: dimensions) else {
      throw NetworkError(
        node: node.name, problem: "\(setting) does not have \(dimensions) values, one for each spatial axis.")
    }
    return values
  }
}

/// Of two positive numbers.
package func leastCommonMultiple(_ a: Int, _ b: Int) -> Int {
  var (x, y) = (a, b)
  while y != 0 { (x, y) = (y, x % y) }
  return a / x * b
}

/// Along one axis, the pixel p of a value reads the image's pixels p·step − before … p·step + after.
private struct PixelRange {
  var step = 1.0
  var before = 0.0
  var after = 0.0

  /// Output pixel o reads o·stride − padding + dilation·t for t in 0 ..< kernel.
  mutating func readWindow(_ kernel: Int, stride: Int, dilation: Int, padding: Int) {
    before += step * Double(padding)
    after += step * (Double(dilation) * (Double(kernel) - 1) - Double(padding))
    step *= Double(stride)
  }

  /// Output pixel o reads the pixels i with i·stride − padding + t = o for a t in 0 ..< kernel.
  mutating func spread(_ kernel: Int, stride: Int, padding: Int) {
    step /= Double(stride)
    before += step * (Double(kernel) - 1 - Double(padding))
    after += step * Double(padding)
  }

  /// Output pixel o reads the pixels around o / factor. Aligned corners, or extents that follow a second input, may
  /// make the ratio of the extents another one than the factor, which moves o by up to one pixel.
  mutating func interpolate(_ upsampling: Upsampling, by factor: Int, followsInput: Bool) {
    let source = step
    step /= Double(factor)
    switch upsampling.mode {
    case .nearest: before += source - step
    case .linear:
      before += 1.5 * source - 0.5 * step
      after += 0.5 * source + 0.5 * step
    }
    if upsampling.alignCorners || followsInput {
      before += source
      after += source
    }
  }
}
