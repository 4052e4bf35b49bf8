import Settings

/// Maps of statistics over members beside mean and spread, as a job asks for them.
public struct StatisticsSection: SettingsSection {
  /// Which maps.
  public var maps: [EnsembleStatistic] = []
  /// Which quantiles, of those that are asked for.
  public var quantiles = [0.05, 0.5, 0.95]
  /// Of `kept`, the standard deviations that are taken from the mean.
  public var deviations = 1.0
  /// Of `kept`, what must be left.
  public var above = 0.5

  public init() {}

  public static let settings: [Setting<Self>] = [
    Setting(
      "maps", \.maps, .list(of: .words(EnsembleStatistic.self, noun: "statistic"), count: 1...100), isRequired: true,
      EnsembleStatistic.allCases.map { "`\($0.rawValue)`: \($0.meaning)" }.joined(separator: "; ")),
    Setting(
      "quantiles", \.quantiles, .list(of: .number(.above(0, below: 1)), count: 1...100),
      "which quantiles, of `quantiles` and `cornish-fisher`"),
    Setting(
      "deviations", \.deviations, .number(.from(0...1000)), "of `kept`, the k in mean − k · spread > t"),
    Setting("above", \.above, .number(.from(-1e30...1e30)), "of `kept`, the t in mean − k · spread > t"),
  ]
}

/// A statistic over the members of an ensemble, of every value or of every pixel.
public enum EnsembleStatistic: String, CaseIterable, Sendable, SettingConvertible {
  case geometricMean = "geometric-mean"
  case geometricSpread = "geometric-spread"
  case skewness, kurtosis, quantiles
  case cornishFisher = "cornish-fisher"
  case entropy
  case variances
  case standardError = "standard-error"
  case kept

  /// What it is, in one phrase.
  public var meaning: String {
    switch self {
    case .geometricMean: "the geometric mean"
    case .geometricSpread: "the geometric standard deviation, a factor"
    case .skewness: "the unbiased skewness, of 3 members or more"
    case .kurtosis: "the unbiased excess kurtosis, of 4 members or more"
    case .quantiles: "quantiles of the members' own values, linear between them"
    case .cornishFisher: "quantiles from mean, spread, skewness and kurtosis (Cornish and Fisher), of 4 members or more"
    case .entropy:
      "of classes, the entropy of the mean in nats, its aleatoric part, the members' mean entropy, and its epistemic part, "
        + "what they disagree on"
    case .variances:
      "with the loss `quantile`, the aleatoric variance, from the distance of the outer quantiles as of a normal "
        + "distribution, the epistemic one, of the members' values, and their sum"
    case .standardError: "the standard error of the mean, spread ÷ √members: of the mean, not of a member or a truth"
    case .kept: "1 where mean − k · spread > t, else 0"
    }
  }

  /// The datasets that it makes.
  var datasets: [String] {
    switch self {
    case .entropy: ["entropy", "entropy-aleatoric", "entropy-epistemic"]
    case .variances: ["variance", "variance-aleatoric", "variance-epistemic"]
    default: [rawValue]
    }
  }
}

extension StatisticsSection {
  /// One dataset of statistics.
  public struct Map: Hashable, Sendable {
    /// What it is called.
    public let name: String
    /// What it is of.
    public let statistic: EnsembleStatistic
    /// Its place among those of the statistic.
    public let part: Int
    /// The quantiles on its leading axis; nil: it has none.
    public let quantiles: [Double]?
    /// Whether it has a value for each class or channel, not for each pixel.
    public let hasChannels: Bool
    /// Whether it holds 0 and 1.
    public let isMask: Bool

    /// What it is, in one phrase.
    public var meaning: String {
      switch (statistic, part) {
      case (.entropy, 0): "entropy of the mean, in nats"
      case (.entropy, 1): "aleatoric entropy: the mean entropy of members, in nats"
      case (.entropy, _): "epistemic entropy: what members disagree on, in nats"
      case (.variances, 0): "aleatoric and epistemic variance together"
      case (.variances, 1): "aleatoric variance, from the outer quantiles as of a normal distribution"
      case (.variances, _): "epistemic variance: that of the members' values"
      default: statistic.meaning
      }
    }
  }

  /// The datasets that are made, in order.
  public var datasets: [Map] {
    EnsembleStatistic.allCases.filter(maps.contains).flatMap { statistic in
      statistic.datasets.enumerated().map { part, name in
        Map(
          name: name, statistic: statistic, part: part,
          quantiles: statistic == .quantiles || statistic == .cornishFisher ? quantiles : nil,
          hasChannels: statistic != .entropy, isMask: statistic == .kept)
      }
    }
  }
}
