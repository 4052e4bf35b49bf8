import Foundation
import HDF5
import ImageFiles
import Imaging
import JobFiles
import Settings
import Uncertainty

/// The thresholds of the intervals of what is measured, and what is measured.
struct MeasurementCalibration: Hashable, Sendable {
  let measurements: [ImageMeasurement]
  /// What is independent: images, or groups of them.
  let unit: Job.UncertaintySection.Unit
  /// Of each quantity.
  let intervals: [MeasurementIntervals]
  /// What is predicted and what is true of each unit, by quantity; empty in files of earlier programs.
  let known: [[Known]]

  /// A unit that is known.
  struct Known: Hashable, Sendable {
    var prediction: MeasurementIntervals.Prediction
    /// NaN when it is not known.
    var truth: Double
  }

  /// The thresholds for the images of the calibration part.
  ///
  /// - Parameter units: the images of each unit.
  init(
    _ measurements: [ImageMeasurement], _ images: MeasuredImages, units: [[Int]], unit: Job.UncertaintySection.Unit,
    levels: [Coverage]
  ) throws {
    try self.init(
      measurements, unit,
      known: images.quantities.indices.map { quantity in
        units.map { images.unit(quantity, of: $0) }.map { Known(prediction: $0.prediction, truth: $0.truth) }
      }, levels)
  }

  private init(
    _ measurements: [ImageMeasurement], _ unit: Job.UncertaintySection.Unit, known: [[Known]], _ levels: [Coverage]
  ) throws {
    self.measurements = measurements
    self.unit = unit
    self.known = known
    intervals = try Self.intervals(known, levels)
  }

  private static func intervals(_ known: [[Known]], _ levels: [Coverage]) throws -> [MeasurementIntervals] {
    try known.map { units in
      try MeasurementIntervals(levels: levels, calibrating: units.map { ($0.prediction, $0.truth) })
    }
  }

  /// The thresholds of other levels; nil when the units are not known any more.
  func found(for levels: [Coverage]) throws -> MeasurementCalibration? {
    known.isEmpty ? nil : try MeasurementCalibration(measurements, unit, known: known, levels)
  }

  /// Writes the group `measurements` of a calibration.
  func write(to group: Group) throws {
    let group = try group.createGroup("measurements")
    let values = intervals.flatMap(\.thresholds)
    let shape = [intervals.count, intervals.first?.levels.count ?? 0]
    try group.setAttribute("settings", SettingValue.list(measurements.map(\.settingValue)).canonicalText)
    try group.setAttribute("unit", unit.rawValue)
    try group.write(intervals.map(\.units), to: "units")
      .setAttribute("long_name", "calibration units whose truth is known, of each quantity")
    let thresholds = values.map { if case .score(let score) = $0 { score } else { Float.infinity } }
    try group.write(thresholds, shape: shape, to: "threshold")
      .setAttribute(
        "long_name", "half width of the interval in spread + |mean| / 20 + resolution, by quantity and level")
    try group.write(intervals.map(\.factor), to: "factor")
      .setAttribute("long_name", "what intervals are about, in means of the members' numbers, of each quantity")
    try group.write(values.map { $0 == .infeasible ? UInt8(1) : 0 }, shape: shape, to: "infeasible")
    try group.write(values.map { $0 == .infeasible ? "infeasible" : "feasible" }, to: "feasibility")
    guard let count = known.first?.count else { return }
    func write(_ name: String, _ meaning: String, _ value: (Known) -> Double) throws {
      try group.write(known.flatMap { $0.map(value) }, shape: [known.count, count], to: name)
        .setAttribute("long_name", "\(meaning), by quantity and calibration unit")
    }
    try write("unit_mean", "mean of the members' numbers") { $0.prediction.mean }
    try write("unit_spread", "standard deviation of the members' numbers") { $0.prediction.spread }
    try write("unit_resolution", "the least difference that counts") { $0.prediction.resolution }
    try write("unit_truth", "the labels' number; NaN where a voxel is not labelled") { $0.truth }
  }

