import Engine
import Host
import Imaging
import Networks
import Uncertainty

// What a network sees of a tile, and what the prediction of one takes in memory.

extension EnsemblePredictor {
  /// The bytes that a prediction of a grid's tiles takes, the members' weights included.
  ///
  /// - Parameters:
  ///   - graphs: the network of each member.
  ///   - bytesAtOnce: as of a predictor.
  ///   - average: what of classes is averaged; logits are summed in numbers of 64 bits.
  /// - Throws: `NetworkError` when tiles do not fit a network, `EnsembleError.boundToSize`.
  public static func bytes(
    _ graphs: [NetworkGraph], settings: EnsembleSettings, grid: TileGrid, threads: Int, bytesAtOnce: Int = 64 << 20,
    average: MemberCombination.Average = .probabilities
  ) throws -> Int {
    let (networks, place) = networks(graphs, settings: settings)
    let together = min(grid.count, tilesAtOnce(of: place, grid, settings, bytes: bytesAtOnce))
    let answers = (together > 1 ? together * graphs.count : 1) + 3
    // Pixels of the tiles at work, and of those that are read meanwhile.
    var bytes =
      4 * (answers * answerCount(settings, grid) + 2 * together * settings.inputChannels * grid.input.count)
    if settings.task.hasClasses, average == .logits { bytes += 8 * answerCount(settings, grid) }
    for (index, network) in networks.enumerated() {
      for (copies, view) in views(of: grid, network, settings.planes).views.enumerated() {
        let plan = try plan(network, settings, view, grid)
        bytes += Execution.bytes(plan, capacity: 1, shards: 1, threads: threads)
        // Every execution holds one copy of the weights, each member another.
        let members = copies == 0 ? place.count { $0 == index } : 0
        bytes += 4 * (plan.layout.parameterCount + plan.layout.statisticCount) * (1 + members)
      }
    }
    return bytes
  }

  /// Numbers of an answer for the largest core.
  static func answerCount(_ settings: EnsembleSettings, _ grid: TileGrid) -> Int {
    settings.answer.channels * (settings.task.answersImages ? 1 : grid.core.count) + settings.answer.imageClasses
  }

  /// Tiles that are worked at a time, so that members that share executions need not change places for each.
  ///
  /// - Parameters:
  ///   - networks: for each member which network it has.
  ///   - most: bytes that they may take.
  static func tilesAtOnce(of networks: [Int], _ grid: TileGrid, _ settings: EnsembleSettings, bytes most: Int) -> Int {
    guard Set(networks).count < networks.count else { return 1 }
    let bytes =
      4 * (networks.count * answerCount(settings, grid) + settings.inputChannels * grid.input.count)
    return max(1, min(16, most / bytes))
  }

  /// What a network sees of a tile in one pass, and of which image it is a part.
  struct View: Hashable {
    var extents: [Int]
    var whole: [Int]
  }

  /// The different views of a grid's tiles, and for each plane which of them; without planes one.
  static func views(
    of grid: TileGrid, _ network: NetworkGraph, _ planes: [Plane]
  ) -> (views: [View], place: [Int]) {
    var views: [View] = []
    let place = (planes.isEmpty ? [.xy] : planes).map { plane in
      let own = View(
        extents: plane.view(grid.window).list(dimensions: network.dimensions),
        whole: plane.view(grid.region).list(dimensions: network.dimensions))
      if let known = views.firstIndex(of: own) { return known }
      views.append(own)
      return views.count - 1
    }
    return (views, place)
  }

  /// The plan of a network for a view of a grid's tiles.
  ///
  /// - Throws: `NetworkError` when it does not fit the network, `EnsembleError.boundToSize` when its weights are those
  ///   of other extents.
  static func plan(
    _ network: NetworkGraph, _ settings: EnsembleSettings, _ view: View, _ grid: TileGrid
  ) throws -> Plan {
    let isSeamless =
      try !grid.isUncut && grid.windows == nil && !network.usesImageStatistics && network.receptiveField() != nil
    // What wraps around is as large as its cells.
    let isPlaced = isSeamless && view.extents != view.whole && !network.wrappedAxes.contains(true)
    let plan = try Plan(
      network, extents: view.extents, purpose: isSeamless ? .seamless : .inference,
      whole: isPlaced ? view.whole : nil)
    guard try plan.layout == network.layout(extents: settings.patch) else {
      throw EnsembleError.boundToSize(patch: settings.patch, input: view.extents)
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
}
