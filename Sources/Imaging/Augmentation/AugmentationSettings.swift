/// Which random changes training patches undergo, and how strong they are.
///
/// Intensities are meant after scaling: in standard deviations of the training voxels.
public struct AugmentationSettings: Hashable, Sendable, Codable {
  /// Flips along all axes.
  public var flips: Bool
  /// Quarter turns in the y-x plane of patches that are square there.
  public var quarterTurns: Bool
  /// Smooth random displacements.
  public var elastic: Elastic
  /// Intensities are multiplied by 1 − gain … 1 + gain.
  public var gain: Double
  /// −offset … offset is added to intensities.
  public var offset: Double
  /// Intensities, from the darkest to the brightest of a patch, follow a power of 1 / (1 + gamma) … 1 + gamma.
  public var gamma: Double
  /// Gaussian noise of a standard deviation of 0 … noise is added.
  public var noise: Double

  /// Displacements of the points of a coarse grid, between which a cubic B-spline runs (P. Simard et al., *Best practices for
  /// convolutional neural networks*, doi:10.1109/ICDAR.2003.1227801, with the grid of O. Ronneberger et al., arXiv 1505.04597).
  public struct Elastic: Hashable, Sendable, Codable {
    /// The standard deviation of the grid points' displacement in voxels; 0: none.
    public var magnitude: Double
    /// Voxels from a grid point to the next.
    public var spacing: Int

    public init(magnitude: Double = 0, spacing: Int = 16) {
      self.magnitude = magnitude
      self.spacing = spacing
    }
  }

  enum CodingKeys: String, CodingKey {
    case flips, elastic, gain, offset, gamma, noise
    case quarterTurns = "quarter-turns"
  }

  public init(
    flips: Bool = false, quarterTurns: Bool = false, elastic: Elastic = Elastic(), gain: Double = 0,
    offset: Double = 0, gamma: Double = 0, noise: Double = 0
  ) {
    self.flips = flips
    self.quarterTurns = quarterTurns
    self.elastic = elastic
    self.gain = gain
    self.offset = offset
    self.gamma = gamma
    self.noise = noise
  }

  /// Whether intensities change, noise apart.
  public var changesIntensity: Bool { gain > 0 || offset > 0 || gamma > 0 }
}
