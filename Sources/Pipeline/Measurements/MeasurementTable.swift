import HDF5
import ImageFiles
import Imaging
import JobFiles
import Uncertainty

/// What is measured of images, of groups of them and of all together: members' numbers, their mean and spread, the truth
/// where it is known, and intervals. The group `/entry/measurements` of a results file.
public struct MeasurementTable: Sendable {
  /// Units of one kind.
  struct Section: Sendable {
    /// `image`, `group` or `total`
    var name: String
    /// The image's or group's number.
    var numbers: [Int]
    /// `[quantity, unit, member]`
    var members: [[[Double]]]
    /// `[quantity, unit]`
    var mean: [[Double]]
    var spread: [[Double]]
    /// NaN where it is not known.
    var truth: [[Double]]
    /// The least difference that counts, `[quantity, unit]`; empty in files of earlier programs.
    var resolution: [[Double]] = []
    /// `[level][quantity][unit]`; empty when intervals are of other units.
    var lower: [[[Double]]] = []
    var upper: [[[Double]]] = []
  }

  var names: [String]
  var units: [String]
  var levels: [Coverage]
  var sections: [Section]
  /// Of each quantity the largest number that it can be; empty in files of earlier programs.
  var most: [Double]
  /// What is to be said beside.
  var remarks: [String]
  /// The distance of voxels along (z,) y, x, nil where it is not known; empty in files of earlier programs.
  var voxelSize: [Length?] = []

  /// The numbers of measured images.
  ///
  /// - Parameters:
  ///   - numbers: of the images.
  ///   - groups: of each image its group; nil when that is not known.
  init(_ images: MeasuredImages, numbers: [Int], groups: [Int]?, _ calibration: MeasurementCalibration?) {
    names = images.quantities.map(\.name)
    units = images.quantities.map(\.unit)
    let levels = calibration?.intervals.first?.levels ?? []
    self.levels = levels
    remarks = calibration?.remarks(names) ?? []
    let most = images.quantities.map(\.range.upperBound)
    self.most = most
    var kinds = [("image", numbers, numbers.indices.map { [$0] })]
    if let groups {
      let all = Set(groups).sorted()
      kinds.append(("group", all, all.map { group in groups.indices.filter { groups[$0] == group } }))
    }
    kinds.append(("total", [0], [Array(numbers.indices)]))
    sections = kinds.map { name, numbers, units in
      let found = images.quantities.indices.map { quantity in units.map { images.unit(quantity, of: $0) } }
      var section = Section(
        name: name, numbers: numbers, members: found.map { $0.map(\.members) },
        mean: found.map { $0.map(\.prediction.mean) },
        // A single member has no spread.
        spread: found.map { $0.map { $0.members.count > 1 ? $0.prediction.spread : .nan } },
        truth: found.map { $0.map(\.truth) }, resolution: found.map { $0.map(\.prediction.resolution) })
      if let calibration { section.addIntervals(calibration, most: most) }
      return section
    }
  }

  /// Takes the intervals of another calibration of the same quantities.
  ///
  /// - Returns: false when the table does not tell what intervals are found from, as that of an earlier program.
  mutating func take(_ calibration: MeasurementCalibration) -> Bool {
    guard !most.isEmpty, most.count == calibration.intervals.count, sections.allSatisfy({ !$0.resolution.isEmpty })
    else { return false }
    levels = calibration.intervals.first?.levels ?? []
    remarks = calibration.remarks(names)
    for index in sections.indices { sections[index].addIntervals(calibration, most: most) }
    return true
  }

  // MARK: Files

  /// Writes the group `measurements` of an entry.
  func write(to entry: Group) throws {
    let group = try entry.createGroup("measurements")
    try group.setAttribute("NX_class", "NXcollection")
    if !voxelSize.isEmpty {
      try ResultsFile.writeVoxelSize(voxelSize, Array(["z", "y", "x"].suffix(voxelSize.count)), to: group)
    }
    try group.write(names, to: "name")
    try group.write(units, to: "unit")
    if !levels.isEmpty { try group.write(levels.map(\.value), to: "level") }
    if !remarks.isEmpty { try group.write(remarks, to: "remarks") }
    if !most.isEmpty { try group.write(most, to: "most") }
    for section in sections {
      let own = try group.createGroup(section.name)
      try own.setAttribute("NX_class", "NXcollection")
      let count = section.numbers.count
      try own.write(section.numbers.map { Int64($0) }, to: "number")
      try own.write(
        section.members.flatMap { $0.flatMap { $0 } },
        shape: [names.count, count, section.members.first?.first?.count ?? 0], to: "members"
      ).setAttribute("axes", "quantity, \(section.name), member")
      func write(_ values: [[Double]], _ name: String, _ meaning: String) throws {
        try own.write(values.flatMap { $0 }, shape: [names.count, count], to: name).setAttribute("long_name", meaning)
      }
      try write(section.mean, "mean", "mean of the members' numbers")
      try write(section.spread, "mean_errors", "standard deviation of the members' numbers")
      try write(section.truth, "truth", "the labels' number; NaN where a voxel is not labelled")
      if !section.resolution.isEmpty {
        try write(section.resolution, "resolution", "the least difference that counts")
      }
      guard !section.lower.isEmpty else { continue }
      let shape = [levels.count, names.count, count]
      try own.write(section.lower.flatMap { $0.flatMap { $0 } }, shape: shape, to: "lower")
        .setAttribute("long_name", "lower bound of the interval, by level and quantity")
      try own.write(section.upper.flatMap { $0.flatMap { $0 } }, shape: shape, to: "upper")
        .setAttribute("long_name", "upper bound of the interval, by level and quantity")
    }
  }

