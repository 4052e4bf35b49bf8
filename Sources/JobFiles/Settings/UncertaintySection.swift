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
    /// Pixels of a block along (z,) y, x; nil: as large as a training patch.
    public var block: [Int]?
    /// Each class has thresholds of its own.
    public var byClass = false
    /// Whether sets may be empty; nil: they may.
    public var allowEmpty: Bool?
    /// The temperature of averaged probabilities; nil: 1.
    public var temperature: Tuned<Double>?
    /// λ of regularized sets; nil: 0.1.
    public var lambda: Tuned<Double>?
    /// k of regularized sets; nil: a tenth of the classes, at least 1.
    public var k: Tuned<Int>?
    /// The share of calibration units that tunes these, and does not calibrate; nil: `TuningPart.standardShare`.
    public var tuning: Double?
    /// Masks with promises of their own; nil: none.
    public var masks: [MaskSection]?

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
        "what coverage counts and calibration takes for independent. `pixel`: pixels of all images together; the pixels of "
          + "one image are alike, not exchangeable, so the level holds for all pixels together and promises nothing for "
          + "the next image. Of the other units it is the part of a unit's pixels whose set or interval holds the truth, "
          + "in the mean over new units, by conformal risk control (Angelopoulos et al., arXiv 2208.02814): `patch`, "
          + "blocks of `block` pixels; `image`; `group`, all images of one source (`data.groups`). Coverage 0.9 needs 9 "
          + "calibration units, 0.95 needs 19; with fewer it is infeasible"),
      Setting(
        "block", \.block, .list(of: .extent(from: 1), count: 2...3), otherwise: "as large as a training patch",
        "pixels of a block along (z,) y, x: the unit of `unit: patch`, and of the coverage by blocks that is told of every "
          + "calibration"),
      Setting(
        "by-class", \.byClass, .boolean,
        "whether each class has thresholds of its own, so that pixels of rare classes are covered as often (Vovk's "
          + "Mondrian taxonomy)"),
      Setting(
        "allow-empty", \.allowEmpty, .boolean, otherwise: "`true`",
        "whether a prediction set may be empty where no class is as likely as the threshold asks; `false` puts the likeliest "
          + "class into it, so that coverage only rises"),
      Setting(
        "temperature", \.temperature, Tuned<Double>.kind(.number(.from(TemperatureScaling.range))), otherwise: "1",
        "of classes, what logarithms of the averaged probabilities are divided by before they are made probabilities again, "
          + "ahead of calibration, labels and sets; `auto`: the number with the least negative log-likelihood on the tuning "
          + "part (Guo et al., arXiv 1706.04599)"),
      Setting(
        "lambda", \.lambda, Tuned<Double>.kind(.number(.from(0...1000))), otherwise: "0.1",
        "of `raps` and `raps-randomized`, what each class beyond the `k`-th likeliest costs; `auto`: that of 0.001, 0.01, 0.1, "
          + "0.2 and 0.5 with the smallest sets on the tuning part, at the first of `coverage` (Angelopoulos et al., arXiv "
          + "2009.14193, algorithm 5)"),
      Setting(
        "k", \.k, Tuned<Int>.kind(.integer(0...255)), otherwise: "a tenth of the classes, at least 1",
        "of `raps` and `raps-randomized`, the classes that cost nothing; `auto`: the ⌈(n + 1) · coverage⌉-th smallest rank of "
          + "the true class among the n pixels of the tuning part, at the first of `coverage` (algorithm 4 there)"),
      Setting(
        "tuning", \.tuning, .number(.above(0, below: 1)), otherwise: "\(TuningPart.standardShare)",
        "where a setting is `auto`, the share of calibration units, of `unit`, that makes the tuning part; these units tune "
          + "and do not calibrate, so that levels keep their promise. At most 131 072 of their pixels are looked at"),
      Setting(
        "masks", \.masks, .list(of: .section(MaskSection.declarations()), count: 1...100), otherwise: "none",
        "of segmentation, masks of a class with a promise for each level of `coverage`, as `/entry/masks`. Units are those of "
          + "`unit`; with `unit: pixel` they are groups where they are known, else images, or blocks of a volume"),
    ]

    /// Whether something must be tuned on a part of the calibration units.
    public var needsTuning: Bool { temperature == .auto || lambda == .auto || k == .auto }

    /// A number that is given, or tuned on a part of the calibration units.
    public enum Tuned<Number: SettingConvertible & Hashable>: SettingConvertible, Hashable {
      case auto
      case number(Number)

      static func kind(_ number: SettingDeclaration.Kind) -> SettingDeclaration.Kind {
        .or([number, .choice(.init(noun: "value", words: ["auto"]))])
      }

      public init(settingValue value: SettingValue) throws(SettingError) {
        self = value.text == "auto" ? .auto : .number(try Number(settingValue: value))
      }

      public var settingValue: SettingValue {
        switch self {
        case .auto: "auto"
        case .number(let number): number.settingValue
        }
      }

      /// The number that is given; nil where it is tuned.
      public var number: Number? { if case .number(let number) = self { number } else { nil } }
    }

    /// What coverage counts.
    public enum Unit: String, SettingConvertible, Hashable, CaseIterable {
      /// Pixels of all images together.
      case pixel
      /// The part of a block's pixels, in the mean over blocks.
      case patch
      /// The part of an image's pixels, in the mean over images.
      case image
      /// The part of the pixels of all images of one source, in the mean over sources.
      case group

      /// Several of them, in messages.
      public var plural: String { self == .patch ? "blocks" : "\(rawValue)s" }
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
