import Ensembles
import HDF5
import Imaging
import MessagePassing
import Training
import Uncertainty

/// How an ensemble, its members and its prediction sets fare on test images.
public struct Evaluation: Sendable {
  public var classes: [String]
  public var ensemble: ConfusionMatrix
  public var members: [ConfusionMatrix]
  public var levels: [Coverage]
  public var sets: SetEvaluation
  /// Whether the sets of a level hold all classes because there were too few calibration pixels.
  public var infeasible: [Bool]
}

extension Run {
  /// Evaluates the results of this job and stores the figures in them.
  public func evaluate() throws -> Evaluation {
    try onRoot {
      guard RunPaths.exists(self.paths.results) else { throw RunError.noResults(self.paths.results) }
      let file = try File(opening: self.paths.results)
      guard try ResultsFile.job(of: file) == self.fingerprint else { throw RunError.otherJob(self.paths.results) }
      try file.close()
      try RunPaths.copy(self.paths.results, to: self.paths.unfinished)
    }
    let evaluation = try evaluate(paths.unfinished)
    try onRoot { try self.publish() }
    return evaluation
  }

  /// Evaluates a results file in place. Ranks read slices or images of it, each their share.
  func evaluate(_ path: String) throws -> Evaluation {
    let volume = job.data.volume
    let classes = job.data.classes.count
    let (file, conformal) = try world.agree {
      let file = try File(opening: path)
      guard try ResultsFile.job(of: file) == fingerprint else { throw RunError.otherJob(path) }
      return (file, try CalibrationFile.read(try file.group("entry/calibration")))
    }
    var evaluation = Evaluation(
      classes: job.data.classes, ensemble: ConfusionMatrix(classes: classes), members: [], levels: conformal.levels,
      sets: SetEvaluation(levels: conformal.levels.count, classes: classes),
      infeasible: conformal.thresholds.map { $0 == .infeasible })
    try world.agree {
      let mean = try file.dataset("entry/prediction/mean")
      let sets = try file.dataset("entry/prediction/set")
      let pixelAxes = Array(try mean.shape.dropFirst(volume ? 3 : 2))
      var firstSlice = 0
      for (index, region) in data.split.test.enumerated() {
        let slices = volume ? region.z.count : 1
        let mine = EnsemblePredictor.share(of: slices, rank: world.rank, ranks: world.size)
        let isMine = volume ? !mine.isEmpty : index % world.size == world.rank
        if isMine {
          let labelled = try data.load(region, scaling: inspection.scaling)
          let plane = region.height * region.width
          for z in volume ? mine : 0..<1 {
            let start = volume ? [0, 0, firstSlice + z, 0, 0] : [index, 0, 0, 0]
            let count = [1, classes] + (volume ? [1] : []) + pixelAxes
            let probabilities = try mean.read(as: Float.self, Hyperslab(start: start, count: count))
            let labels = Array(UnsafeBufferPointer(start: labelled.labels.pointer + z * plane, count: plane))
            var predictions: [UInt8] = []
            probabilities.withUnsafeBufferPointer { mostLikely($0, classes: classes, into: &predictions) }
            try evaluation.ensemble.add(labels: labels, predictions: predictions)
            for level in conformal.levels.indices {
              let set = try sets.read(as: UInt8.self, Hyperslab(start: [level] + start, count: [1] + count))
              try evaluation.sets.add(set: set, labels: labels, pixels: plane, level: level)
            }
          }
        }
        firstSlice += slices
      }
      let counts = try file.read("entry/members/confusion", as: Int64.self)
      let size = classes * classes
      evaluation.members = (0..<counts.count / size).map {
        ConfusionMatrix(classes: classes, counts: Array(counts[$0 * size..<($0 + 1) * size]))
      }
      try file.close()
    }
    evaluation.ensemble = ConfusionMatrix(
      classes: classes, counts: try world.allReduce(evaluation.ensemble.counts, .sum))
    try evaluation.sets.reduce(over: world)
    let result = evaluation
    try onRoot { try result.write(to: path) }
    return result
  }
}

extension Evaluation {
  /// Stores the figures in `/entry/evaluation`, in place of older ones.
  func write(to path: String) throws {
    let file = try File(opening: path, mode: .readWrite)
    let entry = try file.group("entry")
    if try entry.exists("evaluation") { try entry.remove("evaluation") }
    let group = try entry.createGroup("evaluation")
    try group.setAttribute("NX_class", "NXprocess")
    let all = members + [ensemble]
    let count = classes.count
    try group.write(ensemble.counts, shape: [count, count], to: "confusion")
    try group.write(ensemble.f1Micro, to: "f1_micro")
    try group.write(ensemble.f1Macro, to: "f1_macro")
    try group.write((0..<count).map(ensemble.dice), to: "dice")
    try group.write((0..<count).map(ensemble.iou), to: "iou")
    try group.write(all.dropLast().map(\.f1Micro), to: "member_f1_micro")
    try group.write(all.dropLast().map(\.f1Macro), to: "member_f1_macro")
    try group.write(
      members.flatMap { member in (0..<count).map(member.dice) }, shape: [members.count, count], to: "member_dice")
    try group.write(
      members.flatMap { member in (0..<count).map(member.iou) }, shape: [members.count, count], to: "member_iou")
    try group.write(levels.map(\.value), to: "level")
    try group.write(levels.indices.map { sets.coverage(level: $0) }, to: "coverage")
    try group.write(
      levels.indices.flatMap { level in (0..<count).map { sets.coverage(level: level, class: $0) } },
      shape: [levels.count, count], to: "coverage_by_class")
    try group.write(levels.indices.map { sets.meanSetSize(level: $0) }, to: "mean_set_size")
    try group.write(levels.indices.map { sets.emptyShare(level: $0) }, to: "empty_share")
    try file.close()
  }

  /// The table that a run ends with.
  public var table: String {
    func number(_ value: Double) -> String {
      guard value.isFinite else { return "–" }
      let tenThousandths = Int((value * 10000).rounded())
      let digits = String(tenThousandths % 10000)
      return "\(tenThousandths / 10000)." + String(repeating: "0", count: 4 - digits.count) + digits
    }
    func pad(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    let columns = ["F1 micro", "F1 macro"] + classes.flatMap { ["Dice \($0)", "IoU \($0)"] }
    var lines = [pad("", 10) + columns.map { pad($0, max(10, $0.count + 2)) }.joined()]
    func row(_ name: String, _ matrix: ConfusionMatrix) -> String {
      let values = [matrix.f1Micro, matrix.f1Macro] + classes.indices.flatMap { [matrix.dice($0), matrix.iou($0)] }
      return pad(name, 10)
        + zip(columns, values).map { pad(number($1), max(10, $0.count + 2)) }.joined()
    }
    for (index, member) in members.enumerated() { lines.append(row("member \(index)", member)) }
    lines.append(row("ensemble", ensemble))
    lines.append("")
    lines.append(pad("level", 10) + pad("coverage", 11) + pad("mean set size", 15) + "empty sets")
    for (index, level) in levels.enumerated() {
      let note = infeasible[index] ? "   infeasible: too few calibration pixels, all classes" : ""
      lines.append(
        pad("\(level)", 10) + pad(number(sets.coverage(level: index)), 11)
          + pad(number(sets.meanSetSize(level: index)), 15)
          + number(sets.emptyShare(level: index)) + note)
    }
    return lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }.joined(separator: "\n")
  }
}
