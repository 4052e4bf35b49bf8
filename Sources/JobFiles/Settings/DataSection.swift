import ImageFiles
import Imaging
import Settings

extension Job {
  /// The section `data`: the images, what is known of them, and which of them serve for what.
  public struct DataSection: SettingsSection {
    /// The images.
    public var images = DataPath.none
    /// The class of every pixel, or of every image.
    public var labels: DataPath?
    /// An image for each image: what a regression learns, or what a self-supervised task or an autoencoder is compared with.
    public var targets: DataPath?
    /// 0 where targets are not known.
    public var mask: DataPath?
    /// 0 where nothing was measured.
    public var valid: DataPath?
    /// Values that say that nothing was measured.
    public var invalid: [InvalidValues]?
    /// Whether networks see which pixels were measured; nil: they do not.
    public var validityIsTold: Bool?
    /// Whose values say how images are scaled; nil: the training part's.
    public var scaling: ScalingRule?
    /// What is done to values before; nil: nothing.
    public var transform: IntensityTransform?
    /// Nil when the task has no target images.
    public var targetScaling: TargetScaling?
    /// What is done to target images before they are scaled; nil: nothing.
    public var targetTransform: TargetTransform?
    /// The channels of the images; nil: as their shape says, and all of them.
    public var channels: ChannelChoice?
    /// A letter for each axis of the images' array; nil: as the file says.
    public var axes: String?
    /// The distance of voxels along (z,) y, x; nil: as the file says.
    public var voxelSize: [Length]?
    /// 3-D images, not 2-D images.
    public var volume = false
    /// Of 3-D images, whether there are several.
    public var hasVolumes = false
    /// The planes in which networks of two dimensions see the volume; nil: networks of three.
    public var planes: [Plane]?
    /// Names; label k is the class `namedClasses[k]`. Nil when the task has no classes.
    public var namedClasses: [String]?
    /// The label of pixels whose class is not known.
    public var ignore: Int?
    /// The classes that labels stand for; nil: the labels are the classes.
    public var labelMap: LabelMap?
    /// The source that each image or slice comes from; nil: not said.
    public var groups: DataPath?
    /// Which of the images serve for what.
    public var split = Split.fractions(FractionSplit())
    /// Pixels of a training patch, outermost axis first; nil: chosen from the image.
    public var patch: [Int]?
    /// Overlap of neighbouring training patches, in pixels.
    public var overlap = 0

    public init() {}

    /// Spatial axes of what a network sees.
    public var dimensions: Int { volume && planes == nil ? 3 : 2 }

    /// The names of the classes; empty when the task has none.
    public var classes: [String] { namedClasses ?? [] }

