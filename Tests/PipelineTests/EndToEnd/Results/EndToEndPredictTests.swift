import Foundation
import HDF5
import TestSupport
import Testing

/// Prediction of new images, and commands that only look.
@Suite("End to end: predict, check, help")
struct EndToEndPredictTests {
  /// A job with the images of its test part in a file of their own.
  struct Trained: Sendable {
    let job: EndToEndJob
    var images: String { job.folder + "/new.h5" }

    init(volume: Bool) throws {
      var job = try EndToEndJob.tiny(volume ? "new-volume" : "new-stack")
      job.volume = volume
      if volume { (job.patch, job.network) = ([3, 8, 8], "{family: smsnet, nodes: 2, dilations: [1, 2]}") }
      try job.write()
      try job.succeed(ranks: 2)
      self.job = job
      let data = try File(opening: job.folder + "/data.h5").dataset("images")
      let test = try data.read(as: Float.self, Hyperslab(start: [9, 0, 0], count: [3, 16, 16]))
      let file = try File(creating: images)
      try file.write(test, shape: [3, 16, 16], to: "images")
      try file.write(test + test, shape: [3, 2, 16, 16], to: "coloured")
      try file.write(test, shape: [48, 16], to: "flat")
      var broken = test
      broken[700] = .infinity
      try file.write(broken, shape: [3, 16, 16], to: "broken")
      try file.close()
    }

    static let stack = Result { try Trained(volume: false) }
    static let volume = Result { try Trained(volume: true) }
  }

  @Test("the test images as new images get the prediction that the job made", arguments: [false, true], [1, 2])
  func newImages(isVolume: Bool, ranks: Int) throws {
    let trained = try (isVolume ? Trained.volume : Trained.stack).get()
    let output = try EndToEnd.makeFolder("prediction") + "/deeper/new.h5"
    let ended = try EndToEnd.run(
      ["predict", trained.job.results, trained.images + ":/images", "-o", output], ranks: ranks)
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(ended.output.contains("Results: \(output)"))
    let (own, new) = (try File(opening: trained.job.results), try File(opening: output))
    for name in ["mean", "mean_errors"] {
      let path = "entry/prediction/" + name
      #expect(try new.dataset(path).shape == own.dataset(path).shape)
      #expect(try new.read(path, as: Float.self) == own.read(path, as: Float.self), "\(name)")
    }
    for name in ["set", "set_size"] {
      let path = "entry/prediction/" + name
      #expect(try new.read(path, as: UInt8.self) == own.read(path, as: UInt8.self), "\(name)")
    }
    #expect(try new.read("entry/prediction/indices", as: Int.self) == [0, 1, 2])
    #expect(try EndToEnd.contents((output as NSString).deletingLastPathComponent) == ["new.h5", "new.xdmf"])
  }

  @Test("a folder of members predicts the same mean as the results do")
  func folderOfMembers() throws {
    let trained = try Trained.stack.get()
    let output = try EndToEnd.makeFolder("prediction") + "/new.h5"
    let ended = try EndToEnd.run(["predict", trained.job.memberFolder, trained.images + ":/images", "-o", output])
    #expect(ended.status == 0, "\(ended.errors)")
    let (own, new) = (try File(opening: trained.job.results), try File(opening: output))
    #expect(try new.read("entry/prediction/mean", as: Float.self) == own.read("entry/prediction/mean", as: Float.self))
    #expect(try !new.exists("entry/prediction/set"))
  }

  @Test("damaged results are refused as a model, whatever part of them is damaged")
  func damagedResults() throws {
    let trained = try Trained.stack.get()
    let whole = [UInt8](try EndToEnd.bytes(trained.job.results))
    let (damaged, output) = (trained.job.folder + "/results/damaged.h5", trained.job.folder + "/damaged-new.h5")
    let file = try File(opening: trained.job.results)
    let thresholds = try file.read("entry/calibration/threshold", as: Float.self)
    let fingerprints = try file.read("entry/members/fingerprint", as: UInt64.self)
    try file.close()
    let parts = [thresholds.withUnsafeBytes { Array($0.prefix(8)) }, fingerprints.withUnsafeBytes { Array($0) }]
    let places = try parts.map { part in
      try #require((0..<whole.count - part.count).first { whole[$0..<$0 + part.count].elementsEqual(part) })
    }
    for place in places + [whole.count - 33] {
      var bytes = whole
      bytes[place] ^= 4
      try Data(bytes).write(to: URL(fileURLWithPath: damaged))
      let ended = try EndToEnd.run(["predict", damaged, trained.images + ":/images", "-o", output, "--threads", "1"])
      #expect(ended.status == 1 && ended.messages.first?.contains("damaged") == true, "\(place): \(ended.errors)")
      #expect(!FileManager.default.fileExists(atPath: output))
    }
    try FileManager.default.removeItem(atPath: damaged)
  }

