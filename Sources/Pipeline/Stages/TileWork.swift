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
    /// Of the region's tiles.
    var tiles: Range<Int>
    /// How many tiles of all regions come before the region's.
    var first: Int

    /// The same for a predictor.
    func reading(_ images: ImageSource, scaledBy scaling: IntensityScaling) -> EnsemblePredictor.Tiles {
      EnsemblePredictor.Tiles(
        grid: grid, tiles: tiles, reading: EnsemblePredictor.reader(of: images, region: region, scaling: scaling))
    }
  }

  let regions: [Region]
  let grids: [TileGrid]
  /// Tiles of all regions.
  let count: Int
  private let tiling: Tiling
  /// Whether answers are means over flips.
  private let averagesFlips: Bool

  /// Tiles as a job asks for.
  ///
  /// - Throws: `NetworkError`.
  init(_ regions: [Region], of job: Job, _ settings: EnsembleSettings, graphs: [NetworkGraph]) throws {
    let tiling = try Tiling(
      graphs, settings: settings, isVolume: job.data.volume, tile: job.prediction.tile.flatMap { Extents($0) },
      margin: job.prediction.margin.flatMap { Extents($0) })
    self.init(regions, tiling, averagesFlips: job.prediction.augment == .flips)
  }

  init(_ regions: [Region], _ tiling: Tiling, averagesFlips: Bool = false) {
    self.regions = regions
    self.tiling = tiling
    self.averagesFlips = averagesFlips
    let distinct = Array(Set(regions.map(\.extents)))
    let known = Dictionary(uniqueKeysWithValues: zip(distinct, tiling.grids(of: distinct)))
    grids = regions.compactMap { known[$0.extents] }
    count = grids.reduce(0) { $0 + $1.count }
  }

  /// What the answers depend on besides the members, as files store it.
  var identity: String { texts(tiling.identity) }

  /// How images are cut, for people.
  var description: String { texts(tiling.description) }

  /// Whether no image is cut.
  var isWhole: Bool { grids.allSatisfy { $0.count == 1 && $0.windows == nil } }

  private func texts(_ text: (TileGrid) -> String) -> String {
    var texts: [String] = []
    for grid in grids {
      let own = text(grid)
      if !texts.contains(own) { texts.append(own) }
    }
    return texts.joined(separator: "; ") + (averagesFlips ? "; the mean over flips" : "")
  }

  /// The tiles of a rank, region by region.
  ///
  /// - Parameter done: tiles, counted over all regions, that nobody need do.
  func share(rank: Int, of ranks: Int, without done: Set<Int> = []) -> [Part] {
    let left = done.isEmpty ? Array(0..<count) : (0..<count).filter { !done.contains($0) }
    var parts: [Part] = []
    var (region, first) = (0, 0)
    for tile in left[Shares(of: left.count, among: ranks)[rank]] {
      while tile >= first + grids[region].count {
        first += grids[region].count
        region += 1
      }
      let place = tile - first
      if let last = parts.last, last.index == region, last.tiles.upperBound == place {
        parts[parts.count - 1].tiles = last.tiles.lowerBound..<place + 1
      } else {
        parts.append(
          Part(
            region: regions[region], index: region, grid: grids[region], tiles: place..<place + 1, first: first))
      }
    }
    return parts
  }
}

/// How far this rank is with its tiles, which stands for all ranks.
struct TileProgress {
  private let run: Run
  private let stage: RunStage
  /// The tiles of this rank.
  var count: Int
  private var done = 0

  /// Tells that the stage begins.
  init(_ run: Run, _ stage: RunStage, _ work: TileWork) {
    (self.run, self.stage) = (run, stage)
    count = work.share(rank: run.world.rank, of: run.world.size).reduce(0) { $0 + $1.tiles.count }
    run.tell(stage, 0)
  }

  /// Another tile is at work.
  mutating func next() {
    run.tell(stage, Double(done) / Double(max(1, count)))
    done += 1
  }
}
