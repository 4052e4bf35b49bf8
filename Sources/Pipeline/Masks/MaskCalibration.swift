import Foundation
import HDF5
import Imaging
import JobFiles
import Settings
import Uncertainty

/// The thresholds of masks, found on calibration units. The group `masks` of a calibration.
struct MaskCalibration: Hashable, Sendable {
  /// A mask with its thresholds.
  struct Entry: Hashable, Sendable {
    var mask: ConformalMask
    /// Of each level.
    var thresholds: [ConformalThreshold]
    /// The units that counted.
    var units: Int64
    /// Of margins, the margin that each unit needs, from which those of other levels follow; empty of others.
    var scores: [Float] = []
  }

  var entries: [Entry]
  var levels: [Coverage]
  /// Several of the units, in words.
  var plural: String
  /// What margins by balls are measured in; empty: voxels.
  var lengthUnit: String

  /// What is to be said of levels that are infeasible: a line each.
  var remarks: [String] {
    entries.flatMap { entry in
      zip(levels, entry.thresholds).filter { $1 == .infeasible }.map { level, _ in
        let all =
          switch entry.mask.kind {
          case .outer, .outerMargin: "it holds all voxels"
          case .inner, .innerMargin: "it is empty"
          case .dice: "it is cut at 0.5, without a promise"
          }
        return "mask \(entry.mask.name) is infeasible at \(level) with \(entry.units) calibration \(plural): \(all)."
      }
    }
  }

  private static let name = "masks"

  /// Writes the group.
  func write(to calibration: Group) throws {
    let group = try calibration.createGroup(Self.name)
    try group.setAttribute(
      "settings", SettingValue.list(entries.map { $0.mask.settings.settingValue }).canonicalText)
    try group.setAttribute("plural", plural)
    try group.setAttribute("length_unit", lengthUnit)
    try group.write(entries.map(\.mask.name), to: "name")
    try group.write(entries.map(\.mask.className), to: "class")
    try group.write(entries.map(\.mask.label), to: "label")
    try group.write(entries.map(\.mask.thresholdMeaning), to: "meaning")
    try group.write(entries.map(\.units), to: "units")
    let (values, shape) = (entries.flatMap(\.thresholds), [entries.count, levels.count])
    let thresholds = values.map { if case .score(let score) = $0 { score } else { Float.infinity } }
    try group.write(thresholds, shape: shape, to: "threshold").setAttribute("long_name", "by mask and level")
    try group.write(values.map { $0 == .infeasible ? UInt8(1) : 0 }, shape: shape, to: "infeasible")
    for entry in entries where !entry.scores.isEmpty {
      try group.write(entry.scores, to: "unit_margin/\(entry.mask.name)")
        .setAttribute("long_name", "the margin that each calibration unit needs")
    }
  }

  init(entries: [Entry], levels: [Coverage], plural: String, lengthUnit: String) {
    (self.entries, self.levels, self.plural, self.lengthUnit) = (entries, levels, plural, lengthUnit)
  }

  /// The group `masks` of a calibration; nil when there is none.
  init?(in calibration: Group, levels: [Coverage]) throws {
    guard try calibration.exists(Self.name) else { return nil }
    let group = try calibration.group(Self.name)
    let text = try group.attribute("settings", as: String.self)
    let settings = try JSONDecoder().decode(SettingValue.self, from: Data(text.utf8)).list ?? []
    let (classes, labels) = (try group.readStrings("class"), try group.read("label", as: UInt8.self))
    let (thresholds, infeasible) = (
      try group.read("threshold", as: Float.self), try group.read("infeasible", as: UInt8.self)
    )
    let units = try group.read("units", as: Int64.self)
    guard [classes.count, labels.count, units.count].allSatisfy({ $0 == settings.count }),
      thresholds.count == settings.count * levels.count, infeasible.count == thresholds.count
    else { throw RunError.notResults(calibration.object.path, problem: "its masks do not fit each other") }
    entries = try settings.indices.map { index in
      let mask = ConformalMask(
        settings: try Job.MaskSection(settingValue: settings[index]), label: labels[index], className: classes[index])
      let place = "unit_margin/\(mask.name)"
      return Entry(
        mask: mask,
        thresholds: (index * levels.count..<(index + 1) * levels.count).map {
          infeasible[$0] != 0 ? .infeasible : .score(thresholds[$0])
        }, units: units[index],
        scores: try mask.kind.isMargin && group.exists(place) ? group.read(place, as: Float.self) : [])
    }
    self.levels = levels
    plural = try group.attribute("plural", as: String.self)
    lengthUnit = try group.attribute("length_unit", as: String.self)
  }
}

/// What thresholds of masks that are cut from probabilities are found from: of each class's mask, scores of the known voxels.
struct MaskScores {
  /// Of the voxels of the class, 1 − its probability.
  private var inside: [ClassScores] = []
  /// Of the others, its probability.
  private var outside: [ClassScores] = []
  private typealias ClassScores = (label: UInt8, scores: UnitScores)
  private let masks: [ConformalMask]

  /// Nothing is known yet.
  ///
  /// - Parameter folder: where scores go when there are many; nil: all stay in memory.
  init(_ masks: [ConformalMask], units: Int, spillingTo folder: String? = nil) {
    self.masks = masks
    let cut = masks.filter { !$0.kind.isMargin }
    func scores(except kind: Job.MaskSection.Kind) -> [ClassScores] {
      Set(cut.filter { $0.kind != kind }.map(\.label)).sorted().map {
        ($0, UnitScores(units: units, spillingTo: folder))
      }
    }
    (inside, outside) = (scores(except: .inner), scores(except: .outer))
  }

  /// Takes a known voxel.
  ///
  /// - Parameter probability: of each class.
  mutating func add(_ truth: UInt8, unit: Int, probability: (UInt8) -> Float) {
    for index in inside.indices where inside[index].label == truth {
      inside[index].scores.add(CollectionOfOne(1 - probability(truth)), unit: unit)
    }
    for index in outside.indices where outside[index].label != truth {
      outside[index].scores.add(CollectionOfOne(probability(outside[index].label)), unit: unit)
    }
  }

  /// The thresholds of the masks that are no margins. Collective.
  ///
  /// - Throws: `UncertaintyError.notANumber`, on all ranks; what `sum` throws.
  func entries(_ levels: [Coverage], sum: IntegerSum) throws -> [MaskCalibration.Entry] {
    func scores(_ all: [ClassScores], _ mask: ConformalMask) -> UnitScores? {
      all.first { $0.label == mask.label }?.scores
    }
    return try masks.compactMap { mask in
      let found: MaskThreshold
      switch mask.kind {
      case .outerMargin, .innerMargin: return nil
      case .outer, .inner:
        guard let scores = scores(mask.kind == .outer ? inside : outside, mask) else { return nil }
        found = try MaskThreshold(
          monotone: scores, levels: levels, bound: mask.bound, confidence: mask.settings.confidence, sum: sum)
      case .dice:
        guard let own = scores(inside, mask), let others = scores(outside, mask) else { return nil }
        found = try MaskThreshold(
          dice: own, outside: others.mapped { 1 - $0 }, levels: levels, bound: mask.bound,
          confidence: mask.settings.confidence, sum: sum)
      }
      return MaskCalibration.Entry(mask: mask, thresholds: found.thresholds, units: found.units)
    }
  }
}
