import Host
import Imaging
import Networks

/// How the images of a prediction are cut into tiles, and how tiles are put together again: a function of the job and
/// the images' extents alone.
///
/// A tile is read with a margin as wide as the networks' receptive field, so that its answer has the bits of the whole
/// image's. Where that is impossible, or takes more than `mostRecomputation` times the work, overlapping windows are
/// blended instead (`BlendedWindows`).
///
/// Images of a stack are predicted whole where nobody asks for tiles: then faster kernels serve, which round otherwise.
public struct Tiling: Sendable {
  /// Pixels that may be computed for each one that is kept.
  public static let mostRecomputation = 8.0
  /// The work that is not worth larger tiles.
  private static let goodRecomputation = 2.0
  /// Bytes of feature maps that the choice of a tile keeps to, if it can.
  private static let roomyBytes = 512 << 20
  /// The most pixels of a core that is blended from windows, beyond twice a patch along each axis.
  private static let largestBlendedCore = 1 << 21
  /// The tiles that are left where such cores grow.
  private static let fewestBlendedTiles = 32
  /// The extent to which images of a stack are predicted whole.
  private static let largestImage = 2048

  /// What networks demand of tiles.
  public struct Demands: Hashable, Sendable {
    /// The receptive field in each direction, in voxels.
    public var margin = Extents(z: 0, y: 0, x: 0)
    /// The grid that tiles must begin on.
    public var multiple = Extents(z: 1, y: 1, x: 1)
    /// Whether networks read the opposite border of the image, along z, y and x.
    public var wraps = [false, false, false]
    /// Whether answers depend on statistics of the whole image.
    public var usesImageStatistics = false
  }

  /// Nil when a network sees the whole image, which then cannot be cut.
  public let demands: Demands?
  private let tile: Extents?
  private let margin: Extents?
  private let patch: Extents
  private let isVolume: Bool
  /// Bytes of feature maps to a voxel of a tile.
  private let bytesOfVoxel: Double

  /// The tiling of an ensemble's predictions.
  ///
  /// - Parameters:
  ///   - graphs: the network of each member.
  ///   - isVolume: whether images are volumes.
  ///   - tile: the extents of a core; nil: as the images suggest.
  ///   - margin: pixels read beyond each side of a core; nil: the receptive field.
  /// - Throws: `NetworkError`.
  public init(
    _ graphs: [NetworkGraph], settings: EnsembleSettings, isVolume: Bool, tile: Extents? = nil, margin: Extents? = nil
  ) throws {
    let distinct = Array(Set(graphs))
    demands = settings.task.answersImages ? nil : try Self.demands(distinct, planes: settings.planes)
    (self.tile, self.margin, self.isVolume) = (tile, margin, isVolume)
    patch = settings.patchSpan
    let bytes = try distinct.map { Double(try $0.costs(extents: settings.patch).inferenceBytes) }.max() ?? 0
    bytesOfVoxel = bytes / Double(settings.patch.reduce(1, *))
  }

  /// What networks demand of tiles: the most of all of them.
  ///
  /// - Parameter planes: those in which networks of two dimensions see a volume.
  /// - Returns: nil when a network sees the whole image, which then cannot be cut into tiles.
  /// - Throws: `NetworkError`.
  public static func demands(
    _ graphs: some Sequence<NetworkGraph>, planes: [Plane] = []
  ) throws -> Demands? {
    var demands = Demands()
    for graph in graphs {
      guard let field = try graph.receptiveField() else { return nil }
      if graph.usesImageStatistics { demands.usesImageStatistics = true }
      let wraps = graph.wrappedAxes
      for plane in planes.isEmpty ? [.xy] : planes {
        let (margin, own) = (demands.margin, plane.volume(Extents(field.radius, missing: 0)))
        demands.margin = Extents(z: max(margin.z, own.z), y: max(margin.y, own.y), x: max(margin.x, own.x))
        let (multiple, grid) = (demands.multiple, plane.volume(Extents(field.alignment, missing: 1)))
        demands.multiple = Extents(
          z: leastCommonMultiple(multiple.z, grid.z), y: leastCommonMultiple(multiple.y, grid.y),
          x: leastCommonMultiple(multiple.x, grid.x))
        let seen = Array(repeating: false, count: 3 - wraps.count) + wraps
        let turned = plane.volume(slice: seen[0], row: seen[1], column: seen[2])
        demands.wraps = zip(demands.wraps, [turned.z, turned.y, turned.x]).map { $0 || $1 }
      }
    }
    return demands
  }

  /// The tiles of a region.
  public func grid(of region: Extents) -> TileGrid { grids(of: [region])[0] }

  /// The tiles of regions that are predicted together, with cores of one size: as the largest of them suggests.
  public func grids(of regions: [Extents]) -> [TileGrid] {
    let wholes = regions.map { TileGrid(uncut: $0) }
    guard let demands, let first = regions.first else { return wholes }
    let largest = regions.reduce(first) { Extents(z: max($0.z, $1.z), y: max($0.y, $1.y), x: max($0.x, $1.x)) }
    if let margin {
      let tile = tile ?? suggestion(1, largest)
      return regions.map {
        TileGrid(region: $0, tile: least(tile, $0), margin: least(margin, $0), multiple: demands.multiple)
      }
    }
    if tile == nil, !isVolume, largest.y <= Self.largestImage, largest.x <= Self.largestImage { return wholes }
    let suggested =
      tile.map { demands.seamless(largest, tile: least($0, largest)) } ?? suggestedGrid(of: largest, demands)
    if let suggested, suggested.count == 1 || suggested.recomputation <= Self.mostRecomputation {
      let seamless = regions.compactMap { demands.seamless($0, tile: least(suggested.core, $0)) }
      if seamless.count == regions.count { return seamless }
    }
    if let tile { return blended(regions, core: tile, demands) }
    // Large cores need less of their neighbours' windows; ranks want enough of them.
    var best = blended(regions, core: times(2), demands)
    for factor in 3... {
      let next = blended(regions, core: times(factor), demands)
      let (most, count) = (next.map(\.core.count).max() ?? 0, next.reduce(0) { $0 + $1.count })
      guard next != best, most <= Self.largestBlendedCore, count >= Self.fewestBlendedTiles else { break }
      best = next
    }
    return best
  }

