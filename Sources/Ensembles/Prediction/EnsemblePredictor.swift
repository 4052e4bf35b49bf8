import Engine
import Host
import Imaging
import Networks
import Uncertainty

/// Predicts with all members of an ensemble, tile by tile: mean and standard deviation of the class probabilities, or
/// of the images that they answer with.
///
/// Every voxel's members are folded in one order, so that neither threads nor who predicts which tile changes a bit.
/// Members of equal graphs share one execution.
public final class EnsemblePredictor {
  /// What the ensemble says of a tile's core; valid until the next tile.
  public struct Answer {
    /// The tile that was predicted.
    public let tile: Tile
    /// Voxels of the answer: those of the core, or 1 when there is one answer for the image.
    public let voxels: Int
    /// The mean of the members' answers, `[channel, z, y, x]` over the core: probabilities of the classes, or values as
    /// target images have them.
    public let mean: UnsafeBufferPointer<Float>
    /// Their sample standard deviation (divided by members − 1), alike; 0 for a single member.
    public let deviation: UnsafeBufferPointer<Float>
    /// The mean of the probabilities of the image's classes, `[class]`; empty when none are told.
    public let classMean: UnsafeBufferPointer<Float>
    /// Their sample standard deviation.
    public let classDeviation: UnsafeBufferPointer<Float>
    /// What each member reduces the tile's input to, `[member, channel, z, y, x]`; empty unless it was asked for.
    public let latents: UnsafeBufferPointer<Float>
  }

  /// Writes the part of an image that a box shows, `[channel, z, y, x]`, scaled as the members want it.
  public typealias Reader = (_ box: Box, _ pixels: UnsafeMutableBufferPointer<Float>) throws -> Void

  /// Called with the answer of a member for a tile, and the classes that it tells beside.
  public typealias EachMember = (
    _ member: Int, _ tile: Tile, _ answer: UnsafeBufferPointer<Float>, _ classes: UnsafeBufferPointer<Float>
  ) throws -> Void

  /// The members, in the order in which they are folded.
  public let members: [TrainedMember]
  /// What they have learnt.
  public let task: EnsembleTask
  /// One for each class, or the channels of the images that members answer with, for every quantile.
  public let channels: Int
  /// Classes of the image that are told beside it; 0 for none.
  public let imageClasses: Int
  /// The planes in which networks of two dimensions see a volume; their answers are averaged.
  public let planes: [Plane]
  /// Whether answers hold the members' latent values; only of networks for which `latentShape` gives a shape.
  public var keepsLatents = false
  private let team: ThreadTeam
  /// The different networks, with probabilities behind them when they tell classes, and for each member which it is.
  let networks: [NetworkGraph]
  let networkOfMember: [Int]
  /// For inputs of these extents, of each network the executions of what it sees, and for each plane which of them.
  private var extents: Extents?
  private(set) var executions: [(runs: [Execution], place: [Int])] = []
  private(set) var pixels = AlignedBuffer<Float>(count: 0)
  /// A member's answer, and behind it the classes that it tells beside.
  private(set) var answers = AlignedBuffer<Float>(count: 0)
  private var statistics = RunningStatistics(count: 0)
  private var deviations = AlignedBuffer<Float>(count: 0)
  private(set) var latents = AlignedBuffer<Float>(count: 0)

  /// A predictor with these members.
  ///
  /// - Parameter members: in the order in which they are folded; of one ensemble.
  /// - Throws: `EnsembleError` when there are none, or they do not belong together.
  public init(_ members: [TrainedMember], team: ThreadTeam) throws(EnsembleError) {
    guard let first = members.first else { throw .noMembers }
    for member in members {
      guard member.classes == first.classes, member.graph.dimensions == first.graph.dimensions,
        member.settings.inputChannels == first.settings.inputChannels, member.scaling == first.scaling,
        member.settings.answer == first.settings.answer, member.settings.planes == first.settings.planes,
        member.targetScaling == first.targetScaling
      else { throw .mixed(first.index, member.index) }
    }
    self.members = members
    self.team = team
    task = first.settings.task
    channels = first.settings.answer.channels
    imageClasses = first.settings.answer.imageClasses
    planes = first.settings.planes
    (networks, networkOfMember) = Self.networks(members.map(\.graph), settings: first.settings)
  }

  /// The different graphs among the members', each with what makes answers of its output, and the place of each
  /// member's.
  static func networks(
    _ graphs: [NetworkGraph], settings: EnsembleSettings
  ) -> (networks: [NetworkGraph], place: [Int]) {
    var places: [NetworkGraph: Int] = [:]
    var networks: [NetworkGraph] = []
    let place = graphs.map { graph in
      if let place = places[graph] { return place }
      places[graph] = networks.count
      networks.append(settings.answering(graph))
      return networks.count - 1
    }
    return (networks, place)
  }

  /// Predicts tiles of a region.
  ///
  /// - Parameters:
  ///   - grid: the region's tiles.
  ///   - tiles: which of them.
  ///   - read: reads a tile's input; its box is counted from the region's corner.
  ///   - eachMember: called for every member and tile with the member's answer, as `Answer.mean`, and the classes that
  ///     it tells beside it, as `Answer.classMean`.
  ///   - eachTile: called for every tile, in order.
  /// - Throws: `NetworkError` when a tile does not fit a network, and what the closures throw.
  public func predict(
    grid: TileGrid, tiles: Range<Int>, reading read: Reader,
    eachMember: EachMember? = nil,
    eachTile: (Answer) throws -> Void
  ) throws {
    guard !tiles.isEmpty else { return }
    try prepare(for: grid.input)
    for index in tiles {
      let tile = grid[index]
      let voxels = task.answersImages ? 1 : tile.core.count
      let count = channels * voxels
      func own(_ values: AlignedBuffer<Float>) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: UnsafePointer(values.pointer), count: count)
      }
      func classes(_ values: AlignedBuffer<Float>) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: UnsafePointer(values.pointer + count), count: imageClasses)
      }
      try read(tile.input, pixels.buffer)
      statistics.reset()
      for member in members.indices {
        run(member, tile)
        statistics.add(answers.pointer, team: team)
        try eachMember?(member, tile, own(answers), classes(answers))
      }
      if members.count > 1 { statistics.writeStandardDeviation(to: deviations.pointer) }
      try eachTile(
        Answer(
          tile: tile, voxels: voxels,
          mean: own(statistics.mean), deviation: own(deviations), classMean: classes(statistics.mean),
          classDeviation: classes(deviations),
          latents: UnsafeBufferPointer(latents.buffer)))
    }
  }

  /// Makes executions for inputs of these extents; those for other extents are dropped.
  private func prepare(for input: Extents) throws {
    guard extents != input else { return }
    executions = []
    extents = nil
    executions = try networks.map { network in
      let views = Self.views(of: input, network, planes)
      let runs = try views.extents.map { extents in
        let plan = try Self.plan(network, members[0].settings, extents)
        return Execution(plan, samplesPerShard: 1, shards: 1, team: team)
      }
      return (runs, views.place)
    }
    pixels = AlignedBuffer(count: members[0].settings.inputChannels * input.count)
    // Cores differ in size, the largest is an input: behind a smaller one stands what an earlier one left.
    let count = channels * (task.answersImages ? 1 : input.count) + imageClasses
    answers = AlignedBuffer(count: count)
    statistics = RunningStatistics(count: count)
    deviations = AlignedBuffer(count: count)
    let latent = keepsLatents ? try latentShape(of: input)?.elements ?? 0 : 0
    latents = AlignedBuffer(count: members.count * latent)
    extents = input
  }
}
