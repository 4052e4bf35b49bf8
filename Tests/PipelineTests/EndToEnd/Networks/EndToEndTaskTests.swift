import Foundation
import HDF5
import TestSupport
import Testing

/// Tasks beyond segmentation, from the job file to predictions of new images.
@Suite("End to end: tasks")
struct EndToEndTaskTests {
  /// Sixteen images of 16 × 16: discs and bars with noise, the same without, a mask, and which of both each shows.
  private static func write(_ path: String) throws {
    var random = TestRandom(11)
    var (clean, noisy, mask, kinds): ([Float], [Float], [UInt8], [UInt8]) = ([], [], [], [])
    for image in 0..<16 {
      let kind = image % 2
      let (cy, cx) = (random.integer(5...10), random.integer(5...10))
      for y in 0..<16 {
        for x in 0..<16 {
          let isIn = kind == 0 ? (y - cy) * (y - cy) + (x - cx) * (x - cx) < 16 : abs(x - cx) < 2
          clean.append(isIn ? 300 : 100)
          noisy.append((clean.last ?? 0) + 60 * random.uniform())
          mask.append(random.uniform() > -0.8 ? 1 : 0)
        }
      }
      kinds.append(UInt8(kind))
    }
    let file = try File(creating: path)
    let shape = [16, 16, 16]
    try file.write(noisy, shape: shape, to: "noisy")
    try file.write(clean, shape: shape, to: "clean")
    let pairs = stride(from: 0, to: clean.count, by: 256).flatMap { clean[$0..<$0 + 256] + noisy[$0..<$0 + 256] }
    try file.write(pairs, shape: [16, 2, 16, 16], to: "pairs")
    try file.write(mask, shape: shape, to: "mask")
    try file.write(kinds, to: "kinds")
    try file.write(clean.map { UInt8($0 > 200 ? 1 : 0) }, shape: shape, to: "shown")
    try file.write([UInt8]([0, 0, 0, 0, 0, 0, 3, 3, 1, 1, 1, 1, 2, 2, 2, 2]), to: "split")
    try file.write([5, 5, 5, 5, 5, 5, 6, 6, 1, 1, 2, 3, 9, 8, 8, 7], to: "groups")
    try file.close()
  }

  private struct Job {
    let folder: String
    var path: String { folder + "/job.yaml" }
    var results: String { folder + "/r.h5" }

    init(
      _ name: String, task: String, data: String, training: String = "", network: String = "{family: smsnet, nodes: 2}",
      ensemble: String = "", uncertainty: String = "",
      more: String = ""
    ) throws {
      folder = try EndToEnd.makeFolder(name)
      try EndToEndTaskTests.write(folder + "/data.h5")
      try """
      tutti: 1
      name: \(name)
      task: \(task)
      data:
        images: data.h5:/noisy
        \(data)
        split: {dataset: data.h5:/split, validate: 3}
      network: \(network)
      ensemble: {members: 2\(ensemble)}
      training: {epochs: 3, batch: 2, optimizer: {rate: 0.01}, keep: best\(training)}
      uncertainty: {coverage: [0.5, 0.9]\(uncertainty)}
      \(more)
      output: r.h5
      """.write(toFile: path, atomically: true, encoding: .utf8)
    }

    func run(ranks: Int? = nil, overwrite: Bool = false) throws -> Ended {
      let ended = try EndToEnd.run(
        ["run", path, "--threads", "1"] + (overwrite ? ["--overwrite"] : []), ranks: ranks)
      try #require(ended.status == 0, "\(ended.errors)")
      return ended
    }

    /// Runs on one rank, then in a copy on two, and expects equal results.
    func expectSameBitsOnTwoRanks() throws {
      _ = try run()
      let other = try EndToEnd.makeFolder("two-ranks")
      for file in ["data.h5", "job.yaml"] {
        try FileManager.default.copyItem(atPath: "\(folder)/\(file)", toPath: "\(other)/\(file)")
      }
      let ended = try EndToEnd.run(["run", other + "/job.yaml", "--threads", "1"], ranks: 2)
      try #require(ended.status == 0, "\(ended.errors)")
      #expect(try EndToEnd.difference(results, other + "/r.h5") == "")
    }

