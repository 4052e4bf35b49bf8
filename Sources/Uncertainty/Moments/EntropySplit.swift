import CKernels
import Host

/// The entropy of an ensemble's prediction at every pixel, split into what the members agree on (aleatoric, noise in
/// the data) and what they disagree on (epistemic, lack of knowledge), in nats.
///
/// total = H(mean p), aleatoric = mean H(p), epistemic = total − aleatoric, the mutual information of prediction and
/// member (Depeweg et al., arXiv 1710.07283, eq. 5; Houlsby et al., arXiv 1112.5745).
public final class EntropySplit {
  /// The number of pixels.
  public let pixels: Int
  /// The number of classes.
  public let classes: Int
  private let members: RunningStatistics
  private let entropy: AlignedBuffer<Float>

  /// A split for probabilities of shape `[class, pixel]`.
  public init(classes: Int, pixels: Int) {
    self.classes = classes
    self.pixels = pixels
    members = RunningStatistics(count: pixels)
    entropy = AlignedBuffer(count: pixels)
  }

  /// Forgets all members, for the next tile.
  public func reset() { members.reset() }

  /// Adds one member's probabilities `[class, pixel]`.
  public func add(_ probabilities: UnsafePointer<Float>, team: ThreadTeam? = nil) {
    writeEntropy(of: probabilities, to: entropy.pointer, team: team)
    members.add(entropy.pointer, team: team)
  }

  /// Writes the three entropies of every pixel.
  ///
  /// - Parameter mean: the members' mean probabilities `[class, pixel]` (`RunningStatistics.mean`).
  public func write(
    mean: UnsafePointer<Float>, total: UnsafeMutablePointer<Float>, aleatoric: UnsafeMutablePointer<Float>,
    epistemic: UnsafeMutablePointer<Float>, team: ThreadTeam? = nil
  ) {
    writeEntropy(of: mean, to: total, team: team)
    for i in 0..<pixels {
      aleatoric[i] = members.mean.pointer[i]
      let difference = total[i] - aleatoric[i]
      epistemic[i] = difference < 0 ? 0 : difference  // never negative but for rounding; NaN stays
    }
  }

  private func writeEntropy(
    of probabilities: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>, team: ThreadTeam?
  ) {
    forEachPiece(of: pixels, team: team) { [pixels, classes] first, count in
      tutti_entropy(probabilities + first, pixels, Int32(classes), result + first, count)
    }
  }
}
