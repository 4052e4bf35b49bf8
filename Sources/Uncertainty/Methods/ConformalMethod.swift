import Settings

/// A method of conformal prediction: what it is called, what it means, and by which score it compares predictions
/// with truths.
///
/// One method is one file, which declares its score and a constant here, and one line in `allCases`.
public struct ConformalMethod: Sendable {
  /// The word that job files and stored files call it by.
  public let name: String
  /// What it is, in one phrase without a full stop, with its source.
  public let meaning: String
  /// What is compared with a threshold.
  public private(set) var score: Score
  /// λ and k of methods that have them; nil: as the method says.
  public private(set) var regularization: SetRegularization?
  /// What it needs to know of a prediction besides the mean of the members.
  public let needs: Need
  private let threshold: @Sendable (_ unit: ValueUnit) -> String

  /// A score of classes, for prediction sets, or one of values, for prediction intervals.
  public enum Score: Sendable {
    case ofClasses(any ClassScore)
    case ofValues(any ValueScore)
  }

  /// What a method needs to know of a prediction, in ascending order.
  public enum Need: Int, Sendable {
    case mean
    /// How much the members disagree: there are several.
    case spread
    /// Predicted quantiles.
    case quantiles
  }

  /// A method as its file declares it.
  ///
  /// - Parameter threshold: what a threshold of it is, in one phrase.
  init(
    _ name: String, _ meaning: String, _ score: Score, needs: Need = .mean,
    threshold: @escaping @Sendable (_ unit: ValueUnit) -> String
  ) {
    self.name = name
    self.meaning = meaning
    self.score = score
    self.needs = needs
    self.threshold = threshold
  }

  /// Whether it has a λ and k.
  public var isRegularized: Bool {
    guard let score = classScore as? RegularizedAdaptiveSets else { return false }
    return score.penalty > 0 || regularization != nil
  }

  /// The same with another λ and k.
  ///
  /// - Precondition: it has them.
  public func regularized(by regularization: SetRegularization) -> ConformalMethod {
    guard isRegularized, let score = classScore as? RegularizedAdaptiveSets else {
      preconditionFailure("\(name) has no λ")
    }
    var result = self
    result.score = .ofClasses(
      RegularizedAdaptiveSets(
        penalty: regularization.penalty, free: regularization.free, isRandomized: score.isRandomized))
    result.regularization = regularization
    return result
  }

  /// Whether it gives sets of classes, not intervals of values.
  public var isOfClasses: Bool { classScore != nil }

  /// The score of classes; nil for a method of values.
  public var classScore: (any ClassScore)? { if case .ofClasses(let score) = score { score } else { nil } }

  /// The score of values; nil for a method of classes.
  public var valueScore: (any ValueScore)? { if case .ofValues(let score) = score { score } else { nil } }

  /// What a threshold is, in one phrase.
  ///
  /// - Parameter unit: what values are measured in; of no account for classes.
  public func thresholdMeaning(_ unit: ValueUnit = .standardDeviations) -> String { threshold(unit) }
}

/// The unit of errors of values, as descriptions of thresholds name it.
public struct ValueUnit: Sendable, Hashable {
  /// As in “half width of the interval in standard deviations of the training targets”.
  public var plural: String
  /// One hundredth of it, as in “1 % of the training targets' standard deviation”.
  public var percent: String

  /// A unit with these names.
  public init(plural: String, percent: String) {
    self.plural = plural
    self.percent = percent
  }

  /// Of targets that are scaled to a standard deviation of 1.
  public static let standardDeviations = ValueUnit(
    plural: "standard deviations of the training targets", percent: "1 % of the training targets' standard deviation")
}

extension ConformalMethod: CaseIterable {
  /// All methods.
  public static let allCases: [ConformalMethod] = [
    lac,
    aps,
    randomizedAPS,
    raps,
    randomizedRAPS,
    residual,
    normalizedResidual,
    cqr,
  ]

  /// The methods of classes, or those of values.
  public static func all(ofClasses: Bool) -> [ConformalMethod] { allCases.filter { $0.isOfClasses == ofClasses } }

  /// The method for a task when none is named: the first of those that use most of what is known.
  public static func standard(ofClasses: Bool, knowing: Need = .mean) -> ConformalMethod {
    var result = ofClasses ? lac : residual
    for method in all(ofClasses: ofClasses) where result.needs.rawValue < method.needs.rawValue {
      if method.needs.rawValue <= knowing.rawValue { result = method }
    }
    return result
  }
}

extension ConformalMethod: RawRepresentable, Hashable, Codable, SettingConvertible {
  /// The method of a name.
  public init?(rawValue: String) {
    guard let method = Self.allCases.first(where: { $0.name == rawValue }) else { return nil }
    self = method
  }

  /// Its name.
  public var rawValue: String { name }

  public static func == (one: ConformalMethod, other: ConformalMethod) -> Bool {
    one.name == other.name && one.regularization == other.regularization
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(regularization)
  }
}
