import Settings

/// What a results file tells of each pixel.
public enum ResultsQuantity: String, CaseIterable, Sendable, SettingConvertible {
  case mean, spread, labels, set
  case setSize = "set-size"
  case doubt
  case lower, upper, quantiles, composite, measured
  case compositeLower = "composite-lower"
  case compositeUpper = "composite-upper"

  /// The name of its dataset in `/entry/prediction`.
  public var dataset: String {
    switch self {
    case .spread: "mean_errors"
    case .setSize: "set_size"
    case .compositeLower: "composite_lower"
    case .compositeUpper: "composite_upper"
    default: rawValue
    }
  }

  /// Whether it is of tasks that answer with classes; nil: of all tasks.
  var isOfClasses: Bool? {
    switch self {
    case .mean, .spread: nil
    case .labels, .set, .setSize, .doubt: true
    case .lower, .upper, .quantiles, .composite, .measured, .compositeLower, .compositeUpper: false
    }
  }
}

extension Job {
  /// The section `results`: what of a prediction is written, and in which form.
  public struct ResultsSection: SettingsSection {
    /// Quantities of `/entry/prediction` that are written; nil: all.
    public var write: [ResultsQuantity]?
    /// How mean and spread are stored.
    public var numberType = NumberType.float32
    /// The least and the greatest value that 8 bits can tell; nil: probabilities.
    public var range: [Double]?
    /// How datasets of predictions are packed.
    public var compression = Compression.deflate(4)

    public init() {}

    public static let settings: [Setting<Self>] = [
      Setting(
        "write", \.write, .list(of: .words(ResultsQuantity.self, noun: "quantity"), count: 1...100),
        otherwise: "all that there is",
        "what of `/entry/prediction` is written; `mean`, or `labels` of classes, is among it. Evaluation and masks use the "
          + "whole prediction all the same, which a run keeps beside the results until it has evaluated it"),
      Setting(
        "number-type", \.numberType, noun: "number type",
        "how mean and spread are stored. `uint8` holds v as (v − add_offset) / scale_factor, rounded, with 255 for no "
          + "number: probabilities in steps of 1/254; attributes of these names (CF, netCDF) and NeXus's `mean_offset` and "
          + "`mean_scaling_factor` tell readers, and every command of tutti turns it back"),
      Setting(
        "range", \.range, .list(of: .number(.from(-1e30...1e30)), 2), otherwise: "0 to 1 of probabilities",
        "with `uint8`, of values the least and the greatest that are stored; those beyond are stored as these"),
      Setting(
        "compression", \.compression, Compression.kind,
        "level of deflate, after a shuffle of bytes, by which the datasets of predictions are packed; `none` is "
          + "the fastest"),
    ]
  }

  /// How numbers are stored.
  public enum NumberType: String, SettingConvertible, Hashable, CaseIterable {
    case float32, float16, uint8
  }

  /// How datasets are packed.
  public enum Compression: Hashable, SettingConvertible {
    case none
    case deflate(Int)

    static var kind: SettingDeclaration.Kind {
      .or([.integer(1...9), .choice(.init(noun: "compression", words: ["none"]))])
    }

    public init(settingValue value: SettingValue) throws(SettingError) {
      self = value.text == "none" ? .none : .deflate(try Int(settingValue: value))
    }

    public var settingValue: SettingValue {
      switch self {
      case .none: "none"
      case .deflate(let level): .integer(level)
      }
    }
  }
}