    public static let settings: [Setting<Self>] = [
      Setting(
        "images", \.images, DataPath.kind, isRequired: true,
        "the images: `path[:dataset]`, the path relative to this file; their axes are image, (channel,) y, x in this order, "
          + "of a volume (channel,) z, y, x; a list or a pattern names several (docs/files.md)"),
      Setting(
        "labels", \.labels, DataPath.kind, otherwise: "the task has none",
        "for segmentation and binary the class of every pixel, in the shape of the images without channels; for "
          + "classification, and for an autoencoder with a classifier, one class an image: `path[:dataset]`"),
      Setting(
        "targets", \.targets, DataPath.kind, otherwise: "the task has none",
        "for regression the image that answers each image, in the shape of the images, with channels of its own: "
          + "`path[:dataset]`; a self-supervised task and an autoencoder do not learn from them, but are calibrated and "
          + "evaluated with them"
      ),
      Setting(
        "mask", \.mask, DataPath.kind, otherwise: "all is known",
        "0 where the target image is not known and nothing is learnt, in the shape of the images without channels: "
          + "`path[:dataset]`"),
      Setting(
        "valid", \.valid, DataPath.kind, otherwise: "all pixels were measured",
        "0 where nothing was measured: `path[:dataset]`, in the shape of the images without channels, or `[y, x]` for all "
          + "images or slices. Such pixels count in no statistics; networks see 0 in their place after scaling, the mean, or by "
          + "`percentile` the 1st percentile. Of classes, and of images that are their own targets, nothing is learnt, "
          + "calibrated or evaluated there; of other targets `mask` says where they are known"),
      Setting(
        "invalid", \.invalid, .list(of: .text, count: 1...8), otherwise: "all pixels were measured",
        "values that stand where nothing was measured: `negative`, `nan` (infinities too) or numbers, as in "
          + "`[negative, 65535]`; such pixels are treated as `valid` says, in new images too"),
      Setting(
        "valid-channel", \.validityIsTold, .boolean, otherwise: "`false`",
        "whether networks see a further channel: 1 where something was measured, else 0"),
      Setting(
        "scaling", \.scaling, .words(ScalingRule.self, noun: "scaling"), otherwise: "`training`",
        "how images are scaled, channel by channel: `training`, mean 0 and standard deviation 1 over the training part, and "
          + "all images alike; `image`, the same over each image or volume; `percentile`, the 1st percentile of each image or "
          + "volume becomes 0, its 99.8th 1, for images whose exposure differs. New images are scaled by the same rule"),
      Setting(
        "transform", \.transform, .words(IntensityTransform.self, noun: "transform"), otherwise: "`none`",
        "what is done to the images' values before they are scaled: `log1p`, log(1 + v), and `sqrt`, both odd functions of "
          + "values below 0; `clip`, values beyond the 1st and 99.8th percentile become these, of the training part, or of the "
          + "image with `scaling: image` or `percentile`; `none`"),
      Setting(
        "target-scaling", \.targetScaling, .words(TargetScaling.self, noun: "scaling"),
        otherwise: "`standard`, where there are target images",
        "how target images are scaled for training, channel by channel, as the training part says: `standard`, mean 0 and "
          + "standard deviation 1; `range`, from 0 to 1, for networks that end in a sigmoid; `none`. Predictions are scaled "
          + "back"),
      Setting(
        "target-transform", \.targetTransform, .words(TargetTransform.self, noun: "transform"), otherwise: "`none`",
        "what is done to the values of target images before they are scaled, as `transform` does it to images: `log1p`, `sqrt` or "
          + "`none`. Losses are of transformed values; each member's answer is transformed back, so that predictions, spreads, "
          + "intervals and scores are in the targets' own unit. Images and targets that both are counts want both"),
      Setting(
        "channels", \.channels, ChannelChoice.kind, otherwise: "all, as the images' shape says",
        "a list of the channels that networks see, in this order, by number, from 0 on, or by name where files say names, as "
          + "in `[nuclei, 2]`; new images are taken the same way. Or one number: that of all channels, which must be "
          + "that of the images' shape; needed where a last axis of 1 to 4 looks like channels that are not before y"),
      Setting(
        "axes", \.axes, .text, otherwise: "as the file says, and where it does not, as `volume` does",
        "a letter for each axis of the images' array, where the file does not say them or says them wrongly: `t`, `z`, `y`, "
          + "`x`, `c` for channels, `i` for images; `yxc` is one image with channels last. Labels, targets and masks have the "
          + "same axes, or all but `c`"),
      Setting(
        "voxel-size", \.voxelSize, .list(of: .text, count: 2...3), otherwise: "as the file says",
        "the distance of voxels along (z,) y, x, with its unit, such as `[50 nm, 4 nm, 4 nm]`; units are m, cm, mm, µm (um), nm "
          + "and Å (angstrom). It stands in the results and in what is exported from them"),
      Setting("volume", \.volume, .boolean, "true: one 3-D image; false: a stack of 2-D images"),
      Setting(
        "layout",
        declare: { _ in
          (.choice(.init(noun: "layout", words: ["images", "volume", "volumes"])), .optional("as `volume` says"))
        },
        "the images: `images`, a stack of 2-D images (`volume: false`); `volume`, one 3-D image (`volume: true`); "
          + "`volumes`, a stack of 3-D images with axes image, (channel,) z, y, x, of which a split and bagging take whole "
          + "ones",
        read: { (value, data) throws(SettingError) in
          data.hasVolumes = value.text == "volumes"
          data.volume = value.text != "images"
        }, write: { $0.hasVolumes ? "volumes" : nil }),
      Setting(
        "planes", \.planes, .list(of: .words(Plane.self, noun: "plane"), count: 1...3), otherwise: "networks are 3-D",
        "of a volume, the planes in which 2-D networks see it, slice by slice; their answers are averaged, in training each "
          + "cell shows a patch of every plane. `[xy, xz, yz]` is DLSIA's OrthoQuilt (2.5-D)"),
      Setting(
        "classes", \.namedClasses, .list(of: .text, count: 2...255), otherwise: "the task has none",
        "names of the classes; label 0 is the first of them"),
      Setting(
        "ignore", \.ignore, .integer(-1...65535), otherwise: "every pixel is labelled",
        "the label of pixels (or images) whose class is not known"),
      Setting(
        "labels-map", \.labelMap, .map(from: -1_000_000_000...1_000_000_000, to: 0...254),
        otherwise: "label k is class k",
        "the class of each label of the file, as in `{0: 0, 255: 1}`; several labels may be of one class. A label that is "
          + "neither named here nor `ignore` is an error"),
      Setting(
        "split", declare: { _ in (Split.kind, .required) },
        "which images train, validate, calibrate and test: by a dataset, or by fractions",
        read: { (value, data) throws(SettingError) in data.split = try Split(settingValue: value) },
        write: { $0.split.settingValue }),
      Setting(
        "groups", \.groups, DataPath.kind, otherwise: "nothing is known of their sources",
        "one whole number an image (of a volume: a slice) for the person, sample or scan that it comes from: "
          + "`path[:dataset]`, or a list of them that follow each other. Images of one group are alike, so that a group is of one part of the split: a split by "
          + "fractions draws whole groups, any other that tears one is refused; `uncertainty.unit: group` calibrates by "
          + "them"),
      Setting(
        "patch", \.patch, .list(of: .extent(from: 1), count: 1...3), otherwise: "chosen from the image",
        "pixels of a training patch along (z,) y, x, or of `planes` along rows and columns; all of an image for "
          + "classification and autoencoders. Images that are smaller are padded, and the padding is not learnt from"),
      Setting(
        "overlap", \.overlap, .integer(0...4096),
        "overlap of neighbouring training patches, in pixels: more of it gives more patches an epoch and larger random "
          + "shifts"),
    ]
  }
}

