import Host

/// Which parts a `Target` has: what a network's output is compared with.
public struct TargetKind: Hashable, Sendable, Codable {
  /// One class a pixel of the output.
  public var hasLabels: Bool
  /// Planes of values, none for labels alone.
  public var channels: Int
  /// A weight a pixel.
  public var hasWeights: Bool
  /// One class for all of the image, with which what a network tells beside its output is compared.
  public var hasImageLabel: Bool

  /// A target of these parts.
  public init(hasLabels: Bool, channels: Int, hasWeights: Bool = false, hasImageLabel: Bool = false) {
    self.hasLabels = hasLabels
    self.channels = channels
    self.hasWeights = hasWeights
    self.hasImageLabel = hasImageLabel
  }

  /// Classes.
  public static let labels = TargetKind(hasLabels: true, channels: 0)

  /// Planes of values, as the images of a regression.
  public static func values(channels: Int) -> TargetKind { TargetKind(hasLabels: false, channels: channels) }

  /// The same with a weight a pixel.
  public var weighted: TargetKind {
    var result = self
    result.hasWeights = true
    return result
  }
}

/// What one sample is compared with; a `BatchSource` writes the parts that its kind has.
///
/// Pixels are those of the network's output, without gaps: for an image classifier there is one.
public struct Target: Sendable {
  /// The parts that there are. The pointers of other parts must not be used.
  public let kind: TargetKind
  /// Pixels of a plane.
  public let pixels: Int
  /// `[z, y, x]`, each a class or `ignored`.
  public nonisolated(unsafe) let labels: UnsafeMutablePointer<UInt8>
  /// `[channel, z, y, x]`.
  public nonisolated(unsafe) let values: UnsafeMutablePointer<Float>
  /// `[z, y, x]`, not negative: how much each pixel counts; 0 leaves it out, whatever its value.
  public nonisolated(unsafe) let weights: UnsafeMutablePointer<Float>
  /// A class or `ignored`.
  public nonisolated(unsafe) let imageLabel: UnsafeMutablePointer<UInt8>

  /// The image's label alone, as the target of an image classifier.
  var ofImage: Target {
    Target(kind: .labels, pixels: 1, labels: imageLabel, values: values, weights: weights, imageLabel: imageLabel)
  }
}

/// Room for the targets of a batch.
public final class TargetBuffer: Sendable {
  /// Which parts the targets have.
  public let kind: TargetKind
  /// Pixels of a plane.
  public let pixels: Int
  private let labels: AlignedBuffer<UInt8>
  private let values: AlignedBuffer<Float>
  private let weights: AlignedBuffer<Float>
  private let imageLabels: AlignedBuffer<UInt8>

  /// Targets of `pixels` pixels each.
  public init(_ kind: TargetKind, pixels: Int, samples: Int) {
    self.kind = kind
    self.pixels = pixels
    labels = AlignedBuffer(count: kind.hasLabels ? samples * pixels : 0)
    values = AlignedBuffer(count: samples * kind.channels * pixels)
    weights = AlignedBuffer(count: kind.hasWeights ? samples * pixels : 0)
    imageLabels = AlignedBuffer(count: kind.hasImageLabel ? samples : 0)
  }

  /// The target of one sample.
  public subscript(sample: Int) -> Target {
    Target(
      kind: kind, pixels: pixels, labels: labels.pointer + (kind.hasLabels ? sample * pixels : 0),
      values: values.pointer + sample * kind.channels * pixels,
      weights: weights.pointer + (kind.hasWeights ? sample * pixels : 0),
      imageLabel: imageLabels.pointer + (kind.hasImageLabel ? sample : 0))
  }
}
