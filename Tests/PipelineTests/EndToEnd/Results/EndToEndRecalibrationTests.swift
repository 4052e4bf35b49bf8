import Foundation
import HDF5
import TestSupport
import Testing

/// Results that are calibrated anew from what they store, beside the same calibration made by predicting.
@Suite("End to end: calibrating results anew")
struct EndToEndRecalibrationTests {
  /// Writes the job's text with another section `uncertainty`.
  private static func write(_ job: EndToEndJob, uncertainty: String, more: String = "") throws {
    let lines = job.text.split(separator: "\n").map {
      $0.hasPrefix("uncertainty:") ? "uncertainty: \(uncertainty)" : $0
    }
    try (lines.joined(separator: "\n") + "\n" + more).write(toFile: job.path, atomically: true, encoding: .utf8)
  }

  private static func tutti(_ arguments: [String], ranks: Int? = nil) throws -> Ended {
    let ended = try EndToEnd.run(arguments, ranks: ranks)
    try #require(ended.status == 0, "\(arguments): \(ended.errors)")
    return ended
  }

  private static let measurements = "measurements: [fraction, {name: count, class: void}]\n"

  @Test("sets, thresholds and intervals of measurements are those of a job with these settings")
  func sets() throws {
    let job = try EndToEndJob.tiny("again")
    try Self.write(job, uncertainty: "{coverage: [0.8]}", more: Self.measurements)
    _ = try Self.tutti(["run", job.path, "--threads", "1"])
    let copy = job.folder + "/again.h5"
    let told = try Self.tutti(
      [
        "calibrate", job.results, "--coverage", "0.5,0.7", "--method", "aps", "--unit", "image", "--by-class", "-o",
        copy,
      ], ranks: 2)
    #expect(told.output.contains("Calibrated by aps, unit image") && told.output.contains("of void"), "\(told.output)")
    try Self.write(
      job, uncertainty: "{coverage: [0.5, 0.7], method: aps, unit: image, by-class: true}", more: Self.measurements)
    _ = try Self.tutti(["run", job.path, "--threads", "1", "--overwrite"])
    let (own, other) = (try File(opening: copy), try File(opening: job.results))
    for name in ["set", "set_size", "doubt"] {
      let path = "entry/prediction/\(name)"
      #expect(try own.read(path, as: UInt8.self) == other.read(path, as: UInt8.self), "\(name)")
      #expect(try own.dataset(path).chunk == other.dataset(path).chunk)
      #expect(
        try own.dataset(path).attribute("long_name", as: String.self)
          == other.dataset(path).attribute("long_name", as: String.self))
    }
    #expect(
      try own.read("entry/calibration/threshold", as: Float.self)
        == other.read("entry/calibration/threshold", as: Float.self))
    for name in ["image/lower", "image/upper", "total/lower"] {
      let path = "entry/measurements/\(name)"
      #expect(try own.read(path, as: Double.self) == other.read(path, as: Double.self), "\(name)")
    }
    // The figures of the former sets are gone; the job's evaluation is of the new ones.
    #expect(try !own.exists("entry/evaluation"))
    let coverage = try other.read("entry/evaluation/coverage", as: Double.self)
    try other.close()
    _ = try Self.tutti(["calibrate", job.results, "--coverage", "0.6"])
    _ = try Self.tutti(["calibrate", job.results, "--coverage", "0.5,0.7"])
    let evaluated = try Self.tutti(["evaluate", job.path])
    #expect(evaluated.messages == [])
    #expect(try File(opening: job.results).read("entry/evaluation/coverage", as: Double.self) == coverage)
  }

  @Test("a prediction of new images is calibrated by the results of its members, and by no others")
  func newImages() throws {
    let job = try EndToEndJob.tiny("from")
    _ = try Self.tutti(["run", job.path, "--threads", "1"])
    let (new, images) = (job.folder + "/new.h5", job.folder + "/data.h5:/images[9:12]")
    _ = try Self.tutti(["predict", job.memberFolder, images, "-o", new])
    let arguments = ["--from", job.results, "--coverage", "0.8,0.9,0.95"]
    _ = try Self.tutti(["calibrate", new] + arguments)
    let (own, known) = (try File(opening: new), try File(opening: job.results))
    #expect(
      try own.read("entry/prediction/set", as: UInt8.self) == known.read("entry/prediction/set", as: UInt8.self))
    try own.close()
    // Without another file there is nothing to calibrate by.
    let alone = try EndToEnd.run(["calibrate", new, "--coverage", "0.8"])
    #expect(alone.status == 1 && alone.messages.first?.contains("stores nothing of the calibration part") == true)
    var other = job
    (other.folder, other.seed) = (try EndToEnd.makeFolder("others"), 2)
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: other.folder + "/data.h5")
    try other.write()
    _ = try Self.tutti(["run", other.path, "--threads", "1"])
    let before = try EndToEnd.bytes(new)
    let refused = try EndToEnd.run(["calibrate", new, "--from", other.results, "--coverage", "0.8"])
    #expect(refused.status == 1 && refused.messages.first?.contains("by other members") == true, "\(refused.errors)")
    #expect(try EndToEnd.bytes(new) == before)
    for (arguments, message) in [
      (["--method", "cqr"], "there is no method ‘cqr’"), (["--unit", "group"], "known by pixel, patch, image alone"),
      (["--unit", "scan"], "there is no unit ‘scan’"),
    ] {
      let ended = try EndToEnd.run(["calibrate", job.results] + arguments)
      #expect(ended.status == 1 && ended.messages.first?.contains(message) == true, "\(ended.errors)")
    }
    #expect(try EndToEnd.run(["calibrate", job.path, "--coverage", "0.8"]).status == 64)
    #expect(try EndToEnd.run(["calibrate", job.results]).status == 64)
  }

  @Test("temperature, λ and k are tuned anew as by a job with these settings")
  func tuned() throws {
    let job = try EndToEndJob.tiny("tuned")
    try Self.write(job, uncertainty: "{coverage: [0.6], unit: image}")
    _ = try Self.tutti(["run", job.path, "--threads", "1"])
    let copy = job.folder + "/again.h5"
    let tuning = ["--temperature", "auto", "--lambda", "auto", "--k", "auto", "--tuning", "0.4"]
    let told = try Self.tutti(["calibrate", job.results, "--method", "raps", "-o", copy] + tuning)
    #expect(told.output.contains("Tuned on") && told.output.contains("no longer looks at doubt"), "\(told.output)")
    let wanted = "method: raps, temperature: auto, lambda: auto, k: auto, tuning: 0.4"
    try Self.write(job, uncertainty: "{coverage: [0.6], unit: image, \(wanted)}")
    _ = try Self.tutti(["run", job.path, "--threads", "1", "--overwrite"])
    func numbers(_ file: File) throws -> [[Double]] {
      let known = try file.group("entry/calibration")
      return try [
        known.read("combination/temperature", as: Double.self), [Double(known.attribute("lambda", as: Float.self))],
        [Double(known.attribute("k", as: Int64.self))], known.read("threshold", as: Double.self),
        [Double(known.attribute("units", as: Int64.self))],
      ]
    }
    func expectEqual(_ own: File, _ other: File) throws {
      #expect(try numbers(own) == numbers(other))
      for name in ["set", "labels", "doubt"] {
        let path = "entry/prediction/\(name)"
        #expect(try own.read(path, as: UInt8.self) == other.read(path, as: UInt8.self), "\(name)")
      }
      for path in ["prediction/mean", "calibration/sample/values", "calibration/sample/tuning/values"] {
        #expect(try own.read("entry/" + path, as: Float.self) == other.read("entry/" + path, as: Float.self), "\(path)")
      }
      let settings = "entry/members"
      #expect(
        try own.group(settings).attribute("settings", as: String.self)
          == other.group(settings).attribute("settings", as: String.self))
    }
    let (own, other) = (try File(opening: copy), try File(opening: job.results))
    try expectEqual(own, other)
    #expect(try numbers(own)[0][0] != 1 && numbers(own)[4] == [Double(numbers(other)[4][0])])

    // Another level tunes λ and k for it; the same pixels tune, so nothing is rounded twice.
    let third = job.folder + "/third.h5"
    _ = try Self.tutti(["calibrate", job.results, "--coverage", "0.5,0.7", "-o", third])
    try Self.write(job, uncertainty: "{coverage: [0.5, 0.7], unit: image, \(wanted)}")
    _ = try Self.tutti(["run", job.path, "--threads", "1", "--overwrite"])
    try expectEqual(try File(opening: third), try File(opening: job.results))

    // Other units: other pixels tune, from probabilities that are brought back to the temperature 1.
    let fourth = job.folder + "/fourth.h5"
    _ = try Self.tutti(["calibrate", job.results, "--unit", "pixel", "-o", fourth])
    try Self.write(job, uncertainty: "{coverage: [0.5, 0.7], unit: pixel, \(wanted)}")
    _ = try Self.tutti(["run", job.path, "--threads", "1", "--overwrite"])
    let (rounded, exact) = (try numbers(File(opening: fourth)), try numbers(File(opening: job.results)))
    for (one, two) in zip(rounded.joined(), exact.joined()) { #expect(abs(one - two) <= 1e-4 * abs(two)) }
    let (means, expected) = (
      try File(opening: fourth).read("entry/prediction/mean", as: Float.self),
      try File(opening: job.results).read("entry/prediction/mean", as: Float.self)
    )
    #expect(zip(means, expected).allSatisfy { abs($0 - $1) < 1e-4 })

    for (arguments, message) in [
      (["--method", "lac", "--lambda", "auto"], "lac has no λ and k"),
      (["--method", "lac", "--temperature", "1", "--tuning", "0.3"], "nothing is tuned"),
    ] {
      let ended = try EndToEnd.run(["calibrate", job.results] + arguments)
      #expect(ended.status == 1 && ended.messages.first?.contains(message) == true, "\(ended.errors)")
    }
    #expect(try EndToEnd.run(["calibrate", job.results, "--k", "300"]).status == 64)
  }

  @Test("intervals of values are those of a job with these settings")
  func intervals() throws {
    let job = try EndToEndJob.tiny("values")
    let text = """
      tutti: 1
      name: values
      task: regression
      data:
        images: data.h5:/images
        targets: data.h5:/images
        split: {dataset: data.h5:/split, train: 0, calibrate: 1, test: 2}
      network: {family: smsnet, nodes: 2}
      ensemble: {members: 2}
      training: {epochs: 1, batch: 2}
      output: results/result.h5
      """
    func run(_ uncertainty: String) throws {
      try (text + "\nuncertainty: \(uncertainty)\n").write(toFile: job.path, atomically: true, encoding: .utf8)
      _ = try Self.tutti(["run", job.path, "--threads", "1", "--overwrite"])
    }
    try run("{coverage: [0.5]}")
    let copy = job.folder + "/again.h5"
    let told = try Self.tutti(
      ["calibrate", job.results, "--coverage", "0.6,0.7", "--method", "residual", "--unit", "image", "-o", copy])
    #expect(told.output.contains("mean width"))
    try run("{coverage: [0.6, 0.7], method: residual, unit: image}")
    let (own, other) = (try File(opening: copy), try File(opening: job.results))
    for name in ["lower", "upper"] {
      let path = "entry/prediction/\(name)"
      #expect(try own.read(path, as: Float.self) == other.read(path, as: Float.self), "\(name)")
    }
    for name in ["values", "truth"] {
      let path = "entry/calibration/sample/\(name)"
      #expect(try own.read(path, as: Float.self) == other.read(path, as: Float.self), "\(name)")
    }
  }
}