  /// Tiles that are blended from windows of a patch, with cores of whole steps between these.
  private func blended(_ regions: [Extents], core: Extents, _ demands: Demands) -> [TileGrid] {
    func whole(_ core: Int, _ step: Int, _ extent: Int) -> Int { min(extent, (core + step - 1) / step * step) }
    return regions.map { region in
      let windows = BlendedWindows(region: region, window: patch, multiple: demands.multiple)
      return TileGrid(
        blending: windows,
        tile: Extents(
          z: whole(core.z, windows.step.z, region.z), y: whole(core.y, windows.step.y, region.y),
          x: whole(core.x, windows.step.x, region.x)))
    }
  }

  private func times(_ factor: Int) -> Extents {
    Extents(z: factor * patch.z, y: factor * patch.y, x: factor * patch.x)
  }

  /// The smallest tiles of whole patches that recompute little; where those would need too much memory, the ones that
  /// recompute least within it. Nil when there are no seamless tiles.
  private func suggestedGrid(of region: Extents, _ demands: Demands) -> TileGrid? {
    var best: TileGrid?
    for times in 1... {
      let core = suggestion(times, region)
      guard let grid = demands.seamless(region, tile: core) else { return nil }
      let isRoomy = Double(grid.input.count) * bytesOfVoxel <= Double(Self.roomyBytes)
      if isRoomy || best == nil {
        if grid.recomputation < best?.recomputation ?? .infinity { best = grid }
      }
      if !isRoomy || core == region || grid.count == 1 || grid.recomputation <= Self.goodRecomputation { break }
    }
    return best
  }

  /// A core of so many patches along each axis; of a stack, as large as images are predicted whole.
  private func suggestion(_ times: Int, _ region: Extents) -> Extents {
    guard isVolume else {
      return Extents(
        z: 1, y: min(region.y, times * Self.largestImage), x: min(region.x, times * Self.largestImage))
    }
    return least(self.times(times), region)
  }

  private func least(_ a: Extents, _ b: Extents) -> Extents {
    Extents(z: min(a.z, b.z), y: min(a.y, b.y), x: min(a.x, b.x))
  }
}

extension Tiling.Demands {
  /// Tiles of a region that have the bits of the whole region's answer; nil when there are none.
  public func seamless(_ region: Extents, tile: Extents) -> TileGrid? {
    guard !usesImageStatistics else { return nil }
    if wraps.contains(true) {
      // Pooled images wrap around at another place when their last pixels are not pooled.
      guard region.z % multiple.z == 0, region.y % multiple.y == 0, region.x % multiple.x == 0 else { return nil }
    }
    return TileGrid(
      region: region, tile: tile, margin: margin, multiple: multiple, wraps: (wraps[0], wraps[1], wraps[2]))
  }

  /// Whether tiles have the bits of the whole region's answer.
  func isSeamless(_ grid: TileGrid) -> Bool {
    guard grid.windows == nil, !usesImageStatistics else { return false }
    if grid.count == 1 { return true }
    return seamless(grid.region, tile: grid.core) == grid
  }
}

// MARK: In words

extension Tiling {
  /// What the answers for a region depend on, besides the members: stored with a calibration and with results. Seamless
  /// tiles of any size give the same answers.
  public func identity(of grid: TileGrid) -> String {
    if let windows = grid.windows { return "blended windows of \(windows.extents) in steps of \(windows.step)" }
    guard let demands else { return "whole images" }
    if demands.isSeamless(grid) { return "seamless" }
    return grid.count == 1 ? "whole images" : "tiles of \(grid.core), read as \(grid.input)"
  }

  /// How a region is cut, for people.
  public func description(of grid: TileGrid) -> String {
    if let windows = grid.windows {
      return "windows of \(windows.extents) in steps of \(windows.step), blended with Gaussian weights: \(reason(grid))"
    }
    if grid.count == 1 {
      return grid.isUncut && demands != nil ? "images whole, by faster kernels than tiles have" : "images whole"
    }
    let tiles = "\(grid.count) tiles of \(grid.core), read as \(grid.input)"
    guard let demands, demands.isSeamless(grid) else { return "\(tiles): the margin is as the job says, with seams" }
    return "\(tiles): the bits of the whole image's prediction"
  }

  /// Why a region has no seamless tiles.
  private func reason(_ grid: TileGrid) -> String {
    guard let demands, !demands.usesImageStatistics else { return "the networks normalize by statistics of the image" }
    guard let seamless = demands.seamless(grid.region, tile: tile ?? suggestion(1, grid.region)) else {
      return "the networks wrap around, and pool \(grid.region) in cells of \(demands.multiple)"
    }
    let times = Int(seamless.recomputation.rounded())
    return "margins of the receptive field, \(demands.margin), would take \(times) times the work"
  }
}
