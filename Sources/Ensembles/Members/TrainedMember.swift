import Imaging
import Networks
import Training

/// A member after its training, with all that is needed to predict with it and to know how it came about.
public struct TrainedMember: Hashable, Sendable {
  /// Counted from 0.
  public var index: Int
  /// Its network.
  public var graph: NetworkGraph
  /// In the order of the graph's `ParameterLayout`.
  public var parameters: [Float]
  /// Running means and variances, in the order of the layout.
  public var statistics: [Float]
  /// What each epoch came to.
  public var history: [EpochRecord]
  /// The training units that it was trained with.
  public var bag: Bag
  /// The settings of its ensemble.
  public var settings: EnsembleSettings
  /// How intensities become the network's input.
  public var scaling: IntensityScaling
  /// How the network's output becomes the numbers of target images; nil for classes.
  public var targetScaling: IntensityScaling?
  /// The names of the classes; empty when targets are images.
  public var classes: [String]
  /// The job that it belongs to: a hash of all that decides it.
  public var fingerprint: UInt64
  /// How often it was trained before, each time from other initial weights.
  public var attempt = 0
  /// What it was trained from; nil when its file was written by a program that did not say.
  public var origin: MemberOrigin?
  /// Why its first training failed; nil when that made it.
  public var earlierFailure: String?
  /// What the learning rate was multiplied by in the training that made it.
  public var rateFactor: Double
  /// The kind of processor that trained it; nil when its file does not say.
  public var processor: String?

  /// A member as given.
  public init(
    index: Int, graph: NetworkGraph, parameters: [Float], statistics: [Float], history: [EpochRecord], bag: Bag,
    settings: EnsembleSettings, scaling: IntensityScaling, targetScaling: IntensityScaling? = nil, classes: [String],
    fingerprint: UInt64, earlierFailure: String? = nil, rateFactor: Double = 1
  ) {
    self.index = index
    self.graph = graph
    self.parameters = parameters
    self.statistics = statistics
    self.history = history
    self.bag = bag
    self.settings = settings
    self.scaling = scaling
    self.targetScaling = targetScaling
    self.classes = classes
    self.fingerprint = fingerprint
    self.earlierFailure = earlierFailure
    self.rateFactor = rateFactor
  }
}
