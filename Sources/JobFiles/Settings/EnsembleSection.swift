import Engine
import Networks
import Settings
import Uncertainty

extension Job {
  /// The section `ensemble`: how many networks are trained, and on what.
  public struct EnsembleSection: SettingsSection {
    /// Networks that are trained.
    public var members = 5
    /// Whether each member trains on its own sample of the training units.
    public var bagging = true
    /// MPI ranks that train one member together.
    public var ranksPerMember = RanksPerMember.count(1)
    /// The members that are enough to go on when others fail; nil: all.
    public var minimumMembers: Int?
    /// What is done with members that did not learn; nil: they are told.
    public var weakMembers: WeakMembers?
    /// What of classes is averaged over members; nil: probabilities.
    public var average: MemberCombination.Average?
    /// How much each member counts; nil: all alike.
    public var weights: MemberWeights?
    /// Nil: members are combined by their mean alone.
    public var aggregate: AggregateSection?

    public init() {}

    public static let settings: [Setting<Self>] = [
      Setting("members", \.members, .integer(1...10_000), "networks that are trained"),
      Setting(
        "bagging", \.bagging, .boolean,
        "whether each member trains on its own sample of the training units, drawn with replacement (a unit is an image, "
          + "or a cell of a fixed grid of patches in a volume)"),
      Setting(
        "ranks-per-member", \.ranksPerMember, RanksPerMember.kind,
        "MPI ranks that train one member together, at most `training.shards`; ranks that are left over join them, and "
          + "auto shares all ranks out among the members; never changes a result"),
      Setting(
        "minimum-members", \.minimumMembers, .integer(1...10_000), otherwise: "all of them",
        "members that are enough to calibrate and predict with when others have failed; what failed is left out and named"
      ),
      Setting(
        "weak-members", \.weakMembers, .words(WeakMembers.self, noun: "way with weak members"), otherwise: "`warn`",
        "what is done with members that did not learn: those that answer no better than the most frequent class, the mean of "
          + "the targets or the image itself, that never find a class which others find, or whose F1 or error is far from "
          + "their fellows', on the validation part (else the training part). `warn` tells them with the reason; `retry` "
          + "trains them once more from other initial weights; `leave-out` keeps them out of the ensemble"),
      Setting(
        "average", \.average, .words(MemberCombination.Average.self, noun: "average"), otherwise: "`probabilities`",
        "what of classes is averaged over members, for the mean and all that follows from it: `probabilities`, or `logits`, "
          + "the logarithms of probabilities, whose mean is made probabilities again; the spread stays that of probabilities"
      ),
      Setting(
        "weights", \.weights, .words(MemberWeights.self, noun: "rule for weights"), otherwise: "`equal`",
        "how much each member counts in mean and spread, chosen on at most 16 384 pixels of the validation part, never on "
          + "calibration or test images. \(MemberWeights.meanings). Members of weight 0 do not predict"),
      Setting(
        "aggregate", \.aggregate, otherwise: "the mean and spread of the members alone",
        "a network that learns to combine the answers of all members, pixel by pixel, when these are trained (stacked "
          + "generalization; DLSIA's AggNet): it is trained on the training part as members are, and what it says of the "
          + "test part stands beside their mean, as `/entry/aggregate`"),
    ]
  }

  /// What is done with members that did not learn.
  public enum WeakMembers: String, SettingConvertible, Hashable, CaseIterable {
    case warn, retry
    case leaveOut = "leave-out"
  }

  /// How many ranks train one member together.
  public enum RanksPerMember: Hashable, SettingConvertible {
    case auto
    case count(Int)

    static var kind: SettingDeclaration.Kind {
      .or([.integer(1...1_000_000), .choice(.init(noun: "number of ranks", words: ["auto"]))])
    }

    public init(settingValue value: SettingValue) throws(SettingError) {
      self = value.text == "auto" ? .auto : .count(try Int(settingValue: value))
    }

    public var settingValue: SettingValue {
      switch self {
      case .auto: "auto"
      case .count(let count): .integer(count)
      }
    }
  }

  /// The network that combines the members' answers beside their mean.
  public struct AggregateSection: SettingsSection {
    /// 1×1 convolutions.
    public var layers = 1
    /// Passes over the training units.
    public var epochs = 5

    public init() {}

    public static let settings: [Setting<Self>] = [
      Setting("layers", \.layers, .integer(1...100), "1×1 convolutions, with ReLU between them"),
      Setting("epochs", \.epochs, .integer(1...1_000_000), "passes over the training units"),
    ]

    package var network: AggregateNet {
      var network = AggregateNet()
      network.layers = layers
      return network
    }
  }

  /// The section `classifier`: what tells the class of an image from an autoencoder's latent values.
  public struct ClassifierSection: SettingsSection {
    /// Lengths of the vectors between latent values and scores; nil: two of half as many as there are latent values.
    public var features: [Int]?
    /// Rate of dropout between linear layers.
    public var dropout = 0.05
    /// What its cross entropy is multiplied by in the sum with the autoencoder's loss.
    public var weight = 1.0

    public init() {}

    public static let settings: [Setting<Self>] = [
      Setting(
        "weight", \.weight, .number(.above(0, limit: 1e9)),
        "factor of its cross entropy in the sum with `training.loss`; images without a known class do not count in it"),
      Setting(
        "features", \.features, .list(of: .integer(1...1_000_000), count: 0...16),
        otherwise: "two of half as many as there are latent values",
        "lengths of the vectors between the latent values and the classes"),
      Setting("dropout", \.dropout, .number(.atLeast(0, below: 1)), "rate of dropout between its layers"),
    ]
  }

  /// The section `normalization`: how networks with batch normalization are trained.
  public struct NormalizationSection: SettingsSection {
    /// What the moments of batch normalization are taken over.
    public var scope = Plan.NormalizationScope.batch

    public init() {}

    public static let settings: [Setting<Self>] = [
      Setting(
        "scope", \.scope, noun: "scope",
        "what its moments are taken over: the whole batch, or each shard by itself, which needs no exchange between ranks"
      )
    ]
  }
}

extension Plan.NormalizationScope: SettingConvertible {}

extension MemberWeights {
  /// What each rule is, one after the other.
  fileprivate static var meanings: String {
    allCases.map { "`\($0.rawValue)`: \($0.meaning)" }.joined(separator: "; ")
  }
}