  /// The table in the group `measurements` of an entry; nil when there is none.
  init?(in entry: Group) throws {
    guard try entry.exists("measurements") else { return nil }
    let group = try entry.group("measurements")
    names = try group.readStrings("name")
    units = try group.readStrings("unit")
    levels = try group.exists("level") ? group.read("level", as: Double.self).map { try Coverage($0) } : []
    remarks = try group.exists("remarks") ? group.readStrings("remarks") : []
    most = try group.exists("most") ? group.read("most", as: Double.self) : []
    if try group.exists("voxel_size") {
      let unit = try group.dataset("voxel_size").attribute("units", as: String.self)
      voxelSize = try group.read("voxel_size", as: Double.self).map { Length($0, Length.unit(unit)) }
    }
    let count = names.count
    sections = []
    for name in ["image", "group", "total"] where try group.exists(name) {
      let own = try group.group(name)
      let numbers = try own.read("number", as: Int.self)
      func cut(_ values: ArraySlice<Double>, _ parts: Int) -> [[Double]] {
        let size = values.count / max(1, parts)
        return (0..<parts).map { Array(values.dropFirst($0 * size).prefix(size)) }
      }
      func table(_ name: String) throws -> [[Double]] { cut(try own.read(name, as: Double.self)[...], count) }
      var section = Section(
        name: name, numbers: numbers, members: try table("members").map { cut($0[...], numbers.count) },
        mean: try table("mean"), spread: try table("mean_errors"), truth: try table("truth"))
      if try own.exists("resolution") { section.resolution = try table("resolution") }
      if try own.exists("lower") {
        section.lower = cut(try own.read("lower", as: Double.self)[...], levels.count).map { cut($0[...], count) }
        section.upper = cut(try own.read("upper", as: Double.self)[...], levels.count).map { cut($0[...], count) }
      }
      sections.append(section)
    }
  }

  // MARK: Text

  /// The most units that are printed one by one.
  private static let mostLines = 12

  /// The table as text, for all images together, and for each unit when they are few.
  public var lines: [String] {
    let wide = max(20, names.map(\.count).max() ?? 0) + 2
    let hasTruth = sections.contains { $0.truth.contains { $0.contains { !$0.isNaN } } }
    let titles =
      ["mean", "spread"] + (hasTruth ? ["truth"] : [])
      + levels.flatMap { level in ["\(level) from", "to"] + (hasTruth ? ["covered"] : []) }
    let calibrated = sections.first { $0.name != "total" && !$0.lower.isEmpty }
    func row(_ section: Section, _ quantity: Int, _ unit: Int) -> String {
      let values =
        [section.mean[quantity][unit], section.spread[quantity][unit]]
        + (hasTruth ? [section.truth[quantity][unit]] : [])
      var columns = values.map(Self.shown)
      for level in levels.indices {
        guard !section.lower.isEmpty else {
          columns += Array(repeating: "–", count: hasTruth ? 3 : 2)
          continue
        }
        columns.append(Self.shown(section.lower[level][quantity][unit]))
        columns.append(Self.shown(section.upper[level][quantity][unit]))
        if hasTruth {
          columns.append(
            section.name == "total" ? calibrated.map { covered($0, quantity, level) } ?? "–" : "")
        }
      }
      let unitName = units[quantity].isEmpty ? "" : " " + units[quantity]
      return TextTable.pad(names[quantity], wide) + TextTable.row("", titles, columns).dropFirst(10) + unitName
    }
    var lines: [String] = []
    for section in sections.reversed() where section.name == "total" || section.numbers.count <= Self.mostLines {
      if section.name == "image", sections.contains(where: { $0.name == "group" }) { continue }
      for unit in section.numbers.indices {
        if section.name != "total", section.numbers.count == 1 { continue }
        let title = section.name == "total" ? "measured, all images" : "\(section.name) \(section.numbers[unit])"
        if !lines.isEmpty { lines.append("") }
        lines.append(TextTable.pad(title, wide) + TextTable.row("", titles, titles).dropFirst(10))
        lines += names.indices.map { row(section, $0, unit) }
      }
    }
    return TextTable.trimmed(lines + remarks)
  }

  /// With about six digits.
  private static func shown(_ value: Double) -> String {
    guard value.isFinite, abs(value) >= 100, abs(value) < 1e9 else { return TextTable.number(value) }
    return abs(value) < 10_000 ? "\((value * 100).rounded() / 100)" : "\(Int(value.rounded()))"
  }

  /// How many units' truths lie in their intervals: ‘9 of 10’.
  private func covered(_ section: Section, _ quantity: Int, _ level: Int) -> String {
    let known = section.numbers.indices.filter { !section.truth[quantity][$0].isNaN }
    let count = known.count { unit in
      (section.lower[level][quantity][unit]...section.upper[level][quantity][unit])
        .contains(section.truth[quantity][unit])
    }
    return "\(count) of \(known.count)"
  }
}

extension MeasurementTable.Section {
  /// Finds the intervals of units of the kind that was calibrated, and of all together; of others there are none.
  ///
  /// - Parameter most: of each quantity the largest number that it can be.
  fileprivate mutating func addIntervals(_ calibration: MeasurementCalibration, most: [Double]) {
    (lower, upper) = ([], [])
    guard name == "total" || name == calibration.unit.rawValue else { return }
    for level in (calibration.intervals.first?.levels ?? []).indices {
      let bounds = mean.indices.map { quantity in
        numbers.indices.map { unit in
          calibration.intervals[quantity].interval(
            MeasurementIntervals.Prediction(
              mean: mean[quantity][unit], spread: spread[quantity][unit], resolution: resolution[quantity][unit]),
            level: level, in: 0...most[quantity])
        }
      }
      lower.append(bounds.map { $0.map(\.lower) })
      upper.append(bounds.map { $0.map(\.upper) })
    }
  }
}
