import Engine
import Imaging
import Networks
import Tensors
import Uncertainty

/// Predicts with all members of an ensemble, tile by tile: mean and standard deviation of the class probabilities, or of the
/// images that they answer with.
///
/// Every voxel's members are folded in one order, so that neither threads nor who predicts which tile changes a bit.
/// Members of equal graphs share one execution.
public final class EnsemblePredictor {
  /// What the ensemble says of a tile's core; valid until the next tile.
  public struct Answer {
    public let tile: Tile
    /// Voxels of the answer: those of the core, or 1 when there is one answer for the image.
    public let voxels: Int
    /// The mean of the members' answers, `[channel, z, y, x]` over the core: probabilities of the classes, or values as target
    /// images have them.
    public let mean: UnsafeBufferPointer<Float>
    /// Their sample standard deviation (divided by members − 1), alike; 0 for a single member.
    public let deviation: UnsafeBufferPointer<Float>
  }

  /// Writes the part of an image that a box shows, `[channel, z, y, x]`, scaled as the members want it.
  public typealias Reader = (_ box: Box, _ pixels: UnsafeMutableBufferPointer<Float>) throws -> Void

  public let members: [TrainedMember]
  public let task: EnsembleTask
  /// One for each class, or the channels of the images that members answer with, for every quantile.
  public let channels: Int
  private let team: ThreadTeam
  /// The different networks, with probabilities behind them when they tell classes, and for each member which it is.
  private let networks: [NetworkGraph]
  private let networkOfMember: [Int]
  /// Executions of all networks for inputs of these extents.
  private var extents: Extents?
  private var executions: [Execution] = []
  private var pixels = AlignedBuffer<Float>(count: 0)
  private var answers = AlignedBuffer<Float>(count: 0)
  private var statistics = RunningStatistics(count: 0)
  private var deviations = AlignedBuffer<Float>(count: 0)

  /// - Parameter members: in the order in which they are folded; of one ensemble.
  /// - Throws: `EnsembleError` when there are none, or they do not belong together.
  public init(_ members: [TrainedMember], team: ThreadTeam) throws(EnsembleError) {
    guard let first = members.first else { throw .noMembers }
    for member in members {
      guard member.classes == first.classes, member.graph.dimensions == first.graph.dimensions,
        member.settings.inputChannels == first.settings.inputChannels, member.scaling == first.scaling,
        member.settings.answer == first.settings.answer,
        member.targetScaling == first.targetScaling
      else { throw .mixed(first.index, member.index) }
    }
    self.members = members
    self.team = team
    task = first.settings.task
    channels = first.settings.answer.channels
    (networks, networkOfMember) = Self.networks(members.map(\.graph), settings: first.settings)
  }

