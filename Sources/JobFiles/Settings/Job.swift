import Engine
import Ensembles
import Imaging
import Networks
import Settings
import Training
import Uncertainty

/// What a job file says, checked and with every default filled in.
///
/// Its JSON form has the keys of the job file (`docs/job-file.md`), so that it can be read as one.
public struct Job: Codable, Hashable, Sendable {
  /// Version of the form.
  public var version: Int
  public var name: String
  public var task: EnsembleTask
  public var data: DataSettings
  public var network: NetworkFamily
  /// Nil: nothing tells the classes of an autoencoder's images.
  public var classifier: ClassifierSettings?
  public var ensemble: EnsembleSettings
  public var normalization: NormalizationSettings
  public var training: TrainingSettings
  public var prediction: PredictionSettings
  public var uncertainty: UncertaintySettings
  /// The results file as the job file names it; `outputFile` is where that is.
  public var output: String
  /// The folder that paths are relative to: the job file's, absolute. Not part of the job's text.
  public var folder: String?

  enum CodingKeys: String, CodingKey {
    case version = "tutti"
    case name, task, data, network, classifier, ensemble, normalization, training, prediction, uncertainty, output,
      folder
  }

  public struct DataSettings: Codable, Hashable, Sendable {
    public var images: DataPath
    /// The class of every pixel, or of every image.
    public var labels: DataPath?
    /// An image for each image: what a regression learns, or what a self-supervised task is compared with.
    public var targets: DataPath?
    /// 0 where targets are not known.
    public var mask: DataPath?
    /// Nil when the task has no target images.
    public var targetScaling: TargetScaling?
    /// One 3-D image, not a stack of 2-D images.
    public var volume: Bool
    /// The planes in which networks of two dimensions see the volume; nil: networks of three.
    public var planes: [Plane]?
    /// Names; label k is the class `namedClasses[k]`. Nil when the task has no classes.
    public var namedClasses: [String]?
    /// The label of pixels whose class is not known.
    public var ignore: Int?
    public var split: Split
    /// Pixels of a training patch, outermost axis first; nil: chosen from the image.
    public var patch: [Int]?
    /// Pixels that the places of neighbouring patches share.
    public var overlap: Int

    enum CodingKeys: String, CodingKey {
      case images, labels, targets, mask, volume, planes, ignore, split, patch, overlap
      case namedClasses = "classes"
      case targetScaling = "target-scaling"
    }

    /// Spatial axes of what a network sees.
    public var dimensions: Int { volume && planes == nil ? 3 : 2 }

    /// The names of the classes; empty when the task has none.
    public var classes: [String] { namedClasses ?? [] }
  }

  /// Which images (of a volume: slices; or which pixels) train, validate, calibrate and test.
  public enum Split: Hashable, Sendable {
    case dataset(DatasetSplit)
    case fractions(FractionSplit)
  }

  /// Numbers in a dataset say what an image or slice serves for.
  public struct DatasetSplit: Codable, Hashable, Sendable {
    public var dataset: DataPath
    public var train: Int
    /// Nil: nothing validates.
    public var validate: Int?
    public var calibrate: Int
    public var test: Int
  }

  /// Parts of the images drawn at random; their sum is at most 1.
  public struct FractionSplit: Codable, Hashable, Sendable {
    public var by: Unit
    public var train: Double
    public var validate: Double
    public var calibrate: Double
    public var test: Double
    public var seed: Int
    /// Each class of images is divided by itself.
    public var stratified: Bool
    /// Pixels along each side of the cubes that are drawn as a whole, when pixels are drawn.
    public var block: Int

    /// What is drawn.
    public enum Unit: String, Codable, Hashable, Sendable {
      case image, pixel
    }
  }

  /// What tells the class of an image from an autoencoder's latent values.
  public struct ClassifierSettings: Codable, Hashable, Sendable {
    /// Lengths of the vectors between latent values and scores; nil: two of half as many as there are latent values.
    public var features: [Int]?
    /// Rate of dropout between linear layers.
    public var dropout: Double
    /// What its cross entropy is multiplied by in the sum with the autoencoder's loss.
    public var weight: Double
  }

  public struct EnsembleSettings: Codable, Hashable, Sendable {
    public var members: Int
    public var bagging: Bool
    public var ranksPerMember: RanksPerMember
    /// Nil: members are combined by their mean alone.
    public var aggregate: AggregateSettings?

    enum CodingKeys: String, CodingKey {
      case members, bagging, aggregate
      case ranksPerMember = "ranks-per-member"
    }
  }

