import Foundation
import HDF5
import TestSupport
import Testing

/// Masks with promises, from the job file to new images.
@Suite("End to end: masks")
struct EndToEndMaskTests {
  private static func write(_ job: EndToEndJob, coverage: String) throws {
    let masks = """
      uncertainty:
        coverage: [\(coverage)]
        unit: image
        masks:
          - {kind: outer}
          - {kind: inner, class: void}
          - {kind: outer, bound: hoeffding-bentkus, confidence: 0.2}
          - {kind: dice, confidence: 0.2}
          - {kind: outer-margin, share: 0.9}
          - {kind: inner-margin, share: 0.9, element: square}
      """
    let lines = job.text.split(separator: "\n").map { $0.hasPrefix("uncertainty:") ? Substring(masks) : $0 }
    try (lines.joined(separator: "\n") + "\n").write(toFile: job.path, atomically: true, encoding: .utf8)
  }

  @Test("masks are the same on one rank and on two, for new images and when calibrated anew, and risks are counted")
  func masks() throws {
    var job = try EndToEndJob.tiny("masks")
    (job.epochs, job.rate) = (6, "0.02")
    job.split += "\n  voxel-size: [0.5 µm, 0.25 µm]"
    try Self.write(job, coverage: "0.6")
    let ended = try job.succeed(ranks: 2)
    #expect(ended.output.contains("outer-void") && ended.output.contains("/entry/masks"))
    var other = job
    other.folder = try EndToEnd.makeFolder("masks-alone")
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: other.folder + "/data.h5")
    try Self.write(other, coverage: "0.6")
    try other.succeed(ranks: 1)
    #expect(try EndToEnd.difference(job.results, other.results) == "")

    let file = try File(opening: job.results)
    let names = try file.readStrings("entry/calibration/masks/name")
    #expect(
      names == [
        "outer-void", "inner-void", "outer-void-hoeffding-bentkus", "dice-void", "outer-margin-void-0.9",
        "inner-margin-void-square-0.9",
      ])
    // By hand: the mean over images of the part of void that the outer mask misses, and of paste that the inner one holds.
    let labels = try File(opening: job.folder + "/data.h5").read("labels", as: UInt8.self).suffix(3 * 256).map { $0 }
    let (outer, inner) = (
      try file.read("entry/masks/outer-void", as: UInt8.self), try file.read("entry/masks/inner-void", as: UInt8.self)
    )
    var risks = [0.0, 0.0]
    for image in 0..<3 {
      let own = image * 256..<(image + 1) * 256
      let (void, paste) = (own.filter { labels[$0] == 1 }, own.filter { labels[$0] == 0 })
      risks[0] += Double(void.count { outer[$0] == 0 }) / Double(void.count) / 3
      risks[1] += Double(paste.count { inner[$0] != 0 }) / Double(paste.count) / 3
    }
    let found = try file.read("entry/evaluation/masks/risk", as: Double.self)
    #expect(abs(found[0] - risks[0]) < 1e-12 && abs(found[1] - risks[1]) < 1e-12, "\(found) \(risks)")
    // A margin's mask holds the prediction; an inner one is within it.
    let predicted = try file.read("entry/prediction/labels", as: UInt8.self)
    let (dilated, eroded) = (
      try file.read("entry/masks/outer-margin-void-0.9", as: UInt8.self),
      try file.read("entry/masks/inner-margin-void-square-0.9", as: UInt8.self)
    )
    #expect(predicted.indices.allSatisfy { predicted[$0] <= dilated[$0] && eroded[$0] <= predicted[$0] })

    let new = job.folder + "/new.h5"
    let predict = try EndToEnd.run(["predict", job.results, job.folder + "/data.h5:/images[9:12]", "-o", new])
    #expect(predict.status == 0, "\(predict.errors)")
    // These are the test images: what is compared with calibration is the same.
    #expect(
      predict.output.contains("Whether the images are like those of calibration cannot be told well: there are 3"))
    for name in ["doubt", "mean", "deviation", "p_doubt"] {
      let path = "entry/shift/\(name)"
      #expect(try File(opening: new).read(path, as: Double.self) == file.read(path, as: Double.self), "\(name)")
    }
    for name in names {
      let path = "entry/masks/\(name)"
      #expect(try File(opening: new).read(path, as: UInt8.self) == file.read(path, as: UInt8.self), "\(name)")
    }
    try file.close()

    let again = job.folder + "/again.h5"
    let calibrate = try EndToEnd.run(["calibrate", job.results, "--coverage", "0.7", "-o", again])
    #expect(calibrate.status == 0, "\(calibrate.errors)")
    try Self.write(job, coverage: "0.7")
    #expect(try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"]).status == 0)
    for name in names {
      let path = "entry/masks/\(name)"
      #expect(
        try File(opening: again).read(path, as: UInt8.self) == File(opening: job.results).read(path, as: UInt8.self),
        "\(name)")
    }
  }
}

/// Maps of statistics over members, from the job file to new images.
@Suite("End to end: statistics over members")
struct EndToEndStatisticsTests {
  @Test("maps are written by several ranks as by one, follow from mean and spread, and new images get them too")
  func maps() throws {
    var job = try EndToEndJob.tiny("statistics")
    (job.members, job.volume, job.patch) = (4, true, [3, 8, 8])
    job.network = "{family: smsnet, nodes: 2, dilations: [1, 2]}"
    let statistics = """
      prediction:
        tile: [2, 16, 8]
        statistics: {maps: [kept, entropy, quantiles, skewness, standard-error], quantiles: [0, 0.5], deviations: 2, above: 0.4}
      """.replacing("[0, 0.5]", with: "[0.25, 0.5]")
    try (job.text + statistics + "\n").write(toFile: job.path, atomically: true, encoding: .utf8)
    try job.succeed(ranks: 2)
    let file = try File(opening: job.results)
    let (mean, spread) = (
      try file.read("entry/prediction/mean", as: Float.self),
      try file.read("entry/prediction/mean_errors", as: Float.self)
    )
    let kept = try file.dataset("entry/statistics/kept")
    #expect(try kept.shape == [1, 2, 3, 16, 16] && file.dataset("entry/statistics/entropy").shape == [1, 3, 16, 16])
    #expect(try kept.read(as: UInt8.self) == zip(mean, spread).map { Double($0) - 2 * Double($1) > 0.4 ? 1 : 0 })
    #expect(
      try file.read("entry/statistics/standard-error", as: Float.self) == spread.map { $0 / 2 })
    let quantiles = try file.dataset("entry/statistics/quantiles")
    #expect(try quantiles.shape == [2, 1, 2, 3, 16, 16])
    #expect(try quantiles.attributes("quantiles", as: Double.self) == [0.25, 0.5])
    let values = try quantiles.read(as: Float.self)
    #expect(mean.indices.allSatisfy { values[$0] <= values[mean.count + $0] })
    let (total, parts) = (
      try file.read("entry/statistics/entropy", as: Float.self),
      try ["aleatoric", "epistemic"].map { try file.read("entry/statistics/entropy-\($0)", as: Float.self) }
    )
    #expect(total.indices.allSatisfy { abs(total[$0] - parts[0][$0] - parts[1][$0]) < 1e-6 })
    let new = job.folder + "/new.h5"
    let predict = try EndToEnd.run(
      ["predict", job.results, job.folder + "/data.h5:/images[9:12]", "-o", new, "--threads", "1"])
    #expect(predict.status == 0, "\(predict.errors)")
    #expect(try File(opening: new).read("entry/statistics/kept", as: UInt8.self) == kept.read(as: UInt8.self))
  }
}
