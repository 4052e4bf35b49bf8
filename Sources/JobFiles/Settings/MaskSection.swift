import Imaging
import Settings
import Uncertainty

extension Job {
  /// One of `uncertainty.masks`: a mask of a class with a promise, cut from probabilities or drawn around the prediction.
  public struct MaskSection: SettingsSection {
    /// What the mask is.
    public var kind = Kind.outer
    /// The name of the class; nil: each class but the first.
    public var ofClass: String?
    /// What is promised; nil: the mean, or a bound by betting for Dice.
    public var bound: RiskBound?
    /// How often a bound that is not of the mean shall hold, over calibration sets.
    public var confidence = 0.9
    /// Of margins, the part of a unit's true voxels that shall be covered.
    public var share = 1.0
    /// Of margins, by what the prediction is dilated.
    public var element = DistanceMap.Element.ball

    public init() {}

    /// What a mask is.
    public enum Kind: String, SettingConvertible, Hashable, CaseIterable, Sendable {
      case outer, inner, dice
      case outerMargin = "outer-margin"
      case innerMargin = "inner-margin"

      /// Whether the mask is drawn around the prediction, not cut from probabilities.
      public var isMargin: Bool { self == .outerMargin || self == .innerMargin }
    }

    public static let settings: [Setting<Self>] = [
      Setting(
        "kind", \.kind, noun: "kind of mask", isRequired: true,
        "what is bounded by 1 − `coverage`, of a unit. `outer`: the part of the class's voxels that the mask misses. `inner`: "
          + "the part of all other voxels that the mask holds. `dice`: 1 − Dice of the mask. `outer-margin`: how often the "
          + "prediction, dilated by the margin, holds less than `share` of the class's voxels. `inner-margin`: the same of "
          + "the other voxels outside the eroded prediction (Mossina and Friedrich, arXiv 2503.05618)"),
      Setting("class", \.ofClass, .text, otherwise: "each class but the first", "the class"),
      Setting(
        "bound", \.bound, .words(RiskBound.self, noun: "bound"), otherwise: "`mean`; `betting` for `dice`",
        "what is promised. `mean`: in the mean over new units and calibrations (conformal risk control). "
          + "`hoeffding-bentkus` and `betting`: with `confidence` over calibrations, the mean over new units is below "
          + "(RCPS, Bates et al., arXiv 2101.02703; for `dice` learn then test, arXiv 2110.01052)"),
      Setting(
        "confidence", \.confidence, .number(.above(0, below: 1)), "how often a bound shall hold that is not of the mean"
      ),
      Setting(
        "share", \.share, .number(.above(0, limit: 1)), "of margins, the part of a unit's voxels that shall be covered"),
      Setting(
        "element", \.element, noun: "structuring element",
        "of margins: `ball`, a distance in the voxels' unit of length (in voxels where that is not known); `cross` and "
          + "`square`, a number of dilations by the neighbours across faces, or by all neighbours"),
    ]
  }
}
