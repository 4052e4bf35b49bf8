import Foundation
import HDF5
import TestSupport
import Testing

/// Stages compare what they were made from: settings, data, members.
@Suite("End to end: what files were made from")
struct EndToEndIdentityTests {
  /// A job that ran, for tests to copy.
  static let reference = Result {
    var job = try EndToEndJob.tiny("identity")
    job.epochs = 2
    try job.write()
    try job.succeed(ranks: nil)
    return job
  }

  /// A copy of the job with its data and all that it made.
  private func ran(_ name: String) throws -> EndToEndJob {
    let job = try Self.reference.get()
    var copy = job
    copy.folder = try EndToEnd.makeFolder(name) + "/job"
    try FileManager.default.copyItem(atPath: job.folder, toPath: copy.folder)
    return copy
  }

  /// Changes one dataset of the data, in images of one part.
  private func change<Scalar: HDF5Scalar>(
    _ job: EndToEndJob, _ dataset: String, as type: Scalar.Type, images: Range<Int>, _ change: ([Scalar]) -> [Scalar]
  ) throws {
    let file = try File(opening: job.folder + "/data.h5", mode: .readWrite)
    var values = try file.read(dataset, as: Scalar.self)
    for image in images {
      let pixels = image * 256..<(image + 1) * 256
      values.replaceSubrange(pixels, with: change(Array(values[pixels])))
    }
    try file.dataset(dataset).write(values)
    try file.close()
  }

