import Foundation
import HDF5
import TestSupport
import Testing

/// Jobs that say how images are prepared: scaled by themselves, transformed, with pixels that were not measured.
@Suite("End to end: preparation of images")
struct EndToEndPreparationTests {
  /// A tiny job with more lines in its section `data`.
  static func tiny(_ name: String, _ data: String) throws -> EndToEndJob {
    let job = try EndToEndJob.tiny(name)
    try job.text.replacingOccurrences(of: "  patch:", with: data + "\n  patch:")
      .write(toFile: job.path, atomically: true, encoding: .utf8)
    return job
  }

  static func mean(_ path: String) throws -> [Float] {
    try File(opening: path).dataset("entry/prediction/mean").read(as: Float.self)
  }

  @Test("new images are scaled by themselves as the training's were, on any number of ranks")
  func byImage() throws {
    let job = try Self.tiny("percentile", "  scaling: percentile\n  transform: clip")
    let checked = try EndToEnd.run(["check", job.path])
    #expect(checked.output.contains("intensities: clip, then scaled by each image (percentile)"))
    try job.succeed(ranks: 2)
    let images = try File(opening: job.folder + "/data.h5").read("images", as: Float.self)
    let file = try File(creating: job.folder + "/new.h5")
    // Four times as bright, which changes no bit of what networks see.
    try file.write(images.suffix(3 * 256).map { 4 * $0 }, shape: [3, 16, 16], to: "images")
    try file.close()
    let new = job.folder + "/predicted.h5"
    let ended = try EndToEnd.run(["predict", job.results, job.folder + "/new.h5:/images", "-o", new])
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(try Self.mean(new) == Self.mean(job.results))
  }

  @Test("a volume that is scaled by itself has the same results on one and two ranks")
  func volume() throws {
    let job = try Self.tiny("volume-by-itself", "  scaling: image\n  transform: log1p")
    let text = try String(contentsOfFile: job.path, encoding: .utf8)
      .replacingOccurrences(of: "volume: false", with: "volume: true")
      .replacingOccurrences(of: "patch: [8, 8]", with: "patch: [3, 8, 8]")
      .replacingOccurrences(of: "nodes: 2}", with: "nodes: 2, dilations: [1]}")
    try text.write(toFile: job.path, atomically: true, encoding: .utf8)
    let other = try EndToEnd.makeFolder("volume-by-itself-again")
    for name in ["data.h5", "job.yaml"] {
      try FileManager.default.copyItem(atPath: "\(job.folder)/\(name)", toPath: "\(other)/\(name)")
    }
    try job.succeed(ranks: 1)
    var again = job
    again.folder = other
    try again.succeed(ranks: 2)
    #expect(try EndToEnd.difference(job.results, again.results).isEmpty)
  }

