import HDF5
import Uncertainty

/// How often masks keep what they promise on known units of the test part.
public struct MaskFigures: Sendable {
  let calibration: MaskCalibration
  /// Of each mask and level what is known and what of it is as it should be, by unit.
  private var units: [[UnitCoverage]]

  /// Nothing is counted yet.
  init(_ calibration: MaskCalibration, units count: Int) {
    self.calibration = calibration
    units = calibration.entries.map { _ in
      calibration.levels.map { _ in UnitCoverage(levels: 1, units: count) }
    }
  }

  /// Counts some voxels of one unit.
  ///
  /// - Parameters:
  ///   - truth: the classes that are known, the ignored label where they are not.
  ///   - mask: over the same voxels.
  mutating func add(_ entry: Int, level: Int, unit: Int, truth: some Sequence<UInt8>, mask: some Sequence<UInt8>) {
    let own = calibration.entries[entry].mask
    var (known, covered) = (0, 0)
    for (label, isIn) in zip(truth, mask) where label != 255 {
      switch own.kind {
      case .dice:
        // Dice is 2 · both ÷ (mask + class).
        known += (label == own.label ? 1 : 0) + (isIn != 0 ? 1 : 0)
        covered += label == own.label && isIn != 0 ? 2 : 0
      default:
        guard own.counts(label) else { continue }
        known += 1
        covered += (isIn != 0) == (label == own.label) ? 1 : 0
      }
    }
    units[entry][level].add(known: known, unit: unit)
    units[entry][level].add(covered: covered, unit: unit, level: 0)
  }

  /// Adds up what all ranks counted.
  mutating func reduce(_ sum: IntegerSum) throws {
    for entry in units.indices {
      for level in units[entry].indices { try units[entry][level].reduce(sum) }
    }
  }

  /// What is promised to be at most 1 − the level; NaN without known units.
  func risk(_ entry: Int, level: Int) -> Double {
    let (own, mask) = (units[entry][level], calibration.entries[entry].mask)
    guard mask.kind.isMargin else { return 1 - own.mean(level: 0) }
    let shares = (0..<own.units).map { own.coverage(level: 0, unit: $0) }.filter(\.isFinite)
    // The share of a unit's voxels is that of whole voxels.
    return Double(shares.count { $0 < mask.settings.share - 1e-9 }) / Double(shares.count)
  }

  /// Writes the group `masks` of an evaluation.
  func write(to evaluation: Group) throws {
    let group = try evaluation.createGroup("masks")
    let (entries, levels) = (calibration.entries, calibration.levels)
    try group.write(entries.map(\.mask.name), to: "name")
    try group.write(entries.map(\.mask.figureMeaning), to: "meaning")
    try group.write(
      entries.indices.flatMap { entry in levels.indices.map { risk(entry, level: $0) } },
      shape: [entries.count, levels.count], to: "risk"
    ).setAttribute("long_name", "by mask and level: what is promised to be at most 1 - level")
    try group.write(entries.indices.map { Int64(units[$0].first?.known ?? 0) }, to: "units")
  }

  /// The table.
  var lines: [String] {
    let levels = calibration.levels
    let wide = max(12, calibration.entries.map(\.mask.name.count).max() ?? 0) + 2
    let titles = levels.flatMap { ["at \($0)", "risk"] } + ["units"]
    let rows = calibration.entries.enumerated().map { index, entry in
      let values = levels.indices.flatMap { level -> [String] in
        let threshold =
          if case .score(let score) = entry.thresholds[level] { TextTable.number(Double(score)) } else { "none" }
        return [threshold, TextTable.number(risk(index, level: level))]
      }
      return TextTable.pad(entry.mask.name, wide)
        + TextTable.row("", titles, values + ["\(units[index].first?.known ?? 0)"]).dropFirst(10)
    }
    let unit = calibration.lengthUnit
    let isOfLength = calibration.entries.contains { $0.mask.kind.isMargin && $0.mask.settings.element == .ball }
    return [TextTable.pad("mask", wide) + TextTable.row("", titles, titles).dropFirst(10)] + rows
      + [
        "Masks are in /entry/masks. The risk, which is at most 1 − level as promised, is of the \(calibration.plural) of the test part."
      ]
      + (isOfLength ? ["Margins by balls are in \(unit.isEmpty ? "voxels" : unit)."] : [])
  }
}