  /// The network that combines the members' answers beside their mean.
  public struct AggregateSettings: Codable, Hashable, Sendable {
    /// 1×1 convolutions.
    public var layers: Int
    public var epochs: Int

    package var network: AggregateNet {
      var network = AggregateNet()
      network.layers = layers
      return network
    }
  }

  public enum RanksPerMember: Hashable, Sendable {
    case auto
    case count(Int)
  }

  public struct NormalizationSettings: Codable, Hashable, Sendable {
    public var scope: Plan.NormalizationScope
  }

  public struct TrainingSettings: Codable, Hashable, Sendable {
    public var epochs: Int
    public var batch: Int
    /// Parts of a batch that are summed in a fixed order.
    public var shards: Int
    /// Of products.
    public var precision: Plan.Precision
    public var optimizer: OptimizerSettings
    public var optimizerState: OptimizerState
    public var schedule: RateSchedule
    public var clip: ClippingSettings
    /// Batches whose gradients make up one step.
    public var accumulate: Int
    public var average: AveragingSettings?
    public var earlyStopping: EarlyStopping?
    public var keep: TrainingRecipe.Keep
    /// Minutes between two checkpoints of a member.
    public var checkpoint: Double
    public var loss: LossSettings
    public var seed: Int
    /// Patches of each drawn training unit in an epoch.
    public var patchesPerUnit: Int
    public var augmentation: AugmentationSettings
    /// Pixels from one blind pixel to the next; nil unless the task is self-supervised.
    public var blindSpacing: Int?

    enum CodingKeys: String, CodingKey {
      case epochs, batch, shards, precision, optimizer, schedule, clip, accumulate, average, keep, checkpoint, loss,
        seed,
        augmentation
      case optimizerState = "optimizer-state"
      case earlyStopping = "early-stopping"
      case patchesPerUnit = "patches-per-unit"
      case blindSpacing = "blind-spacing"
    }

    /// How weights follow from gradients.
    public var recipe: TrainingRecipe {
      TrainingRecipe(
        optimizer: optimizer, schedule: schedule, clipping: clip, accumulation: accumulate, averaging: average,
        earlyStopping: earlyStopping, keep: keep)
    }
  }

  /// Where the optimizer's state is kept when several ranks train a member.
  public enum OptimizerState: String, Codable, Hashable, Sendable, CaseIterable {
    /// On every rank.
    case replicated
    /// On each rank a part.
    case divided
    /// On each rank a part where there is no room for the whole.
    case auto
  }

  public struct PredictionSettings: Codable, Hashable, Sendable {
    /// Pixels predicted at once, outermost axis first; nil: chosen from the image.
    public var tile: [Int]?
    /// Pixels read beyond each side of a tile; nil: as far as the networks see.
    public var margin: [Int]?
    /// Whether what each member reduces an image to is written too.
    public var latent: Bool
  }

  public struct UncertaintySettings: Codable, Hashable, Sendable {
    public var method: Method
    /// How often a prediction set or interval shall hold the truth, each in 0 ..< 1 without 0.
    public var coverage: [Double]
    public var unit: Unit
    /// Each class has thresholds of its own.
    public var byClass = false

    enum CodingKeys: String, CodingKey {
      case method, coverage, unit
      case byClass = "by-class"
    }

    public enum Method: String, Codable, Hashable, Sendable, CaseIterable {
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
    public enum Unit: String, Codable, Hashable, Sendable, CaseIterable {
      /// Pixels of all images together.
      case pixel
      /// The part of an image's pixels, in the mean over images.
      case image
    }
  }
}

extension Job.Split: Codable {
  public init(from decoder: Decoder) throws {
    let container = try decoder.container(keyedBy: Job.DatasetSplitKey.self)
    if container.contains(.dataset) {
      self = .dataset(try Job.DatasetSplit(from: decoder))
    } else {
      self = .fractions(try Job.FractionSplit(from: decoder))
    }
  }

  public func encode(to encoder: Encoder) throws {
    switch self {
    case .dataset(let split): try split.encode(to: encoder)
    case .fractions(let split): try split.encode(to: encoder)
    }
  }
}

extension Job {
  enum DatasetSplitKey: String, CodingKey { case dataset }
}

extension Job.RanksPerMember: Codable {
  private enum Word: String, Codable { case auto }

  public init(from decoder: Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let count = try? container.decode(Int.self) {
      self = .count(count)
    } else {
      _ = try container.decode(Word.self)
      self = .auto
    }
  }

  public func encode(to encoder: Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .auto: try container.encode(Word.auto)
    case .count(let count): try container.encode(count)
    }
  }
}
