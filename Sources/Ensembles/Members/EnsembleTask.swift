/// What the members of an ensemble learn.
public enum EnsembleTask: String, Codable, Hashable, Sendable, CaseIterable {
  /// The class of every pixel.
  case segmentation
  /// Which of two classes every pixel has, told by one output channel: the logit of the second.
  case binary
  /// Another image for each image.
  case regression
  /// The image itself, by way of fewer values (the latent ones).
  case autoencoder
  /// The class of each image.
  case classification
  /// The image without its noise, from noisy images alone: members predict pixels that are hidden from them.
  case selfSupervised = "self-supervised"

  /// Whether the answer is a class, not a number.
  public var hasClasses: Bool {
    switch self {
    case .segmentation, .binary, .classification: true
    case .regression, .autoencoder, .selfSupervised: false
    }
  }

  /// Whether there is one answer for an image, not one for each pixel.
  public var answersImages: Bool { self == .classification }
}
