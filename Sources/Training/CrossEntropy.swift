import CKernels
import Engine

#if canImport(Glibc)
  import Glibc
#endif

/// The mean cross entropy between the softmax of logits and labels, as `torch.nn.CrossEntropyLoss`: over all labelled pixels of the
/// whole batch.
///
/// In two phases, so that a batch may be spread over shards: first every sample's sum and its number of labelled pixels,
/// then, when the batch's are known, the derivative.
public struct CrossEntropy: Sendable {
  /// The label of pixels that do not count.
  public static let ignored: UInt8 = 255

  public init() {}

  /// What a sample adds to the batch's loss.
  public struct Partial: Hashable, Sendable {
    /// Sum of −log p(label) over the labelled pixels.
    public var sum: Double
    /// Number of labelled pixels.
    public var count: Double
  }

  /// Phase one for one sample. Leaves the logarithms of the softmax in `gradient`.
  ///
  /// - Parameters:
  ///   - logits: `[class, z, y, x]`.
  ///   - labels: `[z, y, x]`, each below the number of classes, or `ignored`.
  public func partial(
    logits: FeaturePlanes, labels: UnsafePointer<UInt8>, gradient: FeaturePlanes
  ) -> Partial {
    softmax(logits, gradient, logarithm: true)
    var result = Partial(sum: 0, count: 0)
    let geometry = logits.geometry
    for row in 0..<geometry.rows {
      var sum = 0.0
      var count = 0
      for x in 0..<geometry.nx {
        let label = labels[row * geometry.nx + x]
        guard label != Self.ignored else { continue }
        sum -= Double(gradient.row(row, channel: Int(label))[x])
        count += 1
      }
      result.sum += sum
      result.count += Double(count)
    }
    return result
  }

  /// Phase two for one sample: the derivative of the batch's mean loss, (softmax − one-hot) ÷ `count`, zero where the label is ignored.
  ///
  /// - Parameters:
  ///   - gradient: as phase one left it; receives the derivative.
  ///   - count: labelled pixels of the whole batch.
  public func derive(labels: UnsafePointer<UInt8>, gradient: FeaturePlanes, count: Double) {
    softmax(gradient, gradient, logarithm: false)
    let scale = count > 0 ? Float(1 / count) : 0
    let geometry = gradient.geometry
    for channel in 0..<gradient.channels {
      for row in 0..<geometry.rows {
        let g = gradient.row(row, channel: channel)
        let line = labels + row * geometry.nx
        for x in 0..<geometry.nx {
          let label = line[x]
          let target: Float = Int(label) == channel ? 1 : 0
          g[x] = label == Self.ignored ? 0 : (g[x] - target) * scale
        }
      }
    }
  }

  private func softmax(_ x: FeaturePlanes, _ y: FeaturePlanes, logarithm: Bool) {
    tutti_softmax(
      x.base, x.geometry.channelStride, x.geometry.pitch, y.base, y.geometry.channelStride, y.geometry.pitch,
      Int32(x.channels), Int64(x.geometry.rows), Int32(x.geometry.nx), logarithm)
  }
}
