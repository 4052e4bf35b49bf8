import Host
import Imaging
import Networks
import Training

extension EnsembleSettings {
  /// The settings of the network that combines the answers of this ensemble's members, as an ensemble of its own with
  /// one member.
  ///
  /// - Parameter isOfFlips: whether the members' answers are means over flips.
  public func aggregating(by network: AggregateNet, epochs: Int, ofFlips isOfFlips: Bool = false) -> EnsembleSettings {
    var result = self
    result.seed = RandomStream.key(of: "aggregate \(seed)")
    (result.members, result.bagging, result.epochs) = (1, false, epochs)
    result.inputChannels = members * answer.channels
    result.family = NetworkFamily(network.network(inputChannels: result.inputChannels))
    result.augmentation = AugmentationSettings()
    result.classifier = nil
    (result.validity, result.channels) = (nil, nil)
    result.combinesFlips = isOfFlips ? true : nil
    return result
  }
}

/// A learned combination of the members' answers beside their mean: 1×1 convolutions of all members' answers for a
/// pixel (stacked generalization, Wolpert, doi:10.1016/S0893-6080(05)80023-1; DLSIA's AggNet reads features instead).
public final class Aggregator {
  /// The network with its weights; `MemberFile` keeps it.
  public let network: TrainedMember
  private let predictor: EnsemblePredictor
  /// The answers of all members for a tile, `[member, channel, z, y, x]`.
  private var answers: [Float] = []

  /// The combination that a trained network makes.
  ///
  /// - Throws: `EnsembleError`, as `EnsemblePredictor`.
  public init(_ network: TrainedMember, team: ThreadTeam) throws(EnsembleError) {
    self.network = network
    predictor = try EnsemblePredictor([network], team: team)
  }

  /// What the answers of the members are scaled by for the network.
  ///
  /// - Parameter targetScaling: of target images; nil for classes, whose probabilities stay as they are.
  public static func scaling(of settings: EnsembleSettings, targetScaling: IntensityScaling?) -> IntensityScaling {
    let channels = settings.members * settings.answer.channels
    guard let target = targetScaling else { return .identity(channels: channels) }
    let copies = 0..<channels / target.mean.count
    var scaling = IntensityScaling(
      mean: copies.flatMap { _ in target.mean }, standardDeviation: copies.flatMap { _ in target.standardDeviation })
    scaling.transform = target.transform
    return scaling
  }

  /// Takes a member's answer for a tile; members come one after another.
  public func take(_ answer: UnsafeBufferPointer<Float>, of member: Int) {
    if member == 0 { answers.removeAll(keepingCapacity: true) }
    answers += answer
  }

  /// The combination of the answers that were taken for a tile, `[channel, z, y, x]`.
  ///
  /// - Throws: `NetworkError`.
  public func answer(over extents: Extents) throws -> [Float] {
    var result: [Float] = []
    let (scaling, answers) = (network.scaling, answers)
    try predictor.predict(
      grid: TileGrid(region: extents, tile: extents), tiles: 0..<1,
      reading: { _, pixels in
        precondition(pixels.count == answers.count, "the answers of all members for one tile")
        _ = pixels.update(from: answers)
        scaling.apply(to: pixels)
      }, eachTile: { result = Array($0.mean) })
    return result
  }
}
