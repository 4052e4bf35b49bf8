import Settings
import Uncertainty

extension Job {
  /// The section `uncertainty`: how predictions are calibrated.
  public struct UncertaintySection: SettingsSection {
    /// What is compared with a threshold.
    public var method = ConformalMethod.standard(ofClasses: true)
    /// How often a prediction set or interval shall hold the truth, each above 0 and below 1.
    public var coverage = [0.9]
    /// What coverage counts.
    public var unit = Unit.pixel
    /// Each class has thresholds of its own.
    public var byClass = false

    public init() {}

    public static let settings: [Setting<Self>] = [
      Setting(
        "method", \.method, .words(ConformalMethod.self, noun: "method"), otherwise: ConformalMethod.defaults,
        "of classes \(ConformalMethod.meanings(ofClasses: true)); of images "
          + ConformalMethod.meanings(ofClasses: false)),
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

    /// What coverage counts.
    public enum Unit: String, SettingConvertible, Hashable, CaseIterable {
      /// Pixels of all images together.
      case pixel
      /// The part of an image's pixels, in the mean over images.
      case image
    }
  }
}

extension ConformalMethod {
  /// Which method holds when none is named, in words.
  fileprivate static var defaults: String {
    let (classes, values) = (standard(ofClasses: true), { standard(ofClasses: false, knowing: $0) })
    return
      "`\(classes.name)` for classes; for images `\(values(.spread).name)`, `\(values(.mean).name)` of one member, "
      + "`\(values(.quantiles).name)` with the loss `quantile`"
  }

  /// What each method is, one after the other.
  fileprivate static func meanings(ofClasses: Bool) -> String {
    let all = all(ofClasses: ofClasses).map { "`\($0.name)`, \($0.meaning)" }
    return all.dropLast().joined(separator: ", ") + ", or " + (all.last ?? "")
  }
}