    /// Predicts all the noisy images with the results as the model.
    func predictNew() throws -> File {
      let ended = try EndToEnd.run(["predict", results, folder + "/data.h5:/noisy", "-o", folder + "/new.h5"])
      try #require(ended.status == 0, "\(ended.errors)")
      return try File(opening: folder + "/new.h5")
    }
  }

  @Test("regression writes mean, spread and intervals in the target's units; new images give the same")
  func regression() throws {
    let job = try Job(
      "regression", task: "regression", data: "targets: data.h5:/clean\n  mask: data.h5:/mask",
      training: ", augmentation: {flips: true, elastic: {magnitude: 0.5}, noise: 0.1}",
      ensemble: ", aggregate: {epochs: 100}")
    try job.expectSameBitsOnTwoRanks()
    let file = try File(opening: job.results)
    let prediction = try file.group("entry/prediction")
    #expect(try prediction.attributes("axes", as: String.self) == ["image", "y", "x"])
    #expect(try prediction.dataset("lower").shape == [2, 4, 16, 16])
    let mean = try prediction.read("mean", as: Float.self)
    let (lower, upper) = (try prediction.read("lower", as: Float.self), try prediction.read("upper", as: Float.self))
    #expect(mean.allSatisfy { (-200...600).contains($0) })
    for i in mean.indices { #expect(lower[i] <= mean[i] && mean[i] <= upper[i]) }
    // What is covered at 0.9 of the test pixels that the mask shows, by hand.
    let data = try File(opening: job.folder + "/data.h5")
    let (clean, mask) = (
      try data.read("clean", as: Float.self).suffix(1024).map { $0 }, try data.read("mask", as: UInt8.self).suffix(1024)
    )
    let known = zip(clean.indices, mask).filter { $0.1 != 0 }.map(\.0)
    let covered = known.count { lower[1024 + $0] <= clean[$0] && clean[$0] <= upper[1024 + $0] }
    let error = known.reduce(0.0) { $0 + Double(clean[$1] - mean[$1]) * Double(clean[$1] - mean[$1]) }
    let evaluation = try file.group("entry/evaluation")
    #expect(abs(try evaluation.read("coverage", as: Double.self)[1] - Double(covered) / Double(known.count)) < 1e-12)
    #expect(abs(try evaluation.read("mse", as: Double.self)[0] - error / Double(known.count)) < 1e-6 * error)
    #expect(try evaluation.read("correlation", as: Double.self)[0] > 0.5)
    #expect(try evaluation.read("member_mse", as: Double.self).count == 2)
    // Its picture has what the mask hides in one grey, and black and white by what is known.
    let picture = job.folder + "/picture.svg"
    let drawn = try EndToEnd.run(["picture", job.results, "--layers", "truth,mean", "-o", picture])
    #expect(drawn.status == 0, "\(drawn.errors)")
    let text = try String(contentsOfFile: picture, encoding: .utf8)
    #expect(text.contains(" to 300.0000; grey unknown<"), "\(text)")
    // What the learned combination of both members says, by hand too.
    let combined = try file.read("entry/aggregate/mean", as: Float.self)
    #expect(combined.count == mean.count && combined != mean)
    let own = known.reduce(0.0) { $0 + Double(clean[$1] - combined[$1]) * Double(clean[$1] - combined[$1]) }
    #expect(abs(try evaluation.read("aggregate_mse", as: Double.self)[0] - own / Double(known.count)) < 1e-6 * own)
    #expect(try evaluation.read("aggregate_correlation", as: Double.self)[0] > 0.5)
    let new = try job.predictNew()
    #expect(Array(try new.read("entry/aggregate/mean", as: Float.self).suffix(1024)) == combined)
    #expect(try new.dataset("entry/prediction/mean").shape == [16, 16, 16])
    #expect(Array(try new.read("entry/prediction/mean", as: Float.self).suffix(1024)) == mean)
    #expect(Array(try new.read("entry/prediction/upper", as: Float.self).suffix(1024)) == Array(upper.suffix(1024)))
    // The history tells the validation's loss.
    let member = try File(opening: job.folder + "/r.members/member-0000.h5")
    #expect(try member.read("history/validation_loss", as: Double.self).count == 3)
  }

  @Test("a self-supervised ensemble learns without targets and is compared with them")
  func selfSupervised() throws {
    let job = try Job(
      "self", task: "self-supervised", data: "targets: data.h5:/clean", training: ", blind-spacing: 3")
    try job.expectSameBitsOnTwoRanks()
    let file = try File(opening: job.results)
    let noise = 60.0 * 60 / 3
    #expect(try file.read("entry/evaluation/mse", as: Double.self)[0] < 20 * noise)
    #expect(try file.read("entry/evaluation/correlation", as: Double.self)[0] > 0.5)
    let similarity = try file.read("entry/evaluation/ssim", as: Double.self)
    #expect(similarity.count == 1 && similarity[0] > 0 && similarity[0] < 1)
    // Other targets, the same training.
    let text = try String(contentsOfFile: job.path, encoding: .utf8)
      .replacingOccurrences(of: "targets: data.h5:/clean", with: "targets: data.h5:/noisy")
    let before = try EndToEnd.bytes(job.folder + "/r.members/member-0001.h5")
    let other = try EndToEnd.makeFolder("noisy")
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: other + "/data.h5")
    try text.write(toFile: other + "/job.yaml", atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["train", other + "/job.yaml", "--threads", "1"])
    try #require(ended.status == 0, "\(ended.errors)")
    let (a, b) = (
      try File(opening: job.folder + "/r.members/member-0001.h5"),
      try File(opening: other + "/r.members/member-0001.h5")
    )
    #expect(before.count > 0)
    #expect(try a.read("history/loss", as: Double.self) == b.read("history/loss", as: Double.self))
  }

