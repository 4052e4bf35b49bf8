import Foundation
import HDF5
import TestSupport
import Testing

/// Weights of members, averaged logits, temperature and tuned sets: from the job to results, new images and calibration anew.
@Suite("End to end: how members are combined")
struct EndToEndCombinationTests {
  /// Three networks on images of 16×16 pixels and three classes, with validation images.
  private static func job(_ name: String, _ ensemble: String, _ uncertainty: String) throws -> EndToEndJob {
    let tiny = try EndToEndJob.tiny(name)
    try write(tiny, ensemble, uncertainty)
    return tiny
  }

  private static func write(_ job: EndToEndJob, _ ensemble: String, _ uncertainty: String) throws {
    let split = try File(creating: job.folder + "/own.h5")
    try split.write([UInt8]([0, 0, 0, 3, 3, 1, 1, 1, 1, 1, 2, 2]), to: "split")
    try split.close()
    try """
    tutti: 1
    name: combined
    task: segmentation
    data:
      images: data.h5:/images
      labels: data.h5:/labels
      classes: [paste, void]
      split: {dataset: own.h5:/split, train: 0, calibrate: 1, test: 2, validate: 3}
      patch: [8, 8]
    network: {family: smsnet, nodes: 2}
    ensemble: {members: 3\(ensemble)}
    training: {epochs: 2, batch: 4, optimizer: {rate: 0.05}}
    uncertainty: {coverage: [0.7]\(uncertainty)}
    output: results/result.h5
    """.write(toFile: job.path, atomically: true, encoding: .utf8)
  }

  private static func tutti(_ arguments: [String], ranks: Int? = nil) throws -> Ended {
    let ended = try EndToEnd.run(arguments, ranks: ranks)
    try #require(ended.status == 0, "\(arguments): \(ended.errors)")
    return ended
  }

  @Test("greedy weights, averaged logits, temperature and tuned sets are the same on two ranks, and for new images")
  func all() throws {
    let job = try Self.job(
      "combined", ", weights: greedy, average: logits",
      ", unit: image, method: raps, lambda: auto, k: auto, temperature: auto, tuning: 0.3")
    let ended = try Self.tutti(["run", job.path, "--threads", "1"])
    #expect(ended.output.contains("Combined: logits are averaged, members are weighted (greedy"), "\(ended.output)")
    #expect(ended.output.contains("of 2 of 5 calibration images, which do not calibrate"), "\(ended.output)")
    let other = try job.copy("combined-2")
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: other.folder + "/data.h5")
    try FileManager.default.removeItem(atPath: other.path)
    try Self.write(
      other, ", weights: greedy, average: logits",
      ", unit: image, method: raps, lambda: auto, k: auto, temperature: auto, tuning: 0.3")
    _ = try Self.tutti(["run", other.path, "--threads", "2"], ranks: 2)
    #expect(try EndToEnd.difference(job.results, other.results) == "")

    let entry = try File(opening: job.results).group("entry")
    let known = try entry.group("calibration")
    #expect(try known.attribute("units", as: Int64.self) == 3)
    #expect(try known.group("combination").attribute("average", as: String.self) == "logits")
    let weights = try known.read("combination/weight", as: Double.self)
    let members = try entry.read("members/member", as: Int.self)
    #expect(abs(weights.reduce(0, +) - 1) < 1e-12 && weights.allSatisfy { $0 > 0 } && weights.count == members.count)
    #expect(try entry.read("members/weight", as: Double.self) == weights)
    let left = try known.read("combination/left_out", as: Int.self)
    #expect((members + left).sorted() == [0, 1, 2])
    let temperature = try known.read("combination/temperature", as: Double.self)[0]
    #expect(temperature > 0.01 && temperature < 100 && temperature != 1)
    #expect([0.001, 0.01, 0.1, 0.2, 0.5].contains(try known.attribute("lambda", as: Float.self)))

