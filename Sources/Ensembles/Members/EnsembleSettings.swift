import Engine
import Host
import Imaging
import Networks
import Training

/// What decides the members of an ensemble, besides the data: member k is a pure function of these settings and k.
public struct EnsembleSettings: Hashable, Sendable, Codable {
  /// What all random numbers of the ensemble are keyed by, with the member's number.
  public var seed: UInt64
  /// How many there are.
  public var members: Int
  /// What they learn.
  public var task: EnsembleTask
  /// Whether each member sees a bootstrap sample of the training units, or all of them.
  public var bagging: Bool
  /// The family of the members' networks.
  public var family: NetworkFamily
  /// Channels of the images, with that of validity when networks are told it.
  public var inputChannels: Int
  /// Of the networks: one for each class (of two, one alone when the task is binary), or the channels of the target
  /// images, once for every quantile that the loss asks for.
  public var outputChannels: Int
  /// The planes in which networks of two dimensions see a volume; none: networks have the dimensions of the images.
  public var planes: [Plane]
  /// Extents of a training patch, outermost axis first; as many as the network has dimensions.
  public var patch: [Int]
  /// Overlap of neighbouring training patches along each axis, in pixels.
  public var overlap: Int
  /// The most epochs of a training.
  public var epochs: Int
  /// Patches of each drawn unit's cells that make up an epoch.
  public var patchesPerUnit: Int
  /// Samples of a batch.
  public var batch: Int
  /// The parts that a batch is summed in, and so the most ranks that train a member together.
  public var shards: Int
  /// What batch normalization takes its moments over while training.
  public var normalizationScope: Plan.NormalizationScope
  /// In what precision products are taken while training.
  public var precision: Plan.Precision
  /// Optimizer, schedule and early stopping.
  public var recipe: TrainingRecipe
  /// What training makes small.
  public var loss: LossSettings
  /// What tells the class of an image from its latent values, of autoencoders; nil when nothing does.
  public var classifier: Classifier?
  /// Random changes of training patches.
  public var augmentation: AugmentationSettings
  /// Pixels from one blind pixel to the next, of a task that is self-supervised.
  public var blindSpacing: Int
  /// The channels of images that networks see, by name or number; nil: all that images have.
  public var channels: [ImageChannel]?
  /// How it is known which pixels of images were measured; nil: all were.
  public var validity: Validity?
  /// Of a network that combines members' answers, whether these are means over flips; nil: they are not.
  var combinesFlips: Bool?

  /// Settings, as given.
  public init(
    seed: UInt64, members: Int, task: EnsembleTask = .segmentation, bagging: Bool = true, family: NetworkFamily,
    inputChannels: Int, outputChannels: Int, planes: [Plane] = [], patch: [Int], overlap: Int = 0, epochs: Int,
    patchesPerUnit: Int = 1, batch: Int, shards: Int, normalizationScope: Plan.NormalizationScope = .batch,
    precision: Plan.Precision = .float32, recipe: TrainingRecipe, loss: LossSettings = .crossEntropy,
    classifier: Classifier? = nil, augmentation: AugmentationSettings = AugmentationSettings(), blindSpacing: Int = 4
  ) {
    self.seed = seed
    self.members = members
    self.task = task
    self.bagging = bagging
    self.family = family
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.planes = planes
    self.patch = patch
    self.overlap = overlap
    self.epochs = epochs
    self.patchesPerUnit = patchesPerUnit
    self.batch = batch
    self.shards = shards
    self.normalizationScope = normalizationScope
    self.precision = precision
    self.recipe = recipe
    self.loss = loss
    self.classifier = classifier
    self.augmentation = augmentation
    self.blindSpacing = blindSpacing
  }

  /// What a member trains by.
  ///
  /// - Throws: `NetworkError` when patches do not fit its network.
  func trainingPlan(of member: MemberSpecification) throws(NetworkError) -> Plan {
    try Plan(
      member.graph, extents: patch, purpose: .training, normalizationScope: normalizationScope, precision: precision)
  }

  /// A classifier beside an autoencoder.
  public struct Classifier: Hashable, Sendable, Codable {
    /// Classes of images.
    public var classes: Int
    /// The layers from the latent values to the scores of classes.
    public var head: ClassifierHead
    /// What its cross entropy is multiplied by in the sum with the autoencoder's loss.
    public var weight: Double

    /// A classifier, as given.
    public init(classes: Int, head: ClassifierHead = ClassifierHead(), weight: Double = 1) {
      self.classes = classes
      self.head = head
      self.weight = weight
    }

