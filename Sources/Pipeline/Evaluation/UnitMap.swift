import Host
import Imaging
import JobFiles

/// The units that coverage is counted by, of one part of the data: which one each voxel is of.
struct UnitMap: Sendable {
  /// The number of units.
  let count: Int
  /// Several of them, in words.
  let plural: String
  private enum Kind {
    /// `[region]`
    case whole([Int])
    /// Blocks of these extents: of each region the number of its first block.
    case blocks(Extents, first: [Int], regions: [Extents])
  }
  private let kind: Kind

  /// Every region is one unit: an image, or of a volume a run of slices.
  init(regionsOf regions: [Region], volume: Bool) {
    (kind, count) = (.whole(Array(regions.indices)), regions.count)
    plural = volume ? "runs of slices" : "images"
  }

  /// All regions of one group are one unit.
  init(_ groups: ImageGroups, of regions: [Region], layout: ImageLayout) {
    let numbers = groups.numbers(of: regions, layout: layout)
    let places = Dictionary(uniqueKeysWithValues: Set(numbers).sorted().enumerated().map { ($1, $0) })
    (kind, count) = (.whole(numbers.map { places[$0] ?? 0 }), places.count)
    plural = Job.UncertaintySection.Unit.group.plural
  }

  /// Blocks of a fixed grid in each region; the last along an axis may be smaller.
  init(blocks block: Extents, of regions: [Region]) {
    var first: [Int] = []
    var count = 0
    for region in regions {
      first.append(count)
      count += Self.blocks(region.extents, block).count
    }
    (kind, self.count) = (.blocks(block, first: first, regions: regions.map(\.extents)), count)
    plural = Job.UncertaintySection.Unit.patch.plural
  }

  /// Calls `body` with every run of voxels of a box of a region that are of one unit, in the order z, y, x.
  ///
  /// - Parameters:
  ///   - region: its place in the list of regions.
  ///   - box: counted from the region's corner.
  func forEachRun(region: Int, _ box: Box, _ body: (_ unit: Int, _ voxels: Range<Int>) throws -> Void) rethrows {
    switch kind {
    case .whole(let units): try body(units[region], 0..<box.count)
    case .blocks(let block, let first, let regions):
      let grid = Self.blocks(regions[region], block)
      var voxel = 0
      for z in box.z {
        for y in box.y {
          let row = first[region] + (z / block.z * grid.y + y / block.y) * grid.x
          var x = box.x.lowerBound
          while x < box.x.upperBound {
            let end = min((x / block.x + 1) * block.x, box.x.upperBound)
            try body(row + x / block.x, voxel..<voxel + end - x)
            voxel += end - x
            x = end
          }
        }
      }
    }
  }

  /// The unit of one voxel.
  ///
  /// - Parameter voxel: its place in the region's extents.
  func unit(region: Int, voxel: Int) -> Int {
    switch kind {
    case .whole(let units): return units[region]
    case .blocks(let block, let first, let regions):
      let (extents, grid) = (regions[region], Self.blocks(regions[region], block))
      let (z, y, x) = (voxel / (extents.x * extents.y), voxel / extents.x % extents.y, voxel % extents.x)
      return first[region] + (z / block.z * grid.y + y / block.y) * grid.x + x / block.x
    }
  }

  private static func blocks(_ extents: Extents, _ block: Extents) -> Extents {
    Extents(
      z: (extents.z + block.z - 1) / block.z, y: (extents.y + block.y - 1) / block.y,
      x: (extents.x + block.x - 1) / block.x)
  }
}

extension Box {
  /// One voxel, for an answer that is of a whole image.
  static let point = Box(Extents(y: 1, x: 1))
}

extension OpenedJob {
  /// The extents of the blocks that coverage is counted by.
  private func block(_ job: Job) -> Extents { job.uncertainty.block.flatMap { Extents($0) } ?? settings.patchSpan }

  /// The units of a part by what a job takes for independent; of pixels what makes them alike: groups where they are
  /// known, else images, or blocks of a volume.
  func units(_ unit: Job.UncertaintySection.Unit, of part: Part, _ job: Job) -> UnitMap {
    let regions = truth.split[part]
    switch (unit, truth.groups) {
    case (.pixel, nil) where job.layout.isOneImage, (.patch, _): return UnitMap(blocks: block(job), of: regions)
    case (.group, let groups?), (.pixel, let groups?): return UnitMap(groups, of: regions, layout: truth.layout)
    case (.image, _), (.group, nil), (.pixel, nil): return UnitMap(regionsOf: regions, volume: job.layout.isOneImage)
    }
  }
}
