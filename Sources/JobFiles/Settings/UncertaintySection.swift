import Settings
import Uncertainty

extension Job {
  /// The section `uncertainty`: how predictions are calibrated.
  public struct UncertaintySection: SettingsSection {
    public var method = Method.lac
    /// How often a prediction set or interval shall hold the truth, each above 0 and below 1.
    public var coverage = [0.9]
    public var unit = Unit.pixel
    /// Each class has thresholds of its own.
    public var byClass = false

    public init() {}

    public static let settings: [Setting<Self>] = [
      Setting(
        "method", \.method, .words(Method.self, noun: "method"),
        otherwise:
          "`lac` for classes; for images `normalized-residual`, `residual` of one member, `cqr` with the loss `quantile`",
        "of classes `lac`, the least ambiguous set-valued classifier, split conformal (Sadinle, Lei and Wasserman, arXiv "
          + "1609.00451), or `aps`, adaptive prediction sets, larger where the prediction is unsure (Romano, Sesia and "
          + "Candès, arXiv 2006.02544); of images `residual`, intervals of one width, `normalized-residual`, intervals that "
          + "are wide where members disagree (Lei et al., arXiv 1604.04173), or `cqr`, the outer of the quantiles that the "
          + "loss `quantile` learns, made wider or narrower (Romano, Patterson and Candès, arXiv 1905.03222)"),
      Setting(
        "coverage", \.coverage, .list(of: .number(.above(0, below: 1)), count: 1...1000),
        "how often a prediction set or interval shall hold the truth; one for each value"),
      Setting(
        "unit", \.unit, noun: "unit",
        "what coverage counts: pixels of all images together (`pixel`), or of each image the part of its pixels whose set "
          + "holds the truth, in the mean over new images, by conformal risk control (`image`; Angelopoulos et al., arXiv "
          + "2208.02814)"),
      Setting(
        "by-class", \.byClass, .boolean,
        "whether each class has thresholds of its own, so that pixels of rare classes are covered as often (Vovk's "
          + "Mondrian taxonomy)"),
    ]

    public enum Method: String, SettingConvertible, Hashable, CaseIterable {
      /// Sets of classes, the smallest on average.
      case lac
      /// Sets of classes, larger where the prediction is unsure.
      case aps
      /// Intervals of one width.
      case residual
      /// Intervals that are wide where members disagree.
      case normalizedResidual = "normalized-residual"
      /// Intervals from predicted quantiles.
      case cqr

      /// The score of classes; nil when it is of numbers.
      package var ofClasses: ConformalScore? {
        switch self {
        case .lac: .lac
        case .aps: .aps
        case .residual, .normalizedResidual, .cqr: nil
        }
      }

      /// Whether it is of classes, not of numbers.
      package var isOfClasses: Bool { ofClasses != nil }

      /// What is compared with the threshold.
      package var score: String {
        switch self {
        case .lac: "largest score 1 - p(class) of a class in the set"
        case .aps: "largest sum of the probabilities from the most probable class down to one in the set"
        case .cqr:
          "how far the interval goes beyond the outer quantiles, in standard deviations of the training targets"
        case .residual: "half width of the interval in standard deviations of the training targets"
        case .normalizedResidual:
          "half width of the interval over (mean_errors + 1 % of the training targets' standard deviation)"
        }
      }
    }

    /// What coverage counts.
    public enum Unit: String, SettingConvertible, Hashable, CaseIterable {
      /// Pixels of all images together.
      case pixel
      /// The part of an image's pixels, in the mean over images.
      case image
    }
  }
}
