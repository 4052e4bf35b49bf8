import Foundation
import HDF5
import Training
import Uncertainty

/// The figures of an ensemble, its members and its prediction sets or intervals on the test set.
public struct Evaluation: Sendable {
  /// The figures by the kind of answer.
  public var figures: Figures
  /// The wanted coverages.
  public var levels: [Coverage]
  /// What is to be said of the calibration: a line each.
  public var remarks: [String] = []
  /// What is measured in images; nil: nothing is.
  public var measurements: MeasurementTable?
  /// Of masks with promises of their own; nil: there are none.
  public var masks: MaskFigures?
  /// What the sets of a level always hold because there were too few calibration pixels; nil where there were enough.
  public var infeasible: [String?]
  /// Of the classes of images that are told beside; nil when none are.
  public var classes: ClassFigures?
  /// Of latent values; nil when the results hold none.
  var latent: LatentFigures?
  /// As `infeasible`, of these classes.
  public var classesInfeasible: [String?] = []

  /// What depends on the kind of answer.
  public enum Figures: Sendable {
    case classes(ClassFigures)
    case values(ValueFigures)
  }

  /// Stores the figures in `/entry/evaluation`, in place of older ones.
  func write(to path: String) throws {
    let file = try File(opening: path, mode: .readWrite)
    let entry = try file.group("entry")
    if try entry.exists("evaluation") { try entry.remove("evaluation") }
    let group = try entry.createGroup("evaluation")
    try group.setAttribute("NX_class", "NXprocess")
    switch figures {
    case .classes(let figures): try figures.write(to: group, levels: levels)
    case .values(let figures): try figures.write(to: group, levels: levels)
    }
    if let classes { try classes.write(to: try group.createGroup("classification"), levels: levels) }
    try latent?.write(to: group)
    try group.write(levels.map(\.value), to: "level")
    try masks?.write(to: group)
    try group.write(table, to: "table")
    try file.close()
  }

  /// The table that a run ends with.
  public var table: String {
    var lines: [String]
    switch figures {
    case .classes(let figures): lines = figures.lines + [""] + figures.levelLines(levels, infeasible: infeasible)
    case .values(let figures): lines = figures.lines + [""] + figures.levelLines(levels, infeasible: infeasible)
    }
    if let classes {
      lines += ["", "the classes of images:"] + classes.lines + [""]
      lines += classes.levelLines(levels, infeasible: classesInfeasible)
    }
    if let masks { lines += [""] + masks.lines }
    if let latent { lines += ["", latent.line] }
    if let measurements { lines += [""] + measurements.lines }
    if !remarks.isEmpty { lines += [""] + remarks }
    return TextTable.trimmed(lines).joined(separator: "\n")
  }

  /// A table with other figures of latent values in place of those that it tells.
  static func table(_ table: String, with latent: LatentFigures) -> String {
    var lines = table.components(separatedBy: "\n")
    if let place = lines.firstIndex(where: { $0.hasPrefix(LatentFigures.lineStart) }) {
      lines[place] = latent.line
    } else {
      lines += ["", latent.line]
    }
    return lines.joined(separator: "\n")
  }
}

/// Columns of text.
enum TextTable {
  /// With four decimals, or four digits and a power of ten where that would hide them; a dash when it is not a number.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    guard value == 0 || (0.001..<1e6).contains(abs(value)) else { return String(format: "%.3e", value) }
    let tenThousandths = Int((abs(value) * 10000).rounded())
    let digits = String(tenThousandths % 10000)
    let sign = value < 0 && tenThousandths > 0 ? "-" : ""
    return sign + "\(tenThousandths / 10000)." + String(repeating: "0", count: 4 - digits.count) + digits
  }

  /// Lines without blanks at their ends.
  static func trimmed(_ lines: [String]) -> [String] {
    lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
  }

  static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// A line of values below the names of their columns.
  static func row(_ name: String, _ columns: [String], _ values: [String]) -> String {
    pad(name, 10) + zip(columns, values).map { pad($1, max(10, $0.count + 2)) }.joined()
  }
}

/// The figures of classes: of pixels, or of images.
public struct ClassFigures: Sendable {
  /// The names of the classes.
  public var classes: [String]
  /// Of the most probable class by the members' mean.
  public var ensemble: ConfusionMatrix
  /// Of each member alone.
  public var members: [ConfusionMatrix]
  /// Coverage and size of the prediction sets at each level.
  public var sets: SetEvaluation
  /// Whether probabilities are right, and doubt finds errors.
  public var confidence = ConfidenceEvaluation()
  /// The coverage where it is worst.
  var slabs: SlabFigures
  /// Of the learned combination of the members; nil when there is none.
  public var aggregate: ConfusionMatrix?
  /// Whether each class has thresholds of its own.
  var isByClass = false
  /// Coverage by each kind of unit.
  var units: [UnitFigures] = []
  /// The members' numbers; empty: from 0 on.
  var numbers: [Int] = []

