import Imaging
import Settings

extension Job {
  /// Which images (of a volume: slices; or which pixels) train, validate, calibrate and test.
  public enum Split: Hashable, SettingConvertible {
    case dataset(DatasetSplit)
    case fractions(FractionSplit)

    public init(settingValue value: SettingValue) throws(SettingError) {
      self =
        value["dataset"] == nil
        ? .fractions(try FractionSplit(settingValue: value)) : .dataset(try DatasetSplit(settingValue: value))
    }

    public var settingValue: SettingValue {
      switch self {
      case .dataset(let split): split.settingValue
      case .fractions(let split): split.settingValue
      }
    }

    /// The two forms; the key `dataset` tells them apart.
    static var kind: SettingDeclaration.Kind {
      .variants(
        SettingDeclaration.Variants(
          selector: .presence(key: "dataset"),
          variants: [
            .init(
              name: "dataset", meaning: "the data say which image (of a volume: which slice) serves for what",
              settings: DatasetSplit.declarations()),
            .init(
              name: "fractions", meaning: "images (of a volume: blocks of slices; or pixels) are drawn at random",
              settings: FractionSplit.declarations()),
          ]))
    }
  }

  /// Numbers or words in a dataset say what an image or slice serves for.
  public struct DatasetSplit: SettingsSection {
    /// One number or word an image or slice.
    public var dataset = DataPath.none
    /// What stands for the training part.
    public var train: PartMark = 0
    /// Nil: nothing validates.
    public var validate: PartMark?
    /// What stands for the calibration part.
    public var calibrate: PartMark = 1
    /// What stands for the test part.
    public var test: PartMark = 2

    public init() {}

    public static let settings: [Setting<Self>] = [
      Setting(
        "dataset", \.dataset, DataPath.kind, isRequired: true,
        "one whole number an image or slice, or a word, or true or false: `path[:dataset]`, or a list of them that follow "
          + "each other"),
      Setting("train", \.train, mark, "the number or word of those that are trained on"),
      Setting(
        "validate", \.validate, mark, otherwise: "nothing validates",
        "that of those that make up the validation set, which says when to stop and which weights are best"),
      Setting("calibrate", \.calibrate, mark, "that of those that calibrate"),
      Setting(
        "test", \.test, mark, "that of those that only test; all others are left out"),
    ]

    private static let mark = SettingDeclaration.Kind.or([.text, .integer(0...255)])
  }

  /// Parts of the images drawn at random; their sum is at most 1.
  public struct FractionSplit: SettingsSection {
    /// What is drawn.
    public var by = Unit.image
    /// The part that is trained on.
    public var train = 0.6
    /// The part that makes up the validation set.
    public var validate = 0.0
    /// The part that calibrates.
    public var calibrate = 0.2
    /// The part that only tests.
    public var test = 0.2
    /// What the draw is keyed by.
    public var seed = 1
    /// Each class of images is divided by itself.
    public var stratified = false
    /// Pixels along each side of the cubes that are drawn as a whole, when pixels are drawn.
    public var block = 1

    public init() {}

    /// What is drawn.
    public enum Unit: String, SettingConvertible, Hashable, CaseIterable {
      case image, pixel
    }

    public static let settings: [Setting<Self>] = [
      Setting(
        "by", \.by, noun: "split",
        "what is drawn: whole images, or the pixels of each, for images that are few and sparsely labelled"),
      Setting("train", \.train, .number(.above(0, below: 1)), "the part that is trained on"),
      Setting(
        "validate", \.validate, .number(.atLeast(0, below: 1)),
        "the part that makes up the validation set, which says when to stop and which weights are best"),
      Setting("calibrate", \.calibrate, .number(.above(0, below: 1)), "the part that calibrates"),
      Setting("test", \.test, .number(.atLeast(0, below: 1)), "the part that only tests"),
      Setting("seed", \.seed, .integer(0...), "another seed draws another split"),
      Setting("stratified", \.stratified, .boolean, "of images with classes, whether each class is divided by itself"),
      Setting(
        "block", \.block, .integer(1...4096),
        "of pixels, the side of the cubes that are drawn as a whole, since neighbouring pixels are alike"),
    ]
  }
}

extension PartMark: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    if let number = value.integer {
      self = .number(number)
    } else if let word = value.text {
      self = .word(word)
    } else {
      throw .mismatch(value, "a number or a word")
    }
  }

  public var settingValue: SettingValue {
    switch self {
    case .number(let number): .integer(number)
    case .word(let word): .text(word)
    }
  }
}