  @Test("images are classified as a whole, with sets of classes")
  func classification() throws {
    let job = try Job(
      "classes", task: "classification", data: "labels: data.h5:/kinds\n  classes: [disc, bar]",
      network: "{family: tunet, depth: 2, base-channels: 4}")
    try job.expectSameBitsOnTwoRanks()
    let file = try File(opening: job.results)
    let prediction = try file.group("entry/prediction")
    #expect(try prediction.attributes("axes", as: String.self) == ["image", "class"])
    #expect(try prediction.dataset("mean").shape == [4, 2])
    #expect(try prediction.dataset("set").shape == [2, 4, 2])
    #expect(try prediction.dataset("set_size").shape == [2, 4])
    let mean = try prediction.read("mean", as: Float.self)
    for image in 0..<4 { #expect(abs(mean[2 * image] + mean[2 * image + 1] - 1) < 1e-5) }
    let confusion = try file.read("entry/evaluation/confusion", as: Int.self)
    #expect(confusion.reduce(0, +) == 4)
    let new = try job.predictNew()
    #expect(Array(try new.read("entry/prediction/mean", as: Float.self).suffix(8)) == mean)
  }

  @Test("an autoencoder gives the image back in its own units")
  func autoencoder() throws {
    let job = try Job(
      "auto", task: "autoencoder", data: "target-scaling: range", training: ", loss: l1, patches-per-unit: 8",
      network: "{family: tunet, depth: 2, base-channels: 4}")
    try job.expectSameBitsOnTwoRanks()
    let file = try File(opening: job.results)
    #expect(try file.read("entry/evaluation/correlation", as: Double.self)[0] > 0.5)
    #expect(try file.dataset("entry/prediction/mean").shape == [4, 16, 16])
    #expect(try job.predictNew().exists("entry/prediction/lower"))
  }

  @Test("two classes are told by one channel, with risk control of images: the mean of their coverages is the level's")
  func binary() throws {
    let job = try Job(
      "binary", task: "binary", data: "labels: data.h5:/shown\n  classes: [ground, thing]",
      training: ", loss: [{name: binary-cross-entropy, positive-weight: balanced}, {name: dice, weight: 0.5}]",
      uncertainty: ", unit: image")
    try job.expectSameBitsOnTwoRanks()
    let file = try File(opening: job.results)
    let prediction = try file.group("entry/prediction")
    #expect(try prediction.attributes("axes", as: String.self) == ["image", "class", "y", "x"])
    #expect(try prediction.dataset("mean").shape == [4, 2, 16, 16])
    let mean = try prediction.read("mean", as: Float.self)
    for image in 0..<4 {
      for pixel in 0..<256 { #expect(abs(mean[image * 512 + pixel] + mean[image * 512 + 256 + pixel] - 1) < 1e-5) }
    }
    // The part of each image's pixels whose set holds the truth, by hand.
    let truth = try File(opening: job.folder + "/data.h5").read("shown", as: UInt8.self).suffix(1024).map { Int($0) }
    let sets = try prediction.read("set", as: UInt8.self)
    let coverage = try file.read("entry/evaluation/coverage_by_image", as: Double.self)
    for level in 0..<2 {
      for image in 0..<4 {
        let covered = (0..<256).count { sets[((level * 4 + image) * 2 + truth[image * 256 + $0]) * 256 + $0] == 1 }
        #expect(coverage[level * 4 + image] == Double(covered) / 256)
      }
    }
    // A learner of nothing that weighs both classes alike reaches half of that.
    #expect(try file.read("entry/evaluation/f1_macro", as: Double.self)[0] > 0.7)
    // One network output: its weights are those of one channel.
    let member = try File(opening: job.folder + "/r.members/member-0000.h5")
    #expect(try member.readStrings("network/settings")[0].contains(#""outputChannels":1"#))
    #expect(try member.read("history/metrics/f1_macro", as: Double.self).count == 3)
    #expect(
      Array(try job.predictNew().read("entry/prediction/set", as: UInt8.self).suffix(4 * 512))
        == Array(sets.suffix(4 * 512)))
  }

  @Test("groups, blocks and images are units of calibration, and coverage by each stands in the results")
  func units() throws {
    let job = try Job(
      "groups", task: "segmentation",
      data: "labels: data.h5:/shown\n  classes: [ground, thing]\n  groups: data.h5:/groups",
      training: ", loss: {name: cross-entropy, weights: balanced}", uncertainty: ", unit: group, block: [8, 5]",
      more: "measurements: [fraction, {name: count, class: thing, smallest: 3}, size-quantiles, surface]")
    try job.expectSameBitsOnTwoRanks()
    let file = try File(opening: job.results)
    let calibration = try file.group("entry/calibration")
    #expect(try calibration.attribute("unit", as: String.self) == "group")
    #expect(try calibration.attribute("units", as: Int.self) == 3)
    #expect(try calibration.readStrings("feasibility") == ["feasible", "infeasible"])
    #expect(try calibration.read("units_needed", as: Int.self) == [1, 9])
    let evaluation = try file.group("entry/evaluation")
    let shapes = try ["block", "image", "group"].map { try evaluation.dataset("\($0)/coverage").shape }
    #expect(shapes == [[2, 4 * 2 * 4], [2, 4], [2, 3]])
    // Groups are in the order of their numbers: 7, 8 and 9.
    let (images, groups) = (
      try evaluation.read("image/coverage", as: Double.self), try evaluation.read("group/coverage", as: Double.self)
    )
    #expect(Array(groups.prefix(3)) == [images[3], (images[1] + images[2]) / 2, images[0]])
    #expect(try evaluation.read("group/mean", as: Double.self)[0] == groups.prefix(3).reduce(0, +) / 3)
    // What is measured: of the labels by hand, of members as their mean says; the interval is one of groups.
    let measured = try file.group("entry/measurements")
    #expect(try measured.readStrings("name").first == "fraction of thing")
    #expect(try measured.readStrings("name").count == 6)
    let truth = try File(opening: job.folder + "/data.h5").read("shown", as: UInt8.self)
    let fractions = (12..<16).map { image in
      Double(truth[image * 256..<(image + 1) * 256].count { $0 == 1 }) / 256
    }
    #expect(try Array(measured.read("image/truth", as: Double.self).prefix(4)) == fractions)
    #expect(
      try Array(measured.read("group/truth", as: Double.self).prefix(3))
        == [fractions[3], (fractions[1] + fractions[2]) / 2, fractions[0]])
    #expect(try Array(measured.read("total/truth", as: Double.self).prefix(2)) == [fractions.reduce(0, +) / 4, 4])
    let (members, mean) = (
      try measured.read("image/members", as: Double.self), try measured.read("image/mean", as: Double.self)
    )
    #expect(members.count == 6 * 4 * 2 && mean[0] == (members[0] + members[1]) / 2)
    #expect(try measured.exists("group/lower") && !measured.exists("image/lower"))
    let (lower, upper) = (
      try measured.read("group/lower", as: Double.self), try measured.read("group/upper", as: Double.self)
    )
    #expect(lower.count == 2 * 6 * 3 && lower[0] >= 0 && lower[0] < upper[0] && upper[0] <= 1)
    // The second level is infeasible with three groups.
    #expect(lower[18...].allSatisfy { $0 == 0 } && upper[18] == 1 && upper.last == .infinity)
    let new = try job.predictNew()
    #expect(
      try Array(new.read("entry/measurements/image/members", as: Double.self).suffix(8))
        == (try Array(measured.read("image/members", as: Double.self).suffix(8))))
    #expect(try new.dataset("entry/measurements/total/lower").shape == [2, 6, 1])
    let text = try EndToEnd.run(["evaluate", job.path]).output
    #expect(text.contains("measured, all images") && text.contains("size quantile 0.5 of thing"))
    #expect(text.contains("coverage 0.9 of measurements is infeasible with 3 calibration groups, 9 would do"))
    #expect(text.contains("infeasible: 3 calibration groups, 9 would do: all classes"))
    #expect(text.contains("by block  lowest tenth  by image  lowest"))
    #expect(text.contains("Calibrated by 3 groups"))
  }

  @Test("thresholds by class cover both classes, and are stored by class")
  func byClass() throws {
    let job = try Job(
      "by-class", task: "segmentation", data: "labels: data.h5:/shown\n  classes: [ground, thing]",
      training: ", loss: {name: cross-entropy, weights: balanced}",
      uncertainty: ", method: aps, by-class: true, allow-empty: false")
    try job.expectSameBitsOnTwoRanks()
    let file = try File(opening: job.results)
    #expect(try file.dataset("entry/calibration/threshold").shape == [2, 2])
    let (sizes, doubt) = (
      try file.read("entry/prediction/set_size", as: UInt8.self),
      try file.read("entry/prediction/doubt", as: UInt8.self)
    )
    #expect(!sizes.contains(0) && zip(sizes, doubt).allSatisfy { ($0 == 1) == ($1 == 0) })
    #expect(try file.read("entry/evaluation/empty_share", as: Double.self) == [0, 0])
    #expect(try EndToEnd.run(["evaluate", job.path]).output.contains("of ground  of thing"))
    #expect(try file.group("entry/calibration").attribute("method", as: String.self) == "aps")
    let coverage = try file.read("entry/evaluation/coverage_by_class", as: Double.self)
    #expect(coverage.count == 4 && coverage.suffix(2).allSatisfy { $0 > 0.6 })
    #expect(try job.predictNew().dataset("entry/prediction/set").shape == [2, 16, 2, 16, 16])
  }

  @Test("quantiles are learnt, written, and made into intervals that cover")
  func quantiles() throws {
    let job = try Job(
      "quantiles", task: "regression", data: "targets: data.h5:/pairs",
      training: ", patches-per-unit: 4, loss: {name: quantile, quantiles: [0.1, 0.5, 0.9]}")
    try job.expectSameBitsOnTwoRanks()
    let file = try File(opening: job.results)
    let prediction = try file.group("entry/prediction")
    #expect(try prediction.dataset("mean").shape == [4, 2, 16, 16])
    #expect(try prediction.dataset("quantiles").shape == [3, 4, 2, 16, 16])
    #expect(try prediction.dataset("quantiles").attributes("quantiles", as: Double.self) == [0.1, 0.5, 0.9])
    #expect(try prediction.dataset("lower").shape == [2, 4, 2, 16, 16])
    let (mean, quantiles) = (
      try prediction.read("mean", as: Float.self), try prediction.read("quantiles", as: Float.self)
    )
    #expect(Array(quantiles[mean.count..<2 * mean.count]) == mean)
    #expect(try file.group("entry/calibration").attribute("method", as: String.self) == "cqr")
    // Of one level all bounds are as far beyond the outer quantiles, in units of each channel.
    let (lower, upper) = (try prediction.read("lower", as: Float.self), try prediction.read("upper", as: Float.self))
    let threshold = try file.read("entry/calibration/threshold", as: Float.self)
    let scale = try File(opening: job.folder + "/r.members/member-0000.h5")
      .read("target_scaling/standard_deviation", as: Double.self).map { Float($0) }
    for i in mean.indices {
      let far = threshold[1] * scale[i / 256 % 2]
      #expect(abs(lower[mean.count + i] - (quantiles[i] - far)) < 0.01)
      #expect(abs(upper[mean.count + i] - (quantiles[2 * mean.count + i] + far)) < 0.01)
    }
    let coverage = try file.read("entry/evaluation/coverage", as: Double.self)
    #expect(abs(coverage[1] - 0.9) < 0.1)
    #expect(try file.read("entry/evaluation/mse", as: Double.self).count == 2)
    #expect(try file.dataset("entry/evaluation/member_mse").shape == [2, 2])
    #expect(try job.predictNew().dataset("entry/prediction/quantiles").shape == [3, 16, 2, 16, 16])
  }

  @Test("the history of a model becomes a picture")
  func plot() throws {
    let job = try Job("plot", task: "regression", data: "targets: data.h5:/clean")
    _ = try job.run()
    let drawn = try EndToEnd.run(["plot", job.results])
    #expect(drawn.status == 0 && drawn.output == "Picture: \(job.folder)/r.history.svg\n", "\(drawn.errors)")
    let svg = try String(contentsOfFile: job.folder + "/r.history.svg", encoding: .utf8)
    #expect(svg.contains("member 1") && svg.contains("validation"))
    let one = try EndToEnd.run([
      "plot", job.folder + "/r.members/member-0001.h5", "-o", job.folder + "/pictures/one.svg",
    ])
    #expect(one.status == 0, "\(one.errors)")
    #expect(try !String(contentsOfFile: job.folder + "/pictures/one.svg", encoding: .utf8).contains("member 0"))
    let wrong = try EndToEnd.run(["plot", job.results, "-o", job.folder + "/one.jpg"])
    #expect(wrong.status != 0 && wrong.messages.first?.contains("pictures are written as SVG") == true)
  }

  @Test("a loss that compares with classes is refused for images before any work")
  func wrongLoss() throws {
    let job = try Job(
      "loss", task: "regression", data: "targets: data.h5:/clean", training: ", loss: cross-entropy")
    let ended = try EndToEnd.run(["run", job.path])
    #expect(ended.status != 0)
    #expect(ended.messages.first?.hasPrefix("training.loss: cross-entropy compares with classes") == true)
    #expect(!FileManager.default.fileExists(atPath: job.results))
  }
}