  @Test("targets that are learnt as logarithms are answered in their own unit, with intervals, on any number of ranks")
  func transformedTargets() throws {
    let folder = try EndToEnd.makeFolder("counts")
    var random = TestRandom(4)
    // Counts from 1 to some thousands, and the same with noise that grows with them.
    let truth = (0..<12 * 256).map { pixel -> Float in
      let exponent = pixel % 16 / 2 + pixel / 256 % 4
      return 1.5 * Float(1 << exponent)
    }
    let file = try File(creating: folder + "/data.h5")
    try file.write(truth.map { $0 * (0.9 + 0.2 * random.uniform()) }, shape: [12, 16, 16], to: "images")
    try file.write(truth, shape: [12, 16, 16], to: "targets")
    try file.close()
    let text = """
      tutti: 1
      name: counts
      task: regression
      data:
        images: data.h5:/images
        targets: data.h5:/targets
        transform: log1p
        target-transform: log1p
        split: {train: 0.5, calibrate: 0.25, test: 0.25}
        patch: [16, 16]
      network: {family: smsnet, nodes: 3, input-output: true}
      ensemble: {members: 2}
      training: {epochs: 60, batch: 2, optimizer: {rate: 0.02}}
      uncertainty: {coverage: [0.8]}
      output: OUTPUT.h5
      """
    try text.write(toFile: folder + "/check.yaml", atomically: true, encoding: .utf8)
    let checked = try EndToEnd.run(["check", folder + "/check.yaml", "--threads", "1"])
    #expect(checked.output.contains("\ntargets: log1p, then mean "), "\(checked.output)\(checked.errors)")
    for (name, ranks) in [("a", 1), ("b", 2)] {
      try text.replacingOccurrences(of: "OUTPUT", with: name)
        .write(toFile: "\(folder)/\(name).yaml", atomically: true, encoding: .utf8)
      let ended = try EndToEnd.run(["run", "\(folder)/\(name).yaml", "--threads", "1"], ranks: ranks)
      try #require(ended.status == 0, "\(ended.errors)")
    }
    let entry = try File(opening: folder + "/a.h5").group("entry")
    let (mean, lower, upper) = (
      try entry.read("prediction/mean", as: Float.self), try entry.read("prediction/lower", as: Float.self),
      try entry.read("prediction/upper", as: Float.self)
    )
    #expect(try mean == Self.mean(folder + "/b.h5"))
    let images = try entry.read("prediction/indices", as: Int.self)
    let known: [Float] = images.flatMap { Array(truth[256 * $0..<256 * ($0 + 1)]) }
    // Within a third in the middle of all pixels, from 1 to a thousand alike.
    let factors: [Float] = zip(mean, known).map { $0 / $1 }.sorted()
    #expect(
      factors[factors.count / 10] > 0.67 && factors[factors.count * 9 / 10] < 1.5, "\(factors[factors.count / 2])")
    #expect(zip(lower, upper).allSatisfy { $0 <= $1 })
    let held = known.indices.count { lower[$0] <= known[$0] && known[$0] <= upper[$0] }
    #expect(Double(held) / Double(known.count) > 0.65)
    let new = try EndToEnd.run(
      ["predict", folder + "/a.h5", folder + "/data.h5:/images", "--images", "0", "-o", folder + "/new.h5"])
    try #require(new.status == 0, "\(new.errors)")
    #expect(try (Self.mean(folder + "/new.h5").max() ?? 0) > 100)
    try text.replacingOccurrences(of: "task: regression", with: "task: self-supervised")
      .write(toFile: folder + "/no.yaml", atomically: true, encoding: .utf8)
    let refused = try EndToEnd.run(["check", folder + "/no.yaml"])
    #expect(refused.status != 0 && refused.errors.contains("data.target-transform: "), "\(refused.errors)")
  }

  @Test("gaps are filled by the prediction, and what was measured stays, in the test part and in new images")
  func inpainting() throws {
    let folder = try EndToEnd.makeFolder("gaps")
    let shape = [12, 16, 16]
    var random = TestRandom(3)
    let truth = (0..<12 * 256).map { Float($0 % 16) + 0.1 * random.uniform() }
    let valid = truth.indices.map { UInt8($0 / 4 % 5 == 0 ? 0 : 1) }
    let file = try File(creating: folder + "/data.h5")
    try file.write(truth, shape: shape, to: "truth")
    try file.write(zip(truth, valid).map { $1 == 0 ? .nan : $0 }, shape: shape, to: "images")
    try file.write(valid, shape: shape, to: "valid")
    try file.close()
    try """
    tutti: 1
    name: gaps
    task: regression
    data:
      images: data.h5:/images
      targets: data.h5:/truth
      valid: data.h5:/valid
      valid-channel: true
      split: {train: 0.5, calibrate: 0.25, test: 0.25}
      patch: [8, 8]
    network: {family: smsnet, nodes: 2}
    ensemble: {members: 2}
    training: {epochs: 1, batch: 4, augmentation: {gain: 0.1, noise: 0.1}}
    uncertainty: {coverage: [0.5]}
    output: r.h5
    """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["run", folder + "/job.yaml", "--threads", "1"])
    try #require(ended.status == 0, "\(ended.errors)")
    func check(_ path: String) throws -> [Int] {
      let entry = try File(opening: path).group("entry/prediction")
      let numbers = try entry.read("indices", as: Int.self)
      let pixels = numbers.flatMap { Array($0 * 256..<($0 + 1) * 256) }
      let (mean, lower) = (try entry.read("mean", as: Float.self), try entry.read("lower", as: Float.self))
      #expect(try entry.read("measured", as: UInt8.self) == pixels.map { valid[$0] })
      #expect(
        try entry.read("composite", as: Float.self)
          == pixels.enumerated().map { valid[$1] == 1 ? truth[$1] : mean[$0] })
      #expect(
        try entry.read("composite_lower", as: Float.self)
          == pixels.enumerated().map { valid[$1] == 1 ? truth[$1] : lower[$0] })
      return numbers
    }
    #expect(try check(folder + "/r.h5").count == 3)
    // The values say the same as the dataset.
    let images = folder + "/data.h5:/images"
    let new = try EndToEnd.run(
      [
        "predict", folder + "/r.h5", images, "--valid", folder + "/data.h5:/valid", "--images", "7,2", "-o",
        folder + "/new.h5",
      ])
    try #require(new.status == 0, "\(new.errors)")
    #expect(try check(folder + "/new.h5") == [7, 2])
    let provenance = try File(opening: folder + "/new.h5").group("entry/provenance")
    #expect(try provenance.readStrings("images").first?.hasSuffix("/data.h5:/images") == true)
    #expect(try provenance.readStrings("model").first?.hasSuffix("/r.h5") == true)
    let stack = try EndToEnd.run(
      ["export", folder + "/new.h5", "--what", "composite", "--to", folder + "/filled.npy"])
    try #require(stack.status == 0, "\(stack.errors)")
    for (option, message) in [("--images=12", "has images 0 to 11"), ("--slices=0:2", "is of one volume")] {
      let refused = try EndToEnd.run(["predict", folder + "/r.h5", images, option, "-o", folder + "/no.h5"])
      #expect(refused.status != 0 && refused.errors.contains(message), "\(refused.errors)")
    }
    let gaps = try EndToEnd.run(["predict", folder + "/r.h5", images, "-o", folder + "/no.h5"])
    #expect(gaps.status != 0 && gaps.errors.contains("Name one with --valid"), "\(gaps.errors)")
  }

  @Test(
    "pixels of invalid values are left out of a segmentation; some slices of a volume are predicted as they stand in it"
  )
  func invalidValues() throws {
    let job = try Self.tiny("invalid", "  invalid: [nan, 1000]")
    let text = try String(contentsOfFile: job.path, encoding: .utf8)
      .replacingOccurrences(of: ":/images", with: ":/broken")
      .replacingOccurrences(of: "volume: false", with: "volume: true")
      .replacingOccurrences(of: "patch: [8, 8]", with: "patch: [3, 8, 8]")
      .replacingOccurrences(of: "nodes: 2}", with: "nodes: 2, dilations: [1]}")
    try text.write(toFile: job.path, atomically: true, encoding: .utf8)
    let checked = try EndToEnd.run(["check", job.path])
    // Six slices of 16 × 16 pixels train, without one pixel.
    #expect(checked.output.contains("1535 known pixels"), "\(checked.output)\(checked.errors)")
    try job.succeed()
    let some = job.folder + "/some.h5"
    let ended = try EndToEnd.run(
      ["predict", job.results, job.folder + "/data.h5:/images", "--slices", "9:12", "-o", some])
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(try File(opening: some).read("entry/prediction/z", as: Int.self) == [9, 10, 11])
    #expect(try Self.mean(some) == Self.mean(job.results))
    for (line, message) in [
      ("invalid: [most]", "‘most’ names no values; write negative, nan or a number"),
      ("valid-channel: true", "nothing says which pixels were measured"),
    ] {
      try text.replacingOccurrences(of: "invalid: [nan, 1000]", with: line)
        .write(toFile: job.path, atomically: true, encoding: .utf8)
      let refused = try EndToEnd.run(["check", job.path])
      #expect(refused.status != 0 && refused.errors.contains(message), "\(refused.errors)")
    }
  }

  @Test("labels of 0 and 255 with a split in words are learnt as 0 and 1 with one in numbers")
  func namedLabels() throws {
    let plain = try EndToEndJob.tiny("plain")
    try plain.succeed()
    let job = try Self.tiny("named", "  labels-map: {0: 0, 255: 1}")
    let labels = try File(opening: job.folder + "/data.h5").read("labels", as: UInt8.self)
    let file = try File(creating: job.folder + "/named.h5")
    try file.write(labels.map { $0 * 255 }, shape: [12, 16, 16], to: "labels")
    try file.write(
      Array(repeating: "train", count: 6) + Array(repeating: "calib", count: 3) + Array(repeating: "test", count: 3),
      to: "split")
    try file.close()
    let text = try String(contentsOfFile: job.path, encoding: .utf8)
      .replacingOccurrences(of: "data.h5:/labels", with: "named.h5:/labels")
      .replacingOccurrences(
        of: "data.h5:/split, train: 0, calibrate: 1, test: 2",
        with: "named.h5:/split, train: train, calibrate: calib, test: test")
    try text.write(toFile: job.path, atomically: true, encoding: .utf8)
    try job.succeed()
    #expect(try Self.mean(job.results) == Self.mean(plain.results))
    for (line, message) in [
      ("{0: 0, 255: 2}", "there is no class 2; data.classes names 0 to 1"),
      ("{void: 1}", "‘void’ is no key; write whole numbers"), ("[0, 255]", "a list stands where a section belongs"),
    ] {
      try text.replacingOccurrences(of: "{0: 0, 255: 1}", with: line)
        .write(toFile: job.path, atomically: true, encoding: .utf8)
      let refused = try EndToEnd.run(["check", job.path])
      #expect(refused.status != 0 && refused.errors.contains(message), "\(refused.errors)")
    }
  }
}
