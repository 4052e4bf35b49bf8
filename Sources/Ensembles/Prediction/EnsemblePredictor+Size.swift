import Engine
import Host
import Imaging
import Networks

// How large tiles are, and what their prediction takes in memory.

extension EnsemblePredictor {
  /// The receptive field in each direction, in voxels, and the grid that tiles must begin on: the largest of all
  /// networks.
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

  /// What a network sees of a tile's input: the different extents, and for each plane which of them; without planes
  /// one.
  static func views(
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
  /// - Throws: `NetworkError` when they do not fit it, `EnsembleError.boundToSize` when its weights are those of other
  ///   extents.
  static func plan(_ network: NetworkGraph, _ settings: EnsembleSettings, _ extents: [Int]) throws -> Plan {
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
}
