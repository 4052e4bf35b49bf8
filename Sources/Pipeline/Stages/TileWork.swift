import Ensembles
import Host
import Imaging
import JobFiles
import Networks

/// The tiles of some regions as one list, which ranks divide among themselves. The list is a function of the job and
/// the data alone.
struct TileWork {
  /// Consecutive tiles of one region.
  struct Part {
    var region: Region
    /// The region's place in the list of regions.
    var index: Int
    var grid: TileGrid
    var tiles: Range<Int>
  }

  let regions: [Region]
  let grids: [TileGrid]
  /// Tiles of all regions.
  let count: Int

  /// Tiles as a job asks for.
  ///
  /// - Throws: `NetworkError`.
  init(_ regions: [Region], of job: Job, _ settings: EnsembleSettings, graphs: [NetworkGraph]) throws {
    try self.init(
      regions, tile: job.prediction.tile, margin: job.prediction.margin, patch: settings.patchSpan,
      planes: settings.planes, graphs: graphs, volume: job.data.volume)
  }

  /// Tiles as asked for, or as the images suggest: of a volume as large as a training patch with a margin of a quarter
  /// patch at most, of a stack whole images of up to 2048 pixels.
  init(
    _ regions: [Region], tile: [Int]?, margin: [Int]?, patch: Extents, planes: [Plane],
    graphs: [NetworkGraph], volume: Bool
  ) throws {
    self.regions = regions
    let limit = Extents(z: volume ? (patch.z + 3) / 4 : 0, y: (patch.y + 3) / 4, x: (patch.x + 3) / 4)
    var known: [Extents: TileGrid] = [:]
    grids = try regions.map { region in
      let whole = region.extents
      if let grid = known[whole] { return grid }
      let suggested = volume ? patch : Extents(z: 1, y: min(whole.y, 2048), x: min(whole.x, 2048))
      let grid = try EnsemblePredictor.grid(
        of: whole, tile: tile.flatMap { Extents($0) }.map { $0.clamped(to: whole) } ?? suggested,
        margin: margin.flatMap { Extents($0) }.map { $0.clamped(to: whole) }, atMost: limit, planes: planes,
        for: graphs)
      known[whole] = grid
      return grid
    }
    count = grids.reduce(0) { $0 + $1.count }
  }

  /// The tiles of a rank, region by region.
  func share(rank: Int, of ranks: Int) -> [Part] {
    let mine = Shares(of: count, among: ranks)[rank]
    var parts: [Part] = []
    var first = 0
    for (index, grid) in grids.enumerated() {
      let tiles = mine.clamped(to: first..<first + grid.count)
      if !tiles.isEmpty {
        parts.append(
          Part(
            region: regions[index], index: index, grid: grid,
            tiles: tiles.lowerBound - first..<tiles.upperBound - first))
      }
      first += grid.count
    }
    return parts
  }
}

extension Extents {
  /// Along each axis the smaller of two extents: larger tiles and margins than an image are as good as its own extents.
  fileprivate func clamped(to other: Extents) -> Extents {
    Extents(z: min(z, other.z), y: min(y, other.y), x: min(x, other.x))
  }
}
