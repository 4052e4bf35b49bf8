import HDF5
import Imaging
import JobFiles
import MessagePassing
import Uncertainty

/// A calibration sample as files keep it: with the units that its pixels are of, and the members that predicted it. The group
/// `sample` of a calibration.
struct StoredSample: Hashable {
  /// Units of one kind.
  struct Units: Hashable {
    var kind: Job.UncertaintySection.Unit
    /// Several of them, in words.
    var plural: String
    var count: Int
    /// Of each pixel.
    var ofPixel: [Int]
  }

  var sample: CalibrationSample
  var units: [Units]
  /// The kind within which pixels are alike; nil when that is not asked.
  var alike: Job.UncertaintySection.Unit?
  /// Of each member its `answerHash`.
  var members: [UInt64]
  /// What the targets of each channel were divided by for training; empty of classes.
  var targetUnits: [Float] = []
  /// What errors of values are measured in.
  var valueUnit = ValueUnit.standardDeviations
  /// Of the classes of images that are told beside; nil when none are.
  var classes: CalibrationSample?

  /// The thresholds of masks that the sample gives.
  ///
  /// - Parameter before: the masks as they were calibrated.
  /// - Returns: the masks, and the names of those for which the sample does not do: 1 − Dice of a part of the pixels is not
  ///   that of all, and margins are known for the units that they were found by.
  func masks(
    _ form: CalibrationForm, _ before: MaskCalibration, unit: Job.UncertaintySection.Unit?
  ) throws -> (MaskCalibration, missing: [String]) {
    let kind = form.unit == .pixel ? alike : form.unit
    guard let own = units.first(where: { $0.kind == kind }) else {
      return (before, before.levels == form.levels ? [] : before.entries.map(\.mask.name))
    }
    let hasSameUnits = (unit == .pixel ? alike : unit) == kind
    let usable = before.entries.filter { entry in
      entry.mask.kind.isMargin ? hasSameUnits : entry.mask.kind != .dice || sample.isWhole
    }
    var scores = MaskScores(usable.map(\.mask), units: own.count)
    for index in sample.truths.indices {
      scores.add(UInt8(sample.truths[index]), unit: own.ofPixel[index]) {
        sample.values[index * sample.width + Int($0)]
      }
    }
    var entries = try scores.entries(form.levels, sum: { _ in })
    for entry in usable where entry.mask.kind.isMargin {
      let found = try MaskThreshold(ofUnits: entry.scores, levels: form.levels)
      entries.append(.init(mask: entry.mask, thresholds: found.thresholds, units: found.units, scores: entry.scores))
    }
    return (
      MaskCalibration(entries: entries, levels: form.levels, plural: own.plural, lengthUnit: before.lengthUnit),
      before.entries.filter { !usable.contains($0) }.map(\.mask.name)
    )
  }

  /// The thresholds that the sample gives.
  ///
  /// - Throws: `RunError.cannotCalibrate` when it lacks what is asked for; `UncertaintyError`.
  func calibration(_ form: CalibrationForm, in path: String) throws -> Calibration {
    let kind = form.unit == .pixel ? alike : form.unit
    let own = units.first { $0.kind == kind }
    guard form.unit == .pixel || own != nil else {
      let there = [Job.UncertaintySection.Unit.pixel] + units.map(\.kind)
      throw RunError.cannotCalibrate(
        path, reason: "its calibration pixels are known by \(there.map(\.rawValue).joined(separator: ", ")) alone")
    }
    let places = own?.ofPixel ?? Array(repeating: 0, count: sample.count)
    let scores =
      form.method.isOfClasses
      ? sample.classScores(form.method, units: places, of: own?.count ?? 1, byClass: form.byClass)
      : [sample.valueScores(form.method, units: places, of: own?.count ?? 1)]
    var result = try Calibration(
      form, scores, alikeWithin: own?.plural, valueUnit: valueUnit, sum: { _ in })
    if let classes {
      let scores = classes.classScores(
        .standard(ofClasses: true), units: Array(repeating: 0, count: classes.count), of: 1, byClass: false)
      let found = try UnitThresholds(scores[0], byUnit: false, levels: form.levels, sum: { _ in })
      result.classes = SplitConformal(levels: form.levels, thresholds: found.thresholds, scores: found.scores)
      result.classes?.allowsEmpty = form.allowsEmpty
    }
    return result
  }

}

// MARK: Files

extension StoredSample {
  private static let name = "sample"