  func write(to group: Group, levels: [Coverage]) throws {
    let (count, all) = (classes.count, levels)
    let levels = all.count
    try group.write(ensemble.counts, shape: [count, count], to: "confusion")
    try group.write(ensemble.f1Micro, to: "f1_micro")
    try group.write(ensemble.f1Macro, to: "f1_macro")
    try group.write((0..<count).map(ensemble.dice), to: "dice")
    try group.write((0..<count).map(ensemble.iou), to: "iou")
    try group.write(members.map(\.f1Micro), to: "member_f1_micro")
    try group.write(members.map(\.f1Macro), to: "member_f1_macro")
    try group.write(
      members.flatMap { member in (0..<count).map(member.dice) }, shape: [members.count, count], to: "member_dice")
    try group.write(
      members.flatMap { member in (0..<count).map(member.iou) }, shape: [members.count, count], to: "member_iou")
    try group.write((0..<levels).map { sets.coverage(level: $0) }, to: "coverage")
    try group.write(
      (0..<levels).flatMap { level in (0..<count).map { sets.coverage(level: level, class: $0) } },
      shape: [levels, count], to: "coverage_by_class")
    for units in units {
      try units.write(to: group, levels: all)
      // Where earlier programs have it.
      if units.kind == .image { try group.createSoftLink("coverage_by_image", to: "image/coverage") }
    }
    try group.write((0..<levels).map { sets.meanSetSize(level: $0) }, to: "mean_set_size")
    try group.write((0..<levels).map { sets.emptyShare(level: $0) }, to: "empty_share")
    try writeSizes(to: group, all)
    try slabs.write(to: group)
    try writeConfidence(to: group)
    if let aggregate {
      try group.write(aggregate.counts, shape: [count, count], to: "aggregate_confusion")
      try group.write(aggregate.f1Micro, to: "aggregate_f1_micro")
      try group.write(aggregate.f1Macro, to: "aggregate_f1_macro")
    }
  }

  /// Coverage by size of the set, how many sets have which size, and how far classes are from the level.
  private func writeSizes(to group: Group, _ levels: [Coverage]) throws {
    let (count, sizes) = (levels.indices, 0...classes.count)
    let shape = [levels.count, sizes.count]
    try group.write(
      count.flatMap { level in sizes.map { sets.pixels(level: level, size: $0) } }, shape: shape,
      to: "set_size_histogram"
    ).setAttribute("long_name", "pixels by level and number of classes in their set, from 0 on")
    try group.write(
      count.flatMap { level in sizes.map { sets.coverage(level: level, size: $0) } }, shape: shape,
      to: "coverage_by_size")
    try group.write(count.map { sets.gap(level: $0, to: levels[$0]) }, to: "class_gap")
      .setAttribute("long_name", "mean distance of the classes' coverages to the level (CovGap)")
  }

  private func writeConfidence(to group: Group) throws {
    let own = try group.createGroup("confidence")
    try own.setAttribute("NX_class", "NXcollection")
    let diagram = confidence.diagram
    try own.write(diagram.map(\.pixels), to: "pixels")
      .setAttribute("long_name", "pixels by the probability of their likeliest class, in bins of equal width")
    try own.write(diagram.map(\.accuracy), to: "accuracy").setAttribute(
      "long_name", "share of right pixels in each bin")
    try own.write(diagram.map(\.confidence), to: "confidence")
      .setAttribute("long_name", "mean probability of the likeliest class in each bin")
    let curve = confidence.errorRejection
    // A hundred points tell the curve.
    let shown = stride(from: 0, to: curve.count, by: max(1, curve.count / 100)).map { curve[$0] } + curve.suffix(1)
    try own.write(shown.map(\.kept), to: "kept").setAttribute("long_name", "share of the surest pixels that is kept")
    try own.write(shown.map(\.risk), to: "risk").setAttribute("long_name", "share of wrong pixels among those kept")
    for (name, value) in confidence.figures { try own.write(value, to: name) }
  }

  /// The most classes that have columns of their own; more have rows, so that tables fit a terminal.
  private static let mostColumns = 3