    // New images are combined likewise, and calibrated again by the same λ and k.
    let (new, images) = (job.folder + "/new.h5", job.folder + "/data.h5:/images[10:12]")
    _ = try Self.tutti(["predict", job.results, images, "-o", new])
    let predicted = try File(opening: new).group("entry/prediction")
    for name in ["mean", "mean_errors"] {
      #expect(
        try predicted.read(name, as: Float.self) == entry.group("prediction").read(name, as: Float.self), "\(name)")
    }
    #expect(try predicted.read("set", as: UInt8.self) == entry.group("prediction").read("set", as: UInt8.self))
    let again = job.folder + "/again.h5"
    _ = try Self.tutti(["calibrate", job.results, "--coverage", "0.7,0.5", "-o", again])
    let anew = try File(opening: again).group("entry")
    #expect(
      try anew.read("calibration/threshold", as: Float.self)[0] == known.read("threshold", as: Float.self)[0])
    #expect(try anew.read("calibration/combination/temperature", as: Double.self)[0] == temperature)
    // The members alone, all alike, say something else.
    let plain = job.folder + "/plain.h5"
    _ = try Self.tutti(["predict", job.memberFolder, images, "-o", plain])
    let alike = try File(opening: plain).group("entry/prediction").read("mean", as: Float.self)
    #expect(try alike != predicted.read("mean", as: Float.self))
    let refused = try EndToEnd.run(["calibrate", plain, "--from", job.results, "--coverage", "0.7"])
    #expect(refused.status == 1, "\(refused.errors)")
  }

  @Test(
    "weights by validation and by class give means and spreads of the stored formula",
    arguments: ["validation", "stacking"])
  func weights(rule: String) throws {
    let job = try Self.job("weights", ", weights: \(rule)", "")
    _ = try Self.tutti(["run", job.path, "--threads", "1"])
    let entry = try File(opening: job.results).group("entry")
    let numbers = try entry.read("members/member", as: Int.self)
    let rows = try entry.dataset("members/weight").shape[0]
    #expect(rows == (rule == "stacking" ? 2 : 1))
    let weights = try entry.read("members/weight", as: Double.self)
    let images = job.folder + "/data.h5:/images[10:12]"
    let answers = try numbers.map { number -> [Float] in
      let path = job.folder + "/member\(number).h5"
      _ = try Self.tutti(["predict", job.member(number), images, "-o", path])
      return try File(opening: path).group("entry/prediction").read("mean", as: Float.self)
    }
    let (mean, errors) = (
      try entry.read("prediction/mean", as: Float.self), try entry.read("prediction/mean_errors", as: Float.self)
    )
    for i in mean.indices {
      let label = i / 256 % 2
      func own(_ label: Int) -> [Double] {
        let row = rows > 1 ? label : 0
        return Array(weights[row * numbers.count..<(row + 1) * numbers.count])
      }
      func sum(_ label: Int) -> Double {
        let place = i + (label - i / 256 % 2) * 256
        return zip(own(label), answers).reduce(0) { $0 + $1.0 * Double($1.1[place]) }
      }
      #expect(abs(Double(mean[i]) - sum(label) / (rows > 1 ? sum(0) + sum(1) : 1)) < 1e-5)
      let divisor = 1 - own(label).reduce(0) { $0 + $1 * $1 }
      let squares = zip(own(label), answers).reduce(0.0) {
        let difference = Double($1.1[i]) - sum(label)
        return $0 + $1.0 * difference * difference
      }
      #expect(divisor < 1e-12 || abs(Double(errors[i]) - (squares / divisor).squareRoot()) < 1e-4)
    }
  }

  @Test("settings that do not go together are refused with their lines")
  func refused() throws {
    for (ensemble, uncertainty, message) in [
      (", weights: stacking, average: logits", "", "weights of each class are for probabilities"),
      (", weights: greedy, aggregate: {epochs: 1}", "", "combines the answers of all members"),
      ("", ", method: lac, lambda: 0.1", "lac has no such number"),
      ("", ", tuning: 0.3", "nothing is tuned"),
    ] {
      let job = try Self.job("refused", ensemble, uncertainty)
      let ended = try EndToEnd.run(["check", job.path])
      #expect(ended.status != 0 && ended.errors.contains(message), "\(ended.errors)")
    }
    // Before members are trained.
    let job = try Self.job("empty", ", weights: greedy", "")
    let text = try String(contentsOfFile: job.path, encoding: .utf8)
    try text.replacingOccurrences(of: "validate: 3", with: "validate: 5")
      .write(toFile: job.path, atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["check", job.path])
    #expect(ended.status != 0 && ended.errors.contains("alidat"), "\(ended.errors)")
  }
}