  /// The different graphs among the members', each with what makes answers of its output, and the place of each member's.
  private static func networks(
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

  // MARK: Size

  /// How far a voxel's answer sees in each direction, and the grid that tiles must begin on: the largest of all networks.
  ///
  /// - Returns: nil when a network sees the whole image, which then cannot be cut into tiles.
  /// - Throws: `NetworkError`.
  public static func reach(_ graphs: some Sequence<NetworkGraph>) throws -> (margin: Extents, multiple: Extents)? {
    var margin = [0, 0, 0]
    var multiple = [1, 1, 1]
    for graph in graphs {
      guard let field = try graph.receptiveField() else { return nil }
      let first = 3 - graph.dimensions
      for axis in 0..<graph.dimensions {
        margin[first + axis] = max(margin[first + axis], field.radius[axis])
        multiple[first + axis] = leastCommonMultiple(multiple[first + axis], field.alignment[axis])
      }
    }
    return (
      Extents(z: margin[0], y: margin[1], x: margin[2]), Extents(z: multiple[0], y: multiple[1], x: multiple[2])
    )
  }

  /// The tiles of a region for networks that see so far; one tile when a network sees the whole image.
  ///
  /// - Parameters:
  ///   - tile: the extents of a core; nil for one tile.
  ///   - margin: pixels read beyond each side of a core; nil: as far as the networks see, but at most `limit`.
  /// - Throws: `NetworkError`.
  public static func grid(
    of region: Extents, tile: Extents?, margin: Extents? = nil, atMost limit: Extents? = nil,
    for graphs: some Sequence<NetworkGraph>
  ) throws -> TileGrid {
    guard let tile, let reach = try reach(graphs) else { return TileGrid(region: region, tile: region) }
    let far = limit ?? reach.margin
    let seen = Extents(
      z: min(reach.margin.z, far.z), y: min(reach.margin.y, far.y), x: min(reach.margin.x, far.x))
    return TileGrid(region: region, tile: tile, margin: margin ?? seen, multiple: reach.multiple)
  }

  /// The bytes that a prediction of tiles with these input extents takes, the members' weights included.
  ///
  /// - Parameter graphs: the network of each member.
  /// - Throws: `NetworkError` when tiles do not fit a network.
  public static func bytes(
    _ graphs: [NetworkGraph], settings: EnsembleSettings, input: Extents, threads: Int
  ) throws -> Int {
    var bytes = 4 * (4 * settings.answer.channels + settings.inputChannels) * input.count
    let (networks, place) = networks(graphs, settings: settings)
    for (index, network) in networks.enumerated() {
      let plan = try Plan(network, extents: input.list(dimensions: network.dimensions), purpose: .inference)
      bytes += Execution.bytes(plan, capacity: 1, shards: 1, threads: threads)
      // The execution holds one copy of the weights, each member another.
      let copies = 1 + place.count { $0 == index }
      bytes += 4 * (plan.layout.parameterCount + plan.layout.statisticCount) * copies
    }
    return bytes
  }

  /// A rank's part of `count` tiles: consecutive ones.
  public static func share(of count: Int, rank: Int, ranks: Int) -> Range<Int> {
    count * rank / ranks..<count * (rank + 1) / ranks
  }

  // MARK: Prediction

  /// Predicts tiles of a region.
  ///
  /// - Parameters:
  ///   - grid: the region's tiles.
  ///   - tiles: which of them.
  ///   - read: reads a tile's input; its box is counted from the region's corner.
  ///   - eachMember: called for every member and tile with the member's answer, as `Answer.mean`.
  ///   - eachTile: called for every tile, in order.
  /// - Throws: `NetworkError` when a tile does not fit a network, and what the closures throw.
  public func predict(
    grid: TileGrid, tiles: Range<Int>, reading read: Reader,
    eachMember: ((_ member: Int, _ tile: Tile, _ answer: UnsafeBufferPointer<Float>) throws -> Void)? = nil,
    eachTile: (Answer) throws -> Void
  ) throws {
    guard !tiles.isEmpty else { return }
    try prepare(for: grid.input)
    for index in tiles {
      let tile = grid[index]
      let voxels = task.answersImages ? 1 : tile.core.count
      let count = channels * voxels
      try read(tile.input, pixels.buffer)
      statistics.reset()
      for member in members.indices {
        run(member, tile)
        statistics.add(answers.pointer, team: team)
        try eachMember?(
          member, tile, UnsafeBufferPointer(start: UnsafePointer(answers.pointer), count: count))
      }
      if members.count > 1 { statistics.writeStandardDeviation(to: deviations.pointer) }
      try eachTile(
        Answer(
          tile: tile, voxels: voxels,
          mean: UnsafeBufferPointer(start: UnsafePointer(statistics.mean.pointer), count: count),
          deviation: UnsafeBufferPointer(start: UnsafePointer(deviations.pointer), count: count)))
    }
  }

  /// Makes executions for inputs of these extents; those for other extents are dropped.
  private func prepare(for input: Extents) throws {
    guard extents != input else { return }
    executions = []
    extents = nil
    executions = try networks.map { network in
      let plan = try Plan(network, extents: input.list(dimensions: network.dimensions), purpose: .inference)
      return Execution(plan, samplesPerShard: 1, shards: 1, team: team)
    }
    pixels = AlignedBuffer(count: members[0].settings.inputChannels * input.count)
    // Cores differ in size, the largest is an input: behind a smaller one stands what an earlier one left.
    let count = channels * (task.answersImages ? 1 : input.count)
    answers = AlignedBuffer(count: count)
    statistics = RunningStatistics(count: count)
    deviations = AlignedBuffer(count: count)
    extents = input
  }

  /// Leaves a member's answer over the tile's core in `answers`.
  private func run(_ index: Int, _ tile: Tile) {
    let member = members[index]
    let execution = executions[networkOfMember[index]]
    execution.parameters.buffer.copy(member.parameters)
    execution.statistics.buffer.copy(member.statistics)
    execution.input(0).setPixels(UnsafeBufferPointer(pixels.buffer))
    execution.forward(samples: 1)
    let output = execution.output(0)
    let (input, core) = (tile.input, tile.core)
    var place = answers.pointer
    if task.answersImages {
      for channel in 0..<channels { place[channel] = output.row(0, channel: channel)[0] }
      return
    }
    for channel in 0..<channels {
      let start = place
      for z in core.z {
        for y in core.y {
          let row = (z - input.z.lowerBound) * input.y.count + y - input.y.lowerBound
          place.update(
            from: output.row(row, channel: channel) + core.x.lowerBound - input.x.lowerBound, count: core.x.count)
          place += core.x.count
        }
      }
      if let scaling = member.targetScaling {
        for i in 0..<(place - start) { start[i] = scaling.unscaled(start[i], channel: channel % scaling.mean.count) }
      }
    }
  }
}

extension Extents {
  /// The innermost extents, as a network of these dimensions wants them.
  func list(dimensions: Int) -> [Int] { Array([z, y, x].suffix(dimensions)) }
}

func leastCommonMultiple(_ a: Int, _ b: Int) -> Int {
  var (x, y) = (a, b)
  while y != 0 { (x, y) = (y, x % y) }
  return a / x * b
}
