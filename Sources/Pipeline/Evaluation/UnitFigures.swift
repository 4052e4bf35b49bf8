import HDF5
import Host
import Imaging
import JobFiles
import Uncertainty

/// The coverage of each block, image or group of the test part.
///
/// Pixels of one image are alike: coverage over all pixels together hides that some images are covered less than others.
struct UnitFigures: Sendable {
  let kind: Job.UncertaintySection.Unit
  private let map: UnitMap
  var coverage: UnitCoverage

  /// Nothing is counted yet.
  init(kind: Job.UncertaintySection.Unit, map: UnitMap, levels: Int) {
    (self.kind, self.map) = (kind, map)
    coverage = UnitCoverage(levels: levels, units: map.count)
  }

  /// Counts the known pixels of a box of a region.
  ///
  /// - Parameters:
  ///   - channels: values of every pixel.
  ///   - isKnown: of a value, `[channel, z, y, x]` over the box.
  mutating func add(_ region: Int, _ box: Box, channels: Int = 1, known isKnown: (Int) -> Bool) {
    forEachUnit(region, box, channels, isKnown) { coverage, unit, count in coverage.add(known: count, unit: unit) }
  }

  /// Counts the covered pixels of a box of a region.
  mutating func add(_ region: Int, _ box: Box, channels: Int = 1, level: Int, covered isCovered: (Int) -> Bool) {
    forEachUnit(region, box, channels, isCovered) { coverage, unit, count in
      coverage.add(covered: count, unit: unit, level: level)
    }
  }

  private mutating func forEachUnit(
    _ region: Int, _ box: Box, _ channels: Int, _ counts: (Int) -> Bool,
    _ add: (inout UnitCoverage, _ unit: Int, _ count: Int) -> Void
  ) {
    var coverage = coverage
    map.forEachRun(region: region, box) { unit, voxels in
      var count = 0
      for channel in 0..<channels {
        for voxel in voxels where counts(channel * box.count + voxel) { count += 1 }
      }
      add(&coverage, unit, count)
    }
    self.coverage = coverage
  }

  /// Writes a group of the kind's name: `coverage`, `[level, unit]`, and of each level their mean, lowest, lowest tenth
  /// and mean distance to the level.
  func write(to group: Group, levels: [Coverage]) throws {
    let own = try group.createGroup(kind == .patch ? "block" : kind.rawValue)
    let count = levels.indices
    try own.write(
      count.flatMap { level in (0..<coverage.units).map { coverage.coverage(level: level, unit: $0) } },
      shape: [levels.count, coverage.units], to: "coverage"
    ).setAttribute("long_name", "share of the known pixels of each unit whose set or interval holds the truth")
    try own.write(count.map { coverage.mean(level: $0) }, to: "mean")
    try own.write(count.map { coverage.lowest(level: $0) }, to: "lowest")
    try own.write(count.map { coverage.lowestTenth(level: $0) }, to: "lowest_tenth")
      .setAttribute("long_name", "coverage that nine of ten units reach")
    try own.write(count.map { coverage.gap(level: $0, to: levels[$0]) }, to: "gap")
      .setAttribute("long_name", "mean distance of the units' coverages to the level (CovGap)")
  }

  /// The titles of its columns in a table.
  var titles: [String] {
    kind == .patch ? ["by block", "lowest tenth"] : ["by \(kind.rawValue)", "lowest"]
  }

  /// The values of its columns.
  func columns(level: Int) -> [String] {
    [
      coverage.mean(level: level), kind == .patch ? coverage.lowestTenth(level: level) : coverage.lowest(level: level),
    ].map(TextTable.number)
  }
}
