import Host
import Imaging
import MessagePassing
import Uncertainty

/// Collects, tile by tile, what is predicted and what is true in whole images, and finds the margins that units need.
///
/// Distances reach across tiles, so an image's classes are brought together on one rank: two bytes a voxel there, and eight
/// more while distances are found.
final class MarginCollector {
  private let masks: [ConformalMask]
  private let regions: [Region]
  /// Of each region that this rank has a part of, classes counted from 1; 0 where nothing is known here.
  private var predicted: [Int: [UInt8]] = [:]
  private var truth: [Int: [UInt8]] = [:]

  /// Nothing is collected yet; nil when no mask is a margin.
  init?(_ masks: [ConformalMask], regions: [Region]) {
    self.masks = masks.filter(\.kind.isMargin)
    self.regions = regions
    if self.masks.isEmpty { return nil }
  }

  /// Adds a tile.
  ///
  /// - Parameters:
  ///   - mean: `[class, z, y, x]` over the box.
  ///   - labels: `[z, y, x]`.
  func add(_ mean: UnsafeBufferPointer<Float>, _ labels: [UInt8], region: Int, _ box: Box) {
    let extents = regions[region].extents
    var likeliest: [UInt8] = []
    mostLikely(mean, classes: mean.count / labels.count, into: &likeliest)
    var (own, known) = (predicted.removeValue(forKey: region), truth.removeValue(forKey: region))
    if own == nil { own = [UInt8](repeating: 0, count: extents.count) }
    if known == nil { known = [UInt8](repeating: 0, count: extents.count) }
    for voxel in labels.indices {
      let place = box.place(of: voxel, in: extents)
      own?[place] = likeliest[voxel] + 1
      known?[place] = labels[voxel] == Label.ignored ? 0 : labels[voxel] + 1
    }
    predicted[region] = own
    truth[region] = known
  }

  /// Brings the images together and finds the margins. Collective.
  ///
  /// - Returns: an entry for each mask that is a margin, on all ranks.
  /// - Throws: `MPIError`.
  func entries(
    _ levels: [Coverage], _ map: UnitMap, _ spacing: VoxelSpacing, over world: Communicator
  ) throws -> [MaskCalibration.Entry] {
    /// Mask, unit, bits of the distance, and how many voxels.
    var counts: [[Int64]: Int64] = [:]
    for (index, region) in regions.enumerated() {
      let owner = index % world.size
      var own = predicted.removeValue(forKey: index) ?? [UInt8](repeating: 0, count: region.extents.count)
      var known = truth.removeValue(forKey: index) ?? [UInt8](repeating: 0, count: region.extents.count)
      try own.withUnsafeMutableBufferPointer { try world.reduce($0, .sum, to: owner) }
      try known.withUnsafeMutableBufferPointer { try world.reduce($0, .sum, to: owner) }
      guard world.rank == owner else { continue }
      for (place, mask) in masks.enumerated() {
        let distances = spacing.distances(
          to: own.map { mask.isPredicted($0 &- 1) ? 1 : 0 }, region.extents, mask.settings.element)
        for voxel in known.indices where known[voxel] > 0 && mask.counts(known[voxel] - 1) {
          let unit = map.unit(region: index, voxel: voxel)
          counts[[Int64(place), Int64(unit), Int64(distances[voxel].bitPattern)], default: 0] += 1
        }
      }
    }
    let all = try world.allGather(counts.flatMap { $0.key + [$0.value] }).flatMap(\.self)
    var lists = [[Int: [(distance: Float, count: Int64)]]](repeating: [:], count: masks.count)
    for first in stride(from: 0, to: all.count, by: 4) {
      lists[Int(all[first])][Int(all[first + 1]), default: []].append(
        (Float(bitPattern: UInt32(all[first + 2])), all[first + 3]))
    }
    return try zip(masks, lists).map { mask, units in
      let scores = units.sorted { $0.key < $1.key }.map { Margin.covering(mask.settings.share, of: $0.value) }
      let found = try MaskThreshold(ofUnits: scores, levels: levels)
      return MaskCalibration.Entry(mask: mask, thresholds: found.thresholds, units: found.units, scores: scores)
    }
  }
}

extension ConformalMask {
  /// Whether a margin is measured from voxels of a predicted class: those of the class, or of inner margins all others.
  func isPredicted(_ predicted: UInt8) -> Bool { (predicted == label) != (kind == .innerMargin) }
}
