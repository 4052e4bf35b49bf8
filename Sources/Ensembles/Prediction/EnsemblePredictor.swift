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
    /// The mean of the members' answers by `combination`, `[channel, z, y, x]` over the core: probabilities of the classes,
    /// or values as target images have them.
    public let mean: UnsafeBufferPointer<Float>
    /// Their sample standard deviation (divided by members − 1; weighted, where members are), alike; 0 for a single member.
    public let deviation: UnsafeBufferPointer<Float>
    /// The mean of the probabilities of the image's classes, `[class]`; empty when none are told.
    public let classMean: UnsafeBufferPointer<Float>
    /// Their sample standard deviation.
    public let classDeviation: UnsafeBufferPointer<Float>
    /// What each member reduces the tile's input to, `[member, channel, z, y, x]`; empty unless it was asked for.
    public let latents: UnsafeBufferPointer<Float>
  }

  /// Writes the part of an image that a box shows, `[channel, z, y, x]`, scaled as the members want it. It is called on
  /// another thread while tiles before are at work.
  public typealias Reader = @Sendable (_ box: Box, _ pixels: UnsafeMutableBufferPointer<Float>) throws -> Void

  /// Tiles of one region.
  public struct Tiles: Sendable {
    /// The region's tiles.
    public var grid: TileGrid
    /// Which of them.
    public var tiles: Range<Int>
    /// Reads a part of the region; its box is counted from the region's corner.
    public var read: Reader

    /// Some of a grid's tiles.
    public init(grid: TileGrid, tiles: Range<Int>, reading read: @escaping Reader) {
      (self.grid, self.tiles, self.read) = (grid, tiles, read)
    }
  }

  /// Called with the answer of a member for a tile of one of the parts, and the classes that it tells beside.
  public typealias EachMember = (
    _ part: Int, _ member: Int, _ tile: Tile, _ answer: UnsafeBufferPointer<Float>,
    _ classes: UnsafeBufferPointer<Float>
  ) throws -> Void

  /// The same where there is one part.
  public typealias EachMemberOfOne = (
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
  /// How the members' answers become one; weights are of `members`.
  public var combination = MemberCombination() {
    didSet { if combination != oldValue { combiner = nil } }
  }
  /// Whether a member's answer is the mean of its answers for all flips of an image along rows and columns, and of a volume
  /// that it sees at once along slices too. Latent values are those of the image as it is.
  public var averagesFlips = false
  /// Bytes that tiles which are worked at a time may take.
  public var bytesAtOnce = 64 << 20
  /// The threads that compute.
  public let team: ThreadTeam
  /// The different networks, with probabilities behind them when they tell classes, and for each member which it is.
  let networks: [NetworkGraph]
  let networkOfMember: [Int]

  /// The executions of one network: one for each different view of a tile, and for each plane which of them.
  struct Runner {
    var runs: [Execution]
    var place: [Int]
    /// The member whose weights they hold.
    var member: Int?
  }

  /// What executions were made for.
  private struct Form: Hashable {
    var window: Extents
    var region: Extents
    var blends: Bool
    var isUncut: Bool
  }
  private var form: Form?
  var runners: [Runner] = []
  private let reader = TileReader()
  /// Answers, and behind each the classes that it tells beside: of every member for every tile that is worked at a
  /// time; of one tile, those of the members one after the other.
  private var answers = AlignedBuffer<Float>(count: 0)
  private var combiner: MemberCombiner?
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
        member.targetScaling == first.targetScaling, member.settings.validity == first.settings.validity,
        member.settings.channels == first.settings.channels
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

  /// Predicts tiles of some regions.
  ///
  /// Members of equal graphs share executions. Then several tiles are worked at a time, a member's tiles one after the
  /// other, so that its weights are brought into the kernels' layouts once for all of them. Those that come next are read
  /// meanwhile.
  ///
  /// - Parameters:
  ///   - parts: the tiles, in the order in which they are predicted.
  ///   - eachMember: called for every tile and member with the member's answer, as `Answer.mean`, and the classes that
  ///     it tells beside it, as `Answer.classMean`. The members of a tile come one after the other.
  ///   - eachTile: called for every tile, in order, after its members, with the number of its part.
  /// - Throws: `NetworkError` when a tile does not fit a network, and what the closures and readers throw.
  public func predict(
    _ parts: [Tiles], eachMember: EachMember? = nil, eachTile: (_ part: Int, Answer) throws -> Void
  ) throws {
    func together(_ grid: TileGrid) -> Int {
      keepsLatents ? 1 : Self.tilesAtOnce(of: networkOfMember, grid, settings, bytes: bytesAtOnce)
    }
    try reader.forEachBatch(
      of: parts, channels: settings.inputChannels, together: together,
      each: { batch, pixels in
        let grid = parts[batch.part].grid
        try prepare(for: grid)
        let most = min(parts[batch.part].tiles.count, together(grid))
        let combiner = reserve(tiles: most, of: grid)
        try predict(
          batch.tiles.map { grid[$0] }, of: grid, pixels, keepsAnswers: most > 1, combiner,
          eachMember.map { each in { try each(batch.part, $0, $1, $2, $3) } }, { try eachTile(batch.part, $0) })
      })
  }

  /// Predicts tiles of one region.
  ///
  /// - Throws: as for several.
  public func predict(
    grid: TileGrid, tiles: Range<Int>, reading read: @escaping Reader, eachMember: EachMemberOfOne? = nil,
    eachTile: (Answer) throws -> Void
  ) throws {
    try predict(
      [Tiles(grid: grid, tiles: tiles, reading: read)],
      eachMember: eachMember.map { each in { try each($1, $2, $3, $4) } },
      eachTile: { try eachTile($1) })
  }

  private func predict(
    _ tiles: [Tile], of grid: TileGrid, _ pixels: UnsafePointer<Float>, keepsAnswers: Bool, _ combiner: MemberCombiner,
    _ eachMember: EachMemberOfOne?,
    _ eachTile: (Answer) throws -> Void
  ) throws {
    let inputs = settings.inputChannels * grid.input.count
    func answer(_ slot: Int, _ member: Int) -> UnsafeMutablePointer<Float> {
      answers.pointer + (keepsAnswers ? (slot * members.count + member) * combiner.count : 0)
    }
    if keepsAnswers {
      for member in members.indices {
        for (slot, tile) in tiles.enumerated() {
          run(member, tile, of: grid, pixels + slot * inputs, to: answer(slot, member))
        }
      }
    }
    for (slot, tile) in tiles.enumerated() {
      combiner.reset()
      for member in members.indices {
        let values = answer(slot, member)
        if !keepsAnswers { run(member, tile, of: grid, pixels + slot * inputs, to: values) }
        combiner.add(values, of: member, voxels: voxels(tile), beside: imageClasses, team: team)
        try eachMember?(member, tile, own(values, tile), classes(values, tile))
      }
      combiner.finish(voxels: voxels(tile), beside: imageClasses, deviation: deviations.pointer, team: team)
      try eachTile(
        Answer(
          tile: tile, voxels: voxels(tile), mean: own(combiner.mean.pointer, tile),
          deviation: own(deviations.pointer, tile), classMean: classes(combiner.mean.pointer, tile),
          classDeviation: classes(deviations.pointer, tile), latents: UnsafeBufferPointer(latents.buffer)))
    }
  }

  private var settings: EnsembleSettings { members[0].settings }

  private func voxels(_ tile: Tile) -> Int { task.answersImages ? 1 : tile.core.count }

  private func own(_ values: UnsafePointer<Float>, _ tile: Tile) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: values, count: channels * voxels(tile))
  }

  private func classes(_ values: UnsafePointer<Float>, _ tile: Tile) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: values + channels * voxels(tile), count: imageClasses)
  }

  /// Makes executions for the tiles of a grid; those for other ones are dropped.
  private func prepare(for grid: TileGrid) throws {
    let form = Form(window: grid.window, region: grid.region, blends: grid.windows != nil, isUncut: grid.isUncut)
    guard self.form != form else { return }
    runners = []
    self.form = nil
    runners = try networks.map { network in
      let views = Self.views(of: grid, network, planes)
      let runs = try views.views.map { view in
        Execution(try Self.plan(network, settings, view, grid), samplesPerShard: 1, shards: 1, team: team)
      }
      return Runner(runs: runs, place: views.place, member: nil)
    }
    let latent = keepsLatents ? try latentShape(of: grid.window)?.elements ?? 0 : 0
    latents = AlignedBuffer(count: members.count * latent)
    self.form = form
  }

  /// Makes room for so many tiles of a grid.
  ///
  /// - Returns: what combines the members' answers.
  private func reserve(tiles: Int, of grid: TileGrid) -> MemberCombiner {
    // Cores differ in size: behind a smaller one stands what an earlier one left.
    let count = Self.answerCount(settings, grid)
    let combiner: MemberCombiner
    if let known = self.combiner, known.count == count {
      combiner = known
    } else {
      combiner = MemberCombiner(
        combination, members: members.count, channels: channels, hasClasses: task.hasClasses, count: count)
      self.combiner = combiner
      deviations = AlignedBuffer(count: count)
    }
    func reserve(_ count: Int, _ buffer: inout AlignedBuffer<Float>) {
      if buffer.count != count { buffer = AlignedBuffer(count: count) }
    }
    reserve((tiles > 1 ? tiles * members.count : 1) * count, &answers)
    return combiner
  }
}
