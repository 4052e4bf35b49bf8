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
    try file.write(zip(clean, noisy).flatMap { [$0, $1] }, shape: [16, 16, 16, 2], to: "pairs")
    try file.write(mask, shape: shape, to: "mask")
    try file.write(kinds, to: "kinds")
    try file.write([UInt8]([0, 0, 0, 0, 0, 0, 3, 3, 1, 1, 1, 1, 2, 2, 2, 2]), to: "split")
    try file.close()
  }

  private struct Job {
    let folder: String
    var path: String { folder + "/job.yaml" }
    var results: String { folder + "/r.h5" }

    init(
      _ name: String, task: String, data: String, training: String = "", network: String = "{family: smsnet, nodes: 2}"
    )
      throws
    {
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
      ensemble: {members: 2}
      training: {epochs: 3, batch: 2, optimizer: {rate: 0.01}, keep: best\(training)}
      uncertainty: {coverage: [0.5, 0.9]}
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
      training: ", augmentation: {flips: true, elastic: {magnitude: 0.5}, noise: 0.1}")
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
    let new = try job.predictNew()
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