  /// The calibration in the group `measurements` of a calibration; nil when there is none.
  init?(in group: Group, levels: [Coverage]) throws {
    guard try group.exists("measurements") else { return nil }
    let group = try group.group("measurements")
    let text = try group.attribute("settings", as: String.self)
    let settings = try JSONDecoder().decode(SettingValue.self, from: Data(text.utf8))
    measurements = try (settings.list ?? []).map { try ImageMeasurement(settingValue: $0) }
    unit = Job.UncertaintySection.Unit(rawValue: try group.attribute("unit", as: String.self)) ?? .image
    let (units, thresholds) = (try group.read("units", as: Int64.self), try group.read("threshold", as: Float.self))
    let infeasible = try group.read("infeasible", as: UInt8.self)
    let earlier = units.enumerated().map { index, count in
      MeasurementIntervals(
        levels: levels,
        thresholds: levels.indices.map {
          let place = index * levels.count + $0
          return infeasible[place] != 0 ? .infeasible : .score(thresholds[place])
        }, units: count)
    }
    guard try group.exists("unit_mean") else {
      (known, intervals) = ([], earlier)
      return
    }
    func read(_ name: String) throws -> [Double] { try group.read(name, as: Double.self) }
    let (means, spreads) = (try read("unit_mean"), try read("unit_spread"))
    let (resolutions, truths) = (try read("unit_resolution"), try read("unit_truth"))
    let count = means.count / max(1, units.count)
    let known = units.indices.map { quantity in
      (quantity * count..<(quantity + 1) * count).map {
        Known(
          prediction: MeasurementIntervals.Prediction(
            mean: means[$0], spread: spreads[$0], resolution: resolutions[$0]), truth: truths[$0])
      }
    }
    self.known = known
    intervals = try group.exists("factor") ? Self.intervals(known, levels) : earlier
  }

  /// What is to be said of intervals that are not about the mean, and of levels that are infeasible: a line each.
  func remarks(_ names: [String]) -> [String] {
    guard let levels = intervals.first?.levels else { return [] }
    let factors = intervals.indices.compactMap { quantity -> String? in
      let factor = intervals[quantity].factor
      guard abs(factor - 1) >= 0.01, intervals[quantity].thresholds.contains(where: { $0 != .infeasible }) else {
        return nil
      }
      return
        "Intervals of \(names[quantity]) are about \((factor * 100).rounded() / 100) times the mean, as the labels of "
        + "calibration \(unit.plural) are."
    }
    return factors
      + levels.enumerated().compactMap { level, coverage in
        let missing = intervals.indices.filter { intervals[$0].thresholds[level] == .infeasible }
        guard let first = missing.first else { return nil }
        let what = missing.count == intervals.count ? "measurements" : missing.map { names[$0] }.joined(separator: ", ")
        return
          "coverage \(coverage) of \(what) is infeasible with \(intervals[first].units) calibration \(unit.plural), "
          + "\(coverage.fewestUnits) would do: intervals hold all numbers."
      }
  }
}

extension MeasuredQuantity {
  /// All that a job measures, in the units of its voxels; nil when it measures nothing.
  static func all(of job: Job, _ data: LearningData) -> [MeasuredQuantity]? {
    job.measurements.map {
      all($0, classes: job.data.classes, volume: job.data.volume, sizes: job.voxelSize ?? data.images.voxelSize)
    }
  }

  /// Of some measurements, in the unit that all distances of voxels have; in voxels where they have none.
  ///
  /// - Parameter sizes: along z, y and x.
  static func all(
    _ measurements: [ImageMeasurement], classes: [String], volume: Bool, sizes: [Length?]
  ) -> [MeasuredQuantity] {
    let known = sizes.suffix(volume ? 3 : 2).compactMap(\.self)
    guard known.count == (volume ? 3 : 2), let unit = known.first?.unit, !unit.isEmpty,
      known.allSatisfy({ $0.unit == unit && $0.value > 0 })
    else { return all(measurements, classes: classes, volume: volume) }
    let values = (volume ? [] : [1]) + known.map(\.value)
    return all(
      measurements, classes: classes, volume: volume, voxel: (values[0], values[1], values[2]), lengthUnit: unit)
  }
}
