import Networks
import Tensors
import Training

/// What decides the members of an ensemble, besides the data: member k is a pure function of these settings and k.
public struct EnsembleSettings: Hashable, Sendable, Codable {
  /// What all random numbers of the ensemble are keyed by, with the member's number.
  public var seed: UInt64
  public var members: Int
  /// Whether each member sees a bootstrap sample of the training units, or all of them.
  public var bagging: Bool
  public var family: NetworkFamily
  public var inputChannels: Int
  public var classes: Int
  /// Extents of a training patch, outermost axis first; as many as the network has dimensions.
  public var patch: [Int]
  public var epochs: Int
  /// Patches of each drawn unit's cells that make up an epoch.
  public var patchesPerUnit: Int
  /// Samples of a batch, and the parts that it is summed in.
  public var batch: Int
  public var shards: Int
  public var recipe: TrainingRecipe
  /// Random flips of the patches along all axes.
  public var flips: Bool
  /// Random quarter turns in the y-x plane of patches that are square there.
  public var quarterTurns: Bool

  public init(
    seed: UInt64, members: Int, bagging: Bool = true, family: NetworkFamily, inputChannels: Int, classes: Int,
    patch: [Int], epochs: Int, patchesPerUnit: Int = 1, batch: Int, shards: Int, recipe: TrainingRecipe,
    flips: Bool = true,
    quarterTurns: Bool = true
  ) {
    self.seed = seed
    self.members = members
    self.bagging = bagging
    self.family = family
    self.inputChannels = inputChannels
    self.classes = classes
    self.patch = patch
    self.epochs = epochs
    self.patchesPerUnit = patchesPerUnit
    self.batch = batch
    self.shards = shards
    self.recipe = recipe
    self.flips = flips
    self.quarterTurns = quarterTurns
  }

  /// A member before its training.
  ///
  /// - Throws: `NetworkSettingError` for an impossible setting, `NetworkError` when patches do not fit the network.
  public func member(_ index: Int) throws -> MemberSpecification {
    precondition((0..<members).contains(index), "member \(index) of \(members)")
    let graph = try family.graph(
      inputChannels: inputChannels, outputChannels: classes, dimensions: patch.count, seed: seed, member: index)
    return MemberSpecification(index: index, graph: graph, costs: try graph.costs(extents: patch))
  }
}

/// A member of an ensemble before its training.
public struct MemberSpecification: Hashable, Sendable {
  /// Counted from 0.
  public let index: Int
  public let graph: NetworkGraph
  /// What the network costs for one patch.
  public let costs: NetworkCosts

  /// Floating-point operations of all the training, by which members are ordered.
  public func cost(samplesPerEpoch: Int, epochs: Int) -> Double {
    Double(costs.trainingFLOPs) * Double(samplesPerEpoch) * Double(epochs)
  }
}