    /// Its part of the loss.
    public var loss: any Loss { WeightedSum([(loss: CrossEntropy(), weight: weight)]) }
  }

  /// Channels of the images alone.
  public var imageChannels: Int { inputChannels - (validity?.isTold == true ? 1 : 0) }

  /// A training patch with all three axes; of one seen in planes, along (slice, row, column).
  public var patchExtents: Extents { Extents(patch, missing: 1) }

  /// The part of an image that the patches of all planes are cut from.
  public var patchSpan: Extents { planes.span(of: patchExtents) }

  /// Whether there is one 3-D image, not a stack of 2-D images.
  public var isOfVolume: Bool { patch.count == 3 || !planes.isEmpty }

  /// The shards of a full batch: its samples do not always divide into as many as asked for.
  public var fullShards: Int {
    let size = (batch + shards - 1) / shards
    return (batch + size - 1) / size
  }

  /// The floats of node memory with which groups of up to `ranks` ranks can train any of these members.
  ///
  /// - Throws: as `member(_:)`.
  public func nodeMemory(_ members: some Sequence<Int>, ranks: Int) throws -> Int {
    nodeMemory(parameters: try members.map { try member($0).costs.parameters }.max() ?? 0, ranks: ranks)
  }

  /// The same for members of up to so many parameters.
  func nodeMemory(parameters: Int, ranks: Int) -> Int {
    let ranks = min(ranks, fullShards)
    return ranks > 1 ? parameters * GroupReduction.mostSubtrees(shards: fullShards, ranks: ranks) : 0
  }

  /// A member before its training.
  ///
  /// - Throws: `NetworkSettingError` for an impossible setting, `NetworkError` when patches do not fit the network.
  public func member(_ index: Int) throws -> MemberSpecification {
    precondition((0..<members).contains(index), "member \(index) of \(members)")
    let graph = try graph(index)
    return MemberSpecification(index: index, graph: graph, costs: try graph.costs(extents: patch))
  }
}

extension EnsembleSettings {
  /// The network of a member. One that answers for images ends in a classifier, unless its family's answer is one
  /// already.
  private func graph(_ index: Int) throws -> NetworkGraph {
    func family(_ channels: Int) throws -> NetworkGraph {
      try self.family.graph(
        inputChannels: inputChannels, outputChannels: channels, dimensions: patch.count, seed: seed, member: index)
    }
    let graph = try family(outputChannels)
    let extents = try graph.shapes(extents: patch)[graph.output].extents
    guard task.answersImages else {
      guard extents == patch else {
        throw NetworkSettingError(
          setting: "family",
          problem:
            "\(self.family.name) answers \(patch) pixels with \(extents), and \(task.rawValue) asks for as "
            + "many as there are; choose another family.")
      }
      return try classifier.map { try $0.head.graph(of: graph, classes: $0.classes, extents: patch) } ?? graph
    }
    guard extents.reduce(1, *) > 1 else { return graph }
    var classifier = try family(Self.featuresPerClass * outputChannels)
    let features = classifier.add(classifier.unusedName("features"), .activation(.relu), classifier.output)
    let strongest = classifier.add(
      classifier.unusedName("strongest"), .maxPooling(MaxPooling(kernel: .each(extents))), features)
    classifier.add(classifier.unusedName("classes"), .linear(features: outputChannels, bias: true), strongest)
    return classifier
  }

  /// Planes of a network's output from which a class of images is told: the strongest response of each counts.
  private static let featuresPerClass = 8
}

/// A member of an ensemble before its training.
public struct MemberSpecification: Hashable, Sendable {
  /// Counted from 0.
  public let index: Int
  /// Its network.
  public let graph: NetworkGraph
  /// What the network costs for one patch.
  public let costs: NetworkCosts

  /// Floating-point operations of all the training, by which members are ordered.
  public func cost(samplesPerEpoch: Int, epochs: Int) -> Double {
    Double(costs.trainingFLOPs) * Double(samplesPerEpoch) * Double(epochs)
  }
}

extension EnsembleSettings {
  /// Patches of an epoch.
  ///
  /// - Parameter drawn: the units that a member is trained with, as often as they are drawn; nil: each once.
  public func patchesPerEpoch(of units: TrainingUnits, drawn: [Int]? = nil) -> Int {
    patchesPerUnit * (drawn ?? Array(units.units.indices)).reduce(0) { $0 + units.units[$1].count }
  }
}