  @Test("new images that do not fit are refused with one message, and nothing is left", arguments: [nil, 2])
  func unfit(ranks: Int?) throws {
    let trained = try Trained.stack.get()
    let (images, results) = (trained.images, trained.job.results)
    let folder = try EndToEnd.makeFolder("refused")
    let cases = [
      (results, "coloured", "\(images):/coloured has 2 channels, but the members were trained on images of 1."),
      (results, "flat", "\(images):/flat has shape [48, 16]; a stack of 2-D images has axes [image, y, x]"),
      (results, "broken", "\(images):/broken: image 2 holds values that are not finite"),
      (results, "imags", "\(images):/imags: there is no such dataset; did you mean ‘images’?"),
      (results + "x", "images", "there are no results at \(results)x"),
      (images, "images", "\(images): this HDF5 file is not a member of an ensemble"),
    ]
    for (model, dataset, message) in cases {
      let ended = try EndToEnd.run(
        ["predict", model, images + ":/" + dataset, "-o", folder + "/out.h5", "--threads", "1"], ranks: ranks)
      #expect(ended.status != 0)
      #expect(ended.messages.count == 1, "\(ended.errors)")
      #expect(ended.messages.first?.hasPrefix(message) == true, "\(ended.messages)")
      #expect(try EndToEnd.contents(folder) == [])
    }
    try "kept".write(toFile: folder + "/out.h5", atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["predict", results, images + ":/images", "-o", folder + "/out.h5"], ranks: ranks)
    #expect(ended.status != 0)
    #expect(ended.messages.count == 1)
    #expect(try EndToEnd.bytes(folder + "/out.h5") == Data("kept".utf8))
  }

  @Test("check prints data, members and who trains what, and leaves no file behind")
  func check() throws {
    let job = try EndToEndJob.tiny("check")
    let before = try EndToEnd.contents(job.folder)
    let ended = try EndToEnd.run(["check", job.path, "--for-ranks", "3", "--threads", "1"], ranks: 2)
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(ended.messages == [])
    let lines = ended.output.split(separator: "\n").map(String.init)
    #expect(lines.contains("images [image 12, y 16, x 16], labels [image 12, y 16, x 16]"))
    let header = try #require(lines.firstIndex { $0.hasPrefix("member ") })
    let rows = lines[(header + 1)...].prefix(2).map { $0.split(separator: " ") }
    #expect(rows.map { $0.first } == ["0", "1"])
    #expect(rows.allSatisfy { $0.count >= 4 && (Int($0[1]) ?? 0) > 0 && (Double($0[2]) ?? -1) >= 0 })
    #expect(lines.contains("2 members to train in 2 groups of 1 to 2 ranks."))
    #expect(lines.contains("results: \(job.results)"))
    #expect(try EndToEnd.contents(job.folder) == before)
  }

  @Test(
    "the help of every command has an example",
    arguments: ["run", "check", "train", "calibrate", "predict", "evaluate"])
  func help(command: String) throws {
    let ended = try EndToEnd.run([command, "--help"])
    #expect(ended.status == 0)
    let example = ended.output.split(separator: "\n").first { $0.hasPrefix("  ") && $0.contains("tutti \(command) ") }
    #expect(example != nil)
    #expect(ended.output.contains("USAGE: tutti \(command)"))
    let lines = ended.output.split(separator: "\n").filter { !$0.hasPrefix("USAGE: ") }
    #expect(lines.allSatisfy { $0.count <= 80 })
  }

  @Test("wrong arguments are told by one rank, with the usage")
  func wrongArguments() throws {
    let ended = try EndToEnd.run(["run"], ranks: 2)
    #expect(ended.status != 0)
    #expect(ended.errors.ranges(of: "Error: Missing expected argument '<job>'").count == 1, "\(ended.errors)")
    let help = try EndToEnd.run(["--help"], ranks: 2)
    #expect(help.status == 0)
    #expect(help.output.ranges(of: "USAGE: tutti").count == 1)
  }
}