  /// Writes it below a calibration.
  func write(to calibration: Group) throws {
    let group = try calibration.createGroup(Self.name)
    try group.setAttribute("members", members)
    try group.setAttribute(
      "long_name", "what the members said of calibration pixels, of all or of a random sample, and what is true of them"
    )
    if let alike { try group.setAttribute("alike_within", alike.rawValue) }
    if !targetUnits.isEmpty {
      try group.setAttribute("target_unit", targetUnits)
      try group.setAttribute("value_unit", [valueUnit.plural, valueUnit.percent])
    }
    try Self.write(sample, to: group)
    for own in units {
      let dataset = try group.write(
        own.ofPixel.map { Int32($0) }, to: own.kind.rawValue, layout: Self.layout([own.ofPixel.count]))
      try dataset.setAttribute("count", Int64(own.count))
      try dataset.setAttribute("plural", own.plural)
    }
    if let classes { try Self.write(classes, to: try group.createGroup("classification")) }
  }

  private static func layout(_ shape: [Int]) -> Layout {
    shape.contains(0) ? .contiguous : .chunked([min(shape[0], 65536)] + shape.dropFirst(), checksum: true)
  }

  private static func write(_ sample: CalibrationSample, to group: Group) throws {
    try group.setAttribute("of", sample.offered)
    let shape = [sample.count, sample.width]
    try group.write(sample.values, shape: shape, to: "values", layout: layout(shape))
    try group.write(sample.truths, to: "truth", layout: layout([sample.count]))
    try group.write(sample.regions, to: "region", layout: layout([sample.count]))
    try group.write(sample.places, to: "place", layout: layout([sample.count]))
  }

  /// What stands below a calibration; nil when nothing does.
  init?(in calibration: Group) throws {
    guard try calibration.exists(Self.name) else { return nil }
    let group = try calibration.group(Self.name)
    members = try group.attributes("members", as: UInt64.self)
    sample = try Self.read(group)
    units = []
    for kind in Job.UncertaintySection.Unit.allCases where try group.exists(kind.rawValue) {
      let dataset = try group.dataset(kind.rawValue)
      let own = Units(
        kind: kind, plural: try dataset.attribute("plural", as: String.self),
        count: Int(try dataset.attribute("count", as: Int64.self)), ofPixel: try dataset.read(as: Int.self))
      guard own.ofPixel.count == sample.count, own.ofPixel.allSatisfy({ (0..<own.count).contains($0) }) else {
        throw RunError.notResults(
          calibration.object.path, problem: "its calibration sample names units that are not there")
      }
      units.append(own)
    }
    if try group.hasAttribute("alike_within") {
      alike = Job.UncertaintySection.Unit(rawValue: try group.attribute("alike_within", as: String.self))
    }
    if try group.hasAttribute("target_unit") {
      targetUnits = try group.attributes("target_unit", as: Float.self)
      let words = try group.attributes("value_unit", as: String.self)
      if words.count == 2 { valueUnit = ValueUnit(plural: words[0], percent: words[1]) }
    }
    if try group.exists("classification") { classes = try Self.read(try group.group("classification")) }
    let isOfClasses = targetUnits.isEmpty
    let labels = isOfClasses ? [sample] : [classes].compactMap(\.self)
    guard labels.allSatisfy({ own in own.truths.allSatisfy { $0 >= 0 && Int($0) < own.width } }),
      isOfClasses || sample.width == CalibrationSample.valueWidth || sample.count == 0
    else {
      throw RunError.notResults(calibration.object.path, problem: "its calibration sample does not fit its classes")
    }
  }

  private static func read(_ group: Group) throws -> CalibrationSample {
    let (values, truths) = (try group.read("values", as: Float.self), try group.read("truth", as: Float.self))
    let (regions, places) = (try group.read("region", as: Int32.self), try group.read("place", as: Int64.self))
    guard regions.count == truths.count, places.count == truths.count,
      values.count == truths.count * (truths.isEmpty ? 0 : values.count / truths.count)
    else { throw RunError.notResults(group.object.path, problem: "its calibration sample is not whole") }
    return CalibrationSample(
      values: values, truths: truths, regions: regions, places: places,
      offered: try group.attribute("of", as: Int64.self))
  }
}

extension CalibrationSample {
  /// All ranks' samples as one. Collective.
  ///
  /// - Returns: on rank 0; nil on the others.
  /// - Throws: `MPIError`.
  mutating func joined(over world: Communicator) throws -> CalibrationSample? {
    try trim(sum: world.integerSum)
    let values = try world.gather(values, to: 0)
    let truths = try world.gather(truths, to: 0)
    let regions = try world.gather(regions, to: 0)
    let places = try world.gather(places, to: 0)
    guard let values, let truths, let regions, let places else { return nil }
    // Of a rank without pixels the width is not known.
    let parts = values.indices.filter { !truths[$0].isEmpty }.map {
      CalibrationSample(
        values: values[$0], truths: truths[$0], regions: regions[$0], places: places[$0], offered: offered)
    }
    return parts.isEmpty ? self : CalibrationSample(joining: parts)
  }
}
