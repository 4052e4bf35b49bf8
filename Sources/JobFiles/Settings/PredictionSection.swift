import Settings
import Uncertainty

extension Job {
  /// The section `prediction`: how large images are cut for prediction.
  public struct PredictionSection: SettingsSection {
    /// Pixels predicted at once, outermost axis first; nil: chosen from the image.
    public var tile: [Int]?
    /// Pixels read beyond each side of a tile; nil: the networks' receptive field, where it is affordable.
    public var margin: [Int]?
    /// What members' answers are averaged over; nil: the image as it is.
    public var augment: Augmentation?
    /// Whether what each member reduces an image to is written too.
    public var latent = false
    /// One whole number an image, by which latent values are judged; nil: they are not.
    public var kinds: DataPath?
    /// Maps of statistics over members beside mean and spread; nil: none.
    public var statistics: StatisticsSection?

    public init() {}

    public static let settings: [Setting<Self>] = [
      Setting(
        "tile", \.tile, .list(of: .extent(from: 1), count: 1...3), otherwise: "chosen from the image",
        "pixels that are predicted at once along (z,) y, x. Images of a stack of up to 2048 × 2048 are predicted whole without it, by "
          + "faster kernels that round otherwise; with it, all tiles of all sizes give the same bits"),
      Setting(
        "margin", \.margin, .list(of: .extent(from: 0), count: 1...3), otherwise: "the networks' receptive field",
        "pixels read beyond each side of a tile along (z,) y, x. With the receptive field, tiles have the bits of the "
          + "whole image's prediction; where that would take more than 8 times the work, or networks normalize by "
          + "statistics of the image, overlapping windows of a patch are blended with Gaussian weights instead"),
      Setting(
        "augment", \.augment, .words(Augmentation.self, noun: "augmentation"), otherwise: "the image as it is",
        "what each member's answer is the mean over, in calibration and prediction alike, also of new images. `flips`: all "
          + "flips along rows and columns, and of volumes that networks see at once along slices too: 4 or 8 times the "
          + "work"),
      Setting(
        "latent", \.latent, .boolean,
        "whether what each member reduces an image to (an autoencoder's code) is written too, as `/entry/latent/latent` "
          + "`[member, image, channel, …]`; images are then predicted whole, and the evaluation maps the test part's values in two "
          + "dimensions (`/entry/evaluation/latent`): by principal components, and by UMAP (arXiv 1802.03426)"),
      Setting(
        "kinds", \.kinds, .dataPath, otherwise: "nothing is known of their kinds",
        "with `latent`, one whole number an image: `path[:dataset]`. Nothing is learnt from them; the page colours its map of "
          + "latent values by them, and the evaluation tells how far kinds lie apart: their silhouette, and how many images have "
          + "one of their kind nearest"),
      Setting(
        "statistics", \.statistics, otherwise: "mean and spread alone",
        "maps of other statistics over the members, as `/entry/statistics`"),
    ]
  }
  /// What predictions are averaged over.
  public enum Augmentation: String, SettingConvertible, Hashable, CaseIterable {
    case flips
  }
}