  /// A row for each class, where there are many.
  private var classLines: [String] {
    guard classes.count > Self.mostColumns else { return [] }
    return rowsOfClasses("class", ["Dice", "IoU", "members'", "to"]) { label in
      let own = members.map { $0.dice(label) }.filter(\.isFinite)
      return [ensemble.dice(label), ensemble.iou(label), own.min() ?? .nan, own.max() ?? .nan]
    }
  }

  /// A table with a row for each class, after an empty line.
  private func rowsOfClasses(_ name: String, _ columns: [String], values: (Int) -> [Double]) -> [String] {
    let width = max(10, (classes.map(\.count).max() ?? 0) + 2)
    func row(_ name: String, _ values: [String]) -> String {
      TextTable.pad(name, width) + values.map { TextTable.pad($0, 10) }.joined()
    }
    return ["", row(name, columns)]
      + classes.indices.map { row(classes[$0], values($0).map(TextTable.number)) }
  }

  var lines: [String] {
    let isWide = classes.count > Self.mostColumns
    let columns =
      ["F1 micro", "F1 macro"]
      + (isWide ? ["mean Dice", "mean IoU"] : classes.flatMap { ["Dice \($0)", "IoU \($0)"] })
    func mean(_ value: (Int) -> Double) -> Double {
      let known = classes.indices.map(value).filter(\.isFinite)
      return known.isEmpty ? .nan : known.reduce(0, +) / Double(known.count)
    }
    func row(_ name: String, _ matrix: ConfusionMatrix) -> String {
      let own =
        isWide
        ? [mean(matrix.dice), mean(matrix.iou)] : classes.indices.flatMap { [matrix.dice($0), matrix.iou($0)] }
      let values = [matrix.f1Micro, matrix.f1Macro] + own
      return TextTable.row(name, columns, values.map(TextTable.number))
    }
    let rows =
      [TextTable.row("", columns, columns)]
      + members.enumerated().map { row("member \(numbers.isEmpty ? $0.offset : numbers[$0.offset])", $0.element) } + [
        row("ensemble", ensemble)
      ]
      + (aggregate.map { [row("aggregate", $0)] } ?? [])
    return rows + classLines + ["", confidence.line]
  }

  func levelLines(_ levels: [Coverage], infeasible: [String?]) -> [String] {
    let number = TextTable.number
    let hasColumns = isByClass && classes.count <= Self.mostColumns
    let titles =
      ["coverage"] + units.flatMap(\.titles) + (hasColumns ? classes.map { "of \($0)" } : [])
      + ["mean set size", "empty sets"]
    let rows = LevelTable.lines(titles, levels, infeasible: infeasible) { level in
      [number(sets.coverage(level: level))] + units.flatMap { $0.columns(level: level) }
        + (hasColumns ? classes.indices.map { number(sets.coverage(level: level, class: $0)) } : [])
        + [number(sets.meanSetSize(level: level)), number(sets.emptyShare(level: level))]
    }
    guard isByClass, !hasColumns else { return rows }
    return rows
      + rowsOfClasses("covered", levels.map { "\($0)" }) { label in
        levels.indices.map { sets.coverage(level: $0, class: label) }
      }
  }
}

/// A table with a line for each level.
enum LevelTable {
  static func lines(
    _ titles: [String], _ levels: [Coverage], infeasible: [String?], values: (Int) -> [String]
  ) -> [String] {
    [TextTable.row("level", titles, titles)]
      + levels.enumerated().map { index, level in
        TextTable.row("\(level)", titles, values(index)) + (infeasible[index].map { " infeasible: \($0)" } ?? "")
      }
  }
}

extension ConfidenceEvaluation {
  /// Single numbers by their names in files.
  fileprivate var figures: [(name: String, value: Double)] {
    [
      ("calibration_error", calibrationError), ("adaptive_calibration_error", adaptiveCalibrationError),
      ("brier", brierScore), ("negative_log_likelihood", negativeLogLikelihood), ("risk_area", riskArea),
      ("error_detection", errorDetection), ("error_detection_by_confidence", errorDetectionByConfidence),
    ]
  }

  /// The table's line.
  var line: String {
    let number = TextTable.number
    return "probabilities: ECE \(number(calibrationError)), Brier \(number(brierScore)), NLL "
      + "\(number(negativeLogLikelihood)), AURC \(number(riskArea)); "
      + (hasSpread
        ? "wrong pixels found by spread: AUROC \(number(errorDetection))" : "a single member, which has no spread")
  }
}