extension SettingDeclaration.Kind {
  /// Pixels along an axis.
  static func extent(from least: Int) -> SettingDeclaration.Kind { .wholeNumber(least...1_000_000) }
}

extension Length: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    guard let length = value.text.flatMap({ Length($0) }) else { throw .mismatch(value, "a length with its unit") }
    self = length
  }

  public var settingValue: SettingValue { .text(description) }
}

extension TargetScaling: SettingConvertible {}
extension TargetTransform: SettingConvertible {}
extension ScalingRule: SettingConvertible {}
extension LabelMap: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    guard case .section(let entries) = value else { throw .mismatch(value, "labels with their classes") }
    var classes: [Int: Int] = [:]
    for (key, value) in entries {
      guard let label = Int(key), let number = value.integer, (0...254).contains(number) else {
        throw .mismatch(value, "the class of label \(key)")
      }
      classes[label] = number
    }
    self.init(classes)
  }

  public var settingValue: SettingValue {
    .section(Dictionary(uniqueKeysWithValues: labels.map { ("\($0)", .integer(self[$0] ?? 0)) }))
  }
}
extension InvalidValues: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    guard let values = value.text.flatMap({ InvalidValues($0) }) else {
      throw .mismatch(value, "negative, nan or a number")
    }
    self = values
  }

  public var settingValue: SettingValue { .text(text) }
}
extension IntensityTransform: SettingConvertible {}
extension Plane: SettingConvertible {}
