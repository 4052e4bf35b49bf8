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
    /// Of each pixel of the tuning part.
    var ofTuning: [Int] = []
  }

  /// Of the pixels that calibrate, at the temperature of the calibration.
  var sample: CalibrationSample
  /// Of those that tune, at the temperature 1; nil: there are none, or an earlier program did not keep them.
  var tuning: CalibrationSample?
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
  /// - Parameters:
  ///   - before: the masks as they were calibrated.
  ///   - unit: that they were calibrated by; nil: other pixels calibrate now.
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
    let own = try units(of: form.unit, in: path) ?? units.first { $0.kind == alike }
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

  /// The units of a kind; nil of pixels.
  ///
  /// - Throws: `RunError.cannotCalibrate` when they are not known.
  func units(of kind: Job.UncertaintySection.Unit, in path: String) throws -> Units? {
    guard kind != .pixel else { return nil }
    guard let own = units.first(where: { $0.kind == kind }) else {
      let there = [Job.UncertaintySection.Unit.pixel] + units.map(\.kind)
      throw RunError.cannotCalibrate(
        path, reason: "its calibration pixels are known by \(there.map(\.rawValue).joined(separator: ", ")) alone")
    }
    return own
  }

  /// The same pixels with another tuning part.
  ///
  /// - Parameters:
  ///   - part: what tunes; nil: all pixels calibrate.
  ///   - kind: the units that `part` is of.
  ///   - temperature: that of the calibration.
  /// - Returns: nil when the parts are those that they were.
  func divided(
    by part: TuningPart?, _ kind: Job.UncertaintySection.Unit, at temperature: Double
  ) -> StoredSample? {
    let second = tuning ?? CalibrationSample(values: [], truths: [], regions: [], places: [], offered: 0)
    let own = units.first { $0.kind == kind }
    func tunes(_ pixel: CalibrationSample.Origin) -> Bool {
      guard let part else { return false }
      let pixels = pixel.isOfSecond ? second : sample
      let unit = own.map { pixel.isOfSecond ? $0.ofTuning[pixel.index] : $0.ofPixel[pixel.index] }
      return part.holds(
        unit: unit ?? 0, region: Int(pixels.regions[pixel.index]), place: Int(pixels.places[pixel.index]))
    }
    let isAsBefore =
      sample.truths.indices.allSatisfy { !tunes(.init(isOfSecond: false, index: $0)) }
      && second.truths.indices.allSatisfy { tunes(.init(isOfSecond: true, index: $0)) }
    guard !isAsBefore else { return nil }
    let (calibrating, other) = CalibrationSample.divided(sample, second, tunes)
    let (all, kept) = (Double(sample.offered + second.offered), Double(calibrating.count + other.count))
    // Of a random sample it is not known how many pixels of each part there are: about as many as its share.
    func offered(_ pixels: [CalibrationSample.Origin]) -> Int64 {
      kept > 0 ? Int64((Double(pixels.count) * all / kept).rounded()) : 0
    }
    var result = self
    result.sample = CalibrationSample(
      calibrating, of: sample, second.scaled(by: temperature), offered: offered(calibrating))
    result.tuning =
      part == nil
      ? nil
      : CalibrationSample(other, of: sample.scaled(by: 1, from: temperature), second, offered: offered(other))
    for (place, own) in units.enumerated() {
      func numbers(_ pixels: [CalibrationSample.Origin]) -> [Int] {
        pixels.map { $0.isOfSecond ? own.ofTuning[$0.index] : own.ofPixel[$0.index] }
      }
      result.units[place].ofPixel = numbers(calibrating)
      result.units[place].ofTuning = part == nil ? [] : numbers(other)
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
    if let tuning {
      let part = try group.createGroup("tuning")
      try part.setAttribute(
        "long_name", "the same of the pixels that temperature, lambda and k are tuned on, at the temperature 1")
      try Self.write(tuning, to: part)
      for own in units {
        try part.write(
          own.ofTuning.map { Int32($0) }, to: own.kind.rawValue, layout: Self.layout([own.ofTuning.count]))
      }
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
    let part = try group.exists("tuning") ? try group.group("tuning") : nil
    tuning = try part.map(Self.read)
    units = []
    for kind in Job.UncertaintySection.Unit.allCases where try group.exists(kind.rawValue) {
      let dataset = try group.dataset(kind.rawValue)
      let own = Units(
        kind: kind, plural: try dataset.attribute("plural", as: String.self),
        count: Int(try dataset.attribute("count", as: Int64.self)), ofPixel: try dataset.read(as: Int.self),
        ofTuning: try part?.read(kind.rawValue, as: Int.self) ?? [])
      guard own.ofPixel.count == sample.count, own.ofTuning.count == tuning?.count ?? 0,
        (own.ofPixel + own.ofTuning).allSatisfy({ (0..<own.count).contains($0) })
      else {
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
    let labels = isOfClasses ? [sample, tuning].compactMap(\.self) : [classes].compactMap(\.self)
    guard labels.allSatisfy({ own in own.truths.allSatisfy { $0 >= 0 && Int($0) < own.width } }),
      isOfClasses || sample.width == CalibrationSample.valueWidth || sample.count == 0,
      tuning.map({ $0.width == sample.width || $0.count * sample.count == 0 }) ?? true
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