  /// What a job gives that begins with the data as they are now.
  private func fresh(_ job: EndToEndJob) throws -> EndToEndJob {
    let fresh = try job.copy("fresh")
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: fresh.folder + "/data.h5")
    try fresh.succeed(ranks: nil)
    return fresh
  }

  @Test("mirrored training labels retrain the members with --overwrite, and are named without; on 1 and 2 ranks")
  func trainingLabels() throws {
    let job = try ran("training")
    try change(job, "labels", as: UInt8.self, images: 0..<6) { $0.reversed() }
    for ranks in [nil, 2] {
      let refused = try EndToEnd.run(["train", job.path, "--threads", "1"], ranks: ranks)
      #expect(refused.status != 0)
      #expect(
        refused.messages == [
          "\(job.member(0)): it was trained on other data: changed is data.h5:/labels in the training part. Give --overwrite "
            + "to train it again, or name another output in the job file."
        ])
    }
    #expect(
      try EndToEnd.run(["check", job.path]).output.contains("changed is data.h5:/labels in the training part"))
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"], ranks: 2)
    #expect(ended.status == 0, "\(ended.errors)")
    try EndToEndSameBitsTests().expectSame(job, fresh(job))
  }

  @Test("turned training images are noticed, whose mean and deviation are the same")
  func trainingImages() throws {
    let job = try ran("images")
    try change(job, "images", as: Float.self, images: 2..<3) { $0.reversed() }
    let refused = try EndToEnd.run(["train", job.path])
    #expect(refused.status != 0)
    #expect(refused.messages.first?.contains("changed is data.h5:/images in the training part") == true)
  }

  @Test("changed calibration labels redo the calibration and keep the members; changed test labels keep both")
  func laterParts() throws {
    let job = try ran("later")
    try change(job, "labels", as: UInt8.self, images: 6..<9) { $0.map { 1 - $0 } }
    let checked = try EndToEnd.run(["check", job.path])
    let reason = "The calibration was made from other data: changed is data.h5:/labels in the calibration part; it "
    #expect(checked.output.contains(reason + "would be found again."), "\(checked.output)\(checked.errors)")
    let predicted = try EndToEnd.run(["predict", job.path, "--overwrite"])
    #expect(predicted.messages.first?.contains("changed is data.h5:/labels in the calibration part") == true)
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"], ranks: 2)
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(ended.errors.contains("2 of 2 members are trained already."))
    try EndToEndSameBitsTests().expectSame(job, fresh(job))
    try change(job, "labels", as: UInt8.self, images: 9..<12) { $0.reversed() }
    let evaluated = try EndToEnd.run(["evaluate", job.path])
    #expect(evaluated.status != 0)
    #expect(
      evaluated.messages.first?.hasPrefix(
        "\(job.results) was made from other data: changed is data.h5:/labels in the test part.") == true,
      "\(evaluated.errors)")
    #expect(try job.succeed("calibrate").errors.contains("The calibration is there already."))
  }

  @Test("a file that is chunked and typed otherwise, with the same values, is the same data")
  func sameValues() throws {
    let job = try ran("chunks")
    let file = try File(opening: job.folder + "/data.h5", mode: .readWrite)
    let (images, labels) = (try file.read("images", as: Float.self), try file.read("labels", as: UInt8.self))
    let split = try file.read("split", as: UInt8.self)
    try file.close()
    let again = try File(creating: job.folder + "/data.h5", overwriting: true)
    let layout = Layout.chunked([5, 3, 16])
    try again.root.createDataset("images", of: Float.self, shape: [12, 16, 16], layout: layout).write(images)
    try again.root.createDataset("labels", of: Int16.self, shape: [12, 16, 16]).write(labels.map(Int16.init))
    try again.write(split, to: "split")
    try again.close()
    #expect(try job.succeed("train").errors.contains("2 of 2 members are trained already."))
  }

  @Test("a change of the job names the setting")
  func settings() throws {
    var job = try ran("settings")
    job.rate = "0.01"
    job.seed = 5
    try job.write()
    let refused = try EndToEnd.run(["train", job.path])
    #expect(refused.status != 0)
    #expect(
      refused.messages == [
        "\(job.member(0)): it was trained by another job: training.optimizer.rate is 0.01 and was 0.005; training.seed is 5 "
          + "and was 1. Give --overwrite to train it again, or name another output in the job file."
      ])
  }

  @Test("more members train those that are missing, with the bits of a fresh run")
  func moreMembers() throws {
    var job = try ran("more")
    let first = try EndToEnd.bytes(job.member(0))
    job.members = 3
    try job.write()
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"])
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(ended.errors.contains("2 of 3 members are trained already."))
    #expect(try EndToEnd.bytes(job.member(0)) == first)
    let fresh = try fresh(job)
    for name in ["prediction/mean", "prediction/mean_errors", "calibration/threshold"] {
      let (own, other) = (try File(opening: job.results), try File(opening: fresh.results))
      #expect(try own.read("entry/" + name, as: Float.self) == other.read("entry/" + name, as: Float.self))
    }
  }

  @Test("results predict new images with the members that made them, and with no others")
  func otherMembers() throws {
    let job = try ran("members")
    func predict() throws -> Ended {
      try EndToEnd.run([
        "predict", job.results, job.folder + "/data.h5:/images", "-o", job.folder + "/new.h5", "--overwrite",
      ])
    }
    #expect(try predict().status == 0)
    // One more than the results name is left alone.
    var other = try job.copy("other")
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: other.folder + "/data.h5")
    other.seed = 9
    other.members = 3
    try other.write()
    try other.succeed("train", ranks: nil)
    try FileManager.default.copyItem(atPath: other.member(2), toPath: job.member(2))
    #expect(try predict().status == 0)
    // Of another seed.
    try FileManager.default.removeItem(atPath: job.member(1))
    try FileManager.default.copyItem(atPath: other.member(1), toPath: job.member(1))
    let seeded = try predict()
    #expect(seeded.status != 0)
    #expect(
      seeded.messages.first?.hasPrefix(
        "\(job.results) was made by other members: member 1 is another one now.") == true, "\(seeded.errors)")
    let evaluated = try EndToEnd.run(["evaluate", job.path])
    #expect(evaluated.status != 0)
    #expect(evaluated.messages.first?.contains("member 1 is another one now") == true)
    let calibrated = try EndToEnd.run(["calibrate", job.path])
    #expect(calibrated.messages.first?.contains("training.seed is 1 and was 9") == true, "\(calibrated.errors)")
    let folder = try EndToEnd.run([
      "predict", job.memberFolder, job.folder + "/data.h5:/images", "-o", job.folder + "/f.h5",
    ])
    #expect(folder.messages.first?.hasPrefix("members 0 and 1 in \(job.memberFolder) were trained by diff") == true)
    // One twice, and one missing.
    try FileManager.default.removeItem(atPath: job.member(1))
    try FileManager.default.copyItem(atPath: job.member(0), toPath: job.member(1))
    #expect(try predict().status != 0)
    try FileManager.default.removeItem(atPath: job.member(1))
    #expect(
      try predict().messages == [
        "there are no trained members in \(job.memberFolder); run ‘tutti train’ on the job first."
      ])
  }

  @Test("evaluate says that the job's levels are not those of the results")
  func otherLevels() throws {
    var job = try ran("levels")
    job.coverage = [0.5]
    try job.write()
    let ended = try job.succeed("evaluate")
    #expect(
      ended.errors.contains("uncertainty.coverage is [0.5] and was [0.8, 0.9, 0.95] in the results"), "\(ended.errors)")
  }

  // MARK: Ranks

  /// A command of two ranks of which the second sees other files under the same paths.
  private func onUnequalRanks(_ job: EndToEndJob, _ other: EndToEndJob, _ command: String) throws -> Ended {
    let script = """
      #!/bin/sh
      if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then cd \(other.folder); else cd \(job.folder); fi
      exec \(EndToEnd.tutti) \(command) job.yaml --threads 1

      """
    let path = job.folder + "/start.sh"
    try script.write(toFile: path, atomically: true, encoding: .utf8)
    let mpirun = try #require(program("mpirun"))
    return try EndToEnd.execute(
      [mpirun, "-n", "2", "--oversubscribe", "--bind-to", "none", "sh", path])
  }

  @Test(
    "ranks that read other pixels, shapes or settings are told which, and do not hang",
    arguments: ["pixels", "test pixels", "shape", "ranks-per-member"])
  func unequalRanks(_ what: String) throws {
    let job = try EndToEndJob.tiny("unequal")
    var other = job
    other.folder = try EndToEnd.makeFolder("unequal-other")
    other.output = job.results
    var first = job
    first.output = job.results
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: other.folder + "/data.h5")
    let expected: String
    switch what {
    case "pixels":
      try change(other, "images", as: Float.self, images: 1..<2) { $0.reversed() }
      expected =
        "rank 1 and rank 0 do not read the same: the training part: data.h5:/images. Give all ranks the same files."
    case "test pixels":
      try change(other, "labels", as: UInt8.self, images: 11..<12) { $0.reversed() }
      expected =
        "rank 1 and rank 0 do not read the same: the test part: data.h5:/labels. Give all ranks the same files."
    case "shape":
      let file = try File(creating: other.folder + "/data.h5", overwriting: true)
      let count = 14 * 16 * 16
      try file.write((0..<count).map { Float($0 % 7) }, shape: [14, 16, 16], to: "images")
      try file.write((0..<count).map { UInt8($0 % 2) }, shape: [14, 16, 16], to: "labels")
      try file.write([UInt8](repeating: 0, count: 6) + [1, 1, 1, 1, 2, 2, 2, 2], to: "split")
      try file.close()
      expected =
        "rank 1 and rank 0 do not read the same: data.h5:/images has shape [14, 16, 16]; data.h5:/images has shape [12, 16, "
        + "16]. Give all ranks the same files."
    default:
      other.ranksPerMember = "2"
      expected =
        "rank 1 and rank 0 do not read the same: the job files differ: ensemble.ranks-per-member is 2 and on rank 0 it is 1. "
        + "Give all ranks the same files."
    }
    try first.write()
    try other.write()
    let ended = try onUnequalRanks(first, other, "run")
    #expect(ended.status != 0)
    #expect(
      ended.messages.filter { !$0.hasPrefix("training") }.first?.hasPrefix(expected) == true, "\(ended.errors)")
    #expect(!FileManager.default.fileExists(atPath: job.results))
  }

  // MARK: Parts without anything known

  @Test(
    "a part of which nothing is known is refused before work, by run and check alike",
    arguments: ["train", "validate", "calibrate", "test"])
  func nothingKnown(part: String) throws {
    var job = try EndToEndJob.tiny("unknown")
    let parts = ["train": 0..<4, "validate": 4..<6, "calibrate": 6..<9, "test": 9..<12]
    let file = try File(opening: job.folder + "/data.h5", mode: .readWrite)
    var labels = try file.read("labels", as: UInt8.self)
    for image in parts[part]! { for pixel in image * 256..<(image + 1) * 256 { labels[pixel] = 255 } }
    try file.write(labels, shape: [12, 16, 16], to: "some")
    try file.write([0, 0, 0, 0, 3, 3, 1, 1, 1, 2, 2, 2] as [UInt8], to: "parts")
    try file.close()
    job.labels = "data.h5:/some"
    job.split = "{dataset: data.h5:/parts, train: 0, validate: 3, calibrate: 1, test: 2}"
    let text = job.text.replacingOccurrences(of: "  patch:", with: "  ignore: 255\n  patch:")
    try text.write(toFile: job.path, atomically: true, encoding: .utf8)
    let before = try EndToEnd.contents(job.folder)
    let (run, check) = (try EndToEnd.run(["run", job.path]), try EndToEnd.run(["check", job.path]))
    #expect(run.status != 0 && check.status != 0)
    #expect(run.messages == check.messages && run.messages.count == 1)
    let messages = [
      "train": "data.h5:/some has nothing known in the training part",
      "validate": "data.h5:/some has nothing known in the validation part",
      "calibrate": "data.h5:/some has nothing known in the calibration part",
      "test": "data.h5:/some has nothing known in the test part",
    ]
    #expect(run.messages.first?.hasPrefix(messages[part]!) == true, "\(run.errors)")
    #expect(try EndToEnd.contents(job.folder) == before)
  }

  @Test("a split by pixels that leaves no calibration pixel is refused")
  func emptyPixelSplit() throws {
    var job = try EndToEndJob.tiny("pixelsplit")
    // One cube holds all pixels of an image.
    job.split = "{by: pixel, block: 16, train: 0.998, calibrate: 0.001, test: 0.001}"
    try job.write()
    let ended = try EndToEnd.run(["run", job.path])
    #expect(ended.status != 0)
    #expect(
      ended.messages.first?.contains("has nothing known in the calibration part") == true, "\(ended.errors)")
  }

  @Test("a tile and a margin larger than any image are the whole image")
  func largeTiles() throws {
    let job = try ran("tiles")
    let text =
      job.text + "prediction: {tile: [4611686018427387904, 9223372036854775807], margin: [9223372036854775807, 3]}\n"
    try text.write(toFile: job.path, atomically: true, encoding: .utf8)
    let checked = try EndToEnd.run(["check", job.path])
    // Either is right, and neither is a trap.
    guard checked.status == 0 else {
      #expect(checked.messages.allSatisfy { $0.contains("prediction.") }, "\(checked.errors)")
      return
    }
    let before = try File(opening: job.results).read("entry/prediction/mean", as: Float.self)
    let ended = try EndToEnd.run(["run", job.path, "--overwrite"])
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(try File(opening: job.results).read("entry/prediction/mean", as: Float.self) == before)
  }

  @Test("a coverage that cannot be is refused before training")
  func coverage() throws {
    var job = try EndToEndJob.tiny("coverage")
    job.coverage = [1e-300]
    try job.write()
    let before = try EndToEnd.contents(job.folder)
    let (run, check) = (try EndToEnd.run(["run", job.path]), try EndToEnd.run(["check", job.path]))
    #expect(run.status != 0 && run.messages == check.messages)
    #expect(try EndToEnd.contents(job.folder) == before)
  }

  @Test("validation slices thinner than the patch are refused by check as by run")
  func thinValidation() throws {
    var job = try EndToEndJob.tiny("thin")
    let file = try File(opening: job.folder + "/data.h5", mode: .readWrite)
    try file.write([0, 0, 0, 0, 0, 3, 1, 1, 1, 2, 2, 2] as [UInt8], to: "parts")
    try file.close()
    job.volume = true
    job.patch = [3, 8, 8]
    job.split = "{dataset: data.h5:/parts, train: 0, validate: 3, calibrate: 1, test: 2}"
    try job.write()
    let (run, check) = (try EndToEnd.run(["run", job.path]), try EndToEnd.run(["check", job.path]))
    let message = "a patch of [3, 8, 8] does not fit into the slices 5 to 5 of the validation part"
    #expect(run.messages.count == 1 && run.messages == check.messages)
    #expect(run.messages.first?.hasPrefix(message) == true, "\(run.errors)")
  }
}
