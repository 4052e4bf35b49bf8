import Engine
import Host
import Imaging
import Networks
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
    /// The same of the classes of the image that are told beside it, `[class]`; empty when none are.
    public let classMean: UnsafeBufferPointer<Float>
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

  public let members: [TrainedMember]
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
  private let networks: [NetworkGraph]
  private let networkOfMember: [Int]
  /// For inputs of these extents, of each network the executions of what it sees, and for each plane which of them.
  private var extents: Extents?
  private var executions: [(runs: [Execution], place: [Int])] = []
  private var pixels = AlignedBuffer<Float>(count: 0)
  /// A member's answer, and behind it the classes that it tells beside.
  private var answers = AlignedBuffer<Float>(count: 0)
  private var statistics = RunningStatistics(count: 0)
  private var deviations = AlignedBuffer<Float>(count: 0)
  private var latents = AlignedBuffer<Float>(count: 0)

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
  /// - Parameter planes: those in which networks of two dimensions see a volume.
  /// - Returns: nil when a network sees the whole image, which then cannot be cut into tiles.
  /// - Throws: `NetworkError`.
  public static func reach(
    _ graphs: some Sequence<NetworkGraph>, planes: [Plane] = []
  ) throws -> (margin: Extents, multiple: Extents)? {
    var margin = Extents(z: 0, y: 0, x: 0)
    var multiple = Extents(z: 1, y: 1, x: 1)
    for graph in graphs {
      guard let field = try graph.receptiveField() else { return nil }
      for plane in planes.isEmpty ? [.xy] : planes {
        let own = plane.volume(Extents(field.radius, missing: 0))
        margin = Extents(z: max(margin.z, own.z), y: max(margin.y, own.y), x: max(margin.x, own.x))
        let grid = plane.volume(Extents(field.alignment, missing: 1))
        multiple = Extents(
          z: leastCommonMultiple(multiple.z, grid.z), y: leastCommonMultiple(multiple.y, grid.y),
          x: leastCommonMultiple(multiple.x, grid.x))
      }
    }
    return (margin, multiple)
  }

  /// The tiles of a region, with margins as wide as the receptive field; one tile when that is the whole image.
  ///
  /// - Parameters:
  ///   - tile: the extents of a core; nil for one tile.
  ///   - margin: pixels read beyond each side of a core; nil: the receptive field, but at most `limit`.
  ///   - planes: those in which networks of two dimensions see a volume.
  /// - Throws: `NetworkError`.
  public static func grid(
    of region: Extents, tile: Extents?, margin: Extents? = nil, atMost limit: Extents? = nil, planes: [Plane] = [],
    for graphs: some Sequence<NetworkGraph>
  ) throws -> TileGrid {
    guard let tile, let reach = try reach(graphs, planes: planes) else { return TileGrid(region: region, tile: region) }
    let far = limit ?? reach.margin
    let seen = Extents(
      z: min(reach.margin.z, far.z), y: min(reach.margin.y, far.y), x: min(reach.margin.x, far.x))
    return TileGrid(region: region, tile: tile, margin: margin ?? seen, multiple: reach.multiple)
  }

  /// The bytes that a prediction of tiles with these input extents takes, the members' weights included.
  ///
  /// - Parameter graphs: the network of each member.
  /// - Throws: `NetworkError` when tiles do not fit a network, `EnsembleError.boundToSize`.
  public static func bytes(
    _ graphs: [NetworkGraph], settings: EnsembleSettings, input: Extents, threads: Int
  ) throws -> Int {
    var bytes = 4 * (4 * settings.answer.channels + settings.inputChannels) * input.count
    let (networks, place) = networks(graphs, settings: settings)
    for (index, network) in networks.enumerated() {
      for (copies, extents) in views(of: input, network, settings.planes).extents.enumerated() {
        let plan = try plan(network, settings, extents)
        bytes += Execution.bytes(plan, capacity: 1, shards: 1, threads: threads)
        // Every execution holds one copy of the weights, each member another.
        let members = copies == 0 ? place.count { $0 == index } : 0
        bytes += 4 * (plan.layout.parameterCount + plan.layout.statisticCount) * (1 + members)
      }
    }
    return bytes
  }

  /// What a network sees of a tile's input: the different extents, and for each plane which of them; without planes one.
  private static func views(
    of input: Extents, _ network: NetworkGraph, _ planes: [Plane]
  ) -> (extents: [[Int]], place: [Int]) {
    var extents: [[Int]] = []
    let place = (planes.isEmpty ? [.xy] : planes).map { plane in
      let own = plane.view(input).list(dimensions: network.dimensions)
      if let known = extents.firstIndex(of: own) { return known }
      extents.append(own)
      return extents.count - 1
    }
    return (extents, place)
  }

  /// The plan of a network for inputs of these extents.
  ///
  /// - Throws: `NetworkError` when they do not fit it, `EnsembleError.boundToSize` when its weights are those of other extents.
  private static func plan(_ network: NetworkGraph, _ settings: EnsembleSettings, _ extents: [Int]) throws -> Plan {
    let plan = try Plan(network, extents: extents, purpose: .inference)
    guard try plan.layout == network.layout(extents: settings.patch) else {
      throw EnsembleError.boundToSize(patch: settings.patch, input: extents)
    }
    return plan
  }

  /// The shape of what every member reduces an input of these extents to; nil when a network has no latent values, or
  /// sees slices.
  ///
  /// - Throws: `NetworkError` when the input does not fit a network, `EnsembleError.latents` when members differ.
  public func latentShape(of input: Extents) throws -> FeatureShape? {
    guard planes.isEmpty else { return nil }
    var shape: FeatureShape?
    for network in networks {
      guard let tap = network.taps[NetworkGraph.latent] else { return nil }
      let own = try network.shapes(extents: input.list(dimensions: network.dimensions))[tap]
      guard shape == nil || shape == own else { throw EnsembleError.latents(shape ?? own, own) }
      shape = own
    }
    return shape
  }

  // MARK: Prediction

  /// Predicts tiles of a region.
  ///
  /// - Parameters:
  ///   - grid: the region's tiles.
  ///   - tiles: which of them.
  ///   - read: reads a tile's input; its box is counted from the region's corner.
  ///   - eachMember: called for every member and tile with the member's answer, as `Answer.mean`, and the classes that it tells
  ///     beside it, as `Answer.classMean`.
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

  /// Copies a member's latent values out of its execution.
  private func writeLatents(of index: Int, _ execution: Execution) {
    guard let tap = execution.plan.taps.firstIndex(where: { $0.name == NetworkGraph.latent }) else { return }
    let planes = execution.tap(tap, 0)
    var place = latents.pointer + latents.count / members.count * index
    for channel in 0..<planes.channels {
      for row in 0..<planes.geometry.rows {
        place.update(from: planes.row(row, channel: channel), count: planes.geometry.nx)
        place += planes.geometry.nx
      }
    }
  }

  /// Leaves a member's answer over the tile's core in `answers`.
  private func run(_ index: Int, _ tile: Tile) {
    let member = members[index]
    let (runs, place) = executions[networkOfMember[index]]
    for execution in runs {
      execution.parameters.buffer.copy(member.parameters)
      execution.statistics.buffer.copy(member.statistics)
    }
    if planes.isEmpty {
      let execution = runs[0]
      execution.input(0).setPixels(UnsafeBufferPointer(pixels.buffer))
      execution.forward(samples: 1)
      if latents.count > 0 { writeLatents(of: index, execution) }
      if task.answersImages {
        for channel in 0..<channels { answers.pointer[channel] = execution.output(0).row(0, channel: channel)[0] }
        return
      }
      copy(execution.output(0), tile)
      if imageClasses > 0, let tap = execution.plan.taps.firstIndex(where: { $0.name == NetworkGraph.classes }) {
        let scores = execution.tap(tap, 0)
        for i in 0..<imageClasses { answers.pointer[channels * tile.core.count + i] = scores.row(0, channel: i)[0] }
      }
    } else {
      let count = channels * tile.core.count
      answers.pointer.update(repeating: 0, count: count)
      for (plane, run) in zip(planes, place) { addSlices(of: tile, in: plane, runs[run]) }
      let part = 1 / Float(planes.count)
      for i in 0..<count { answers.pointer[i] *= part }
    }
    guard let scaling = member.targetScaling else { return }
    for channel in 0..<channels {
      for i in channel * tile.core.count..<(channel + 1) * tile.core.count {
        answers.pointer[i] = scaling.unscaled(answers.pointer[i], channel: channel % scaling.mean.count)
      }
    }
  }

  /// Copies what a network gives for a tile's input, over the core.
  private func copy(_ output: FeaturePlanes, _ tile: Tile) {
    let (input, core) = (tile.input, tile.core)
    var place = answers.pointer
    for channel in 0..<channels {
      for z in core.z {
        for y in core.y {
          let row = (z - input.z.lowerBound) * input.y.count + y - input.y.lowerBound
          place.update(
            from: output.row(row, channel: channel) + core.x.lowerBound - input.x.lowerBound, count: core.x.count)
          place += core.x.count
        }
      }
    }
  }

  /// Adds what a network of two dimensions gives for the slices of a plane through a tile's core.
  private func addSlices(of tile: Tile, in plane: Plane, _ execution: Execution) {
    func strides(_ extents: Extents) -> Extents { plane.view(Extents(z: extents.y * extents.x, y: extents.x, x: 1)) }
    let (input, core) = (plane.view(tile.input), plane.view(tile.core))
    let (from, to) = (strides(tile.input.extents), strides(tile.core.extents))
    for slice in core.z {
      let image = execution.input(0)
      for channel in 0..<image.channels {
        for row in 0..<input.y.count {
          let line = image.row(row, channel: channel)
          let source =
            pixels.pointer + channel * tile.input.count + (slice - input.z.lowerBound) * from.z + row * from.y
          for x in 0..<input.x.count { line[x] = source[x * from.x] }
        }
      }
      execution.forward(samples: 1)
      let output = execution.output(0)
      for channel in 0..<channels {
        for row in core.y {
          let line = output.row(row - input.y.lowerBound, channel: channel) + core.x.lowerBound - input.x.lowerBound
          let target =
            answers.pointer + channel * tile.core.count + (slice - core.z.lowerBound) * to.z
            + (row - core.y.lowerBound) * to.y
          for x in 0..<core.x.count { target[x * to.x] += line[x] }
        }
      }
    }
  }
}
