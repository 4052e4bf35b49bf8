import Foundation
import HDF5
import TestSupport
import Testing

/// Jobs that see some of their images' channels.
@Suite("End to end: channels")
struct EndToEndChannelTests {
  /// Adds images of three channels, the third of which carries the labels, and the third and first of them alone.
  private static func job(_ name: String, images: String, _ data: String) throws -> EndToEndJob {
    var job = try EndToEndJob.tiny(name)
    let file = try File(opening: job.folder + "/data.h5", mode: .readWrite)
    let plain = try file.read("images", as: Float.self)
    var random = TestRandom(5)
    let noise = random.uniforms(plain.count)
    func channels(_ planes: [[Float]]) -> [Float] {
      (0..<12).flatMap { image in planes.flatMap { $0[image * 256..<(image + 1) * 256] } }
    }
    let three = channels([noise, noise.map { 3 - $0 }, plain])
    try file.write(three, shape: [12, 3, 16, 16], to: "unnamed")
    try file.write(three, shape: [12, 3, 16, 16], to: "three")
      .setAttribute("channel_names", ["noise", "other", "stain"])
    try file.write(channels([plain, noise]), shape: [12, 2, 16, 16], to: "two")
    try file.close()
    job.images = "data.h5:/\(images)"
    try job.write()
    try job.text.replacingOccurrences(of: "  patch:", with: data + "  patch:")
      .write(toFile: job.path, atomically: true, encoding: .utf8)
    return job
  }

  @Test("the same channels give the same bits, picked or alone, in training, calibration, results and new images")
  func sameBits() throws {
    let picked = try Self.job("channels", images: "three", "  channels: [stain, 0]\n")
    let alone = try Self.job("channels-alone", images: "two", "")
    try picked.succeed(ranks: 2)
    try alone.succeed(ranks: nil)
    let (own, other) = (try File(opening: picked.results), try File(opening: alone.results))
    for path in ["prediction/mean", "prediction/set", "calibration/threshold"] {
      guard try other.exists("entry/\(path)") else { continue }
      #expect(try own.read("entry/\(path)", as: Double.self) == other.read("entry/\(path)", as: Double.self))
    }
    let mean = try EndToEndPreparationTests.mean(alone.results)
    func predict(_ images: String, _ options: String...) throws -> Ended {
      try EndToEnd.run(
        ["predict", picked.results, "\(picked.folder)/data.h5:/\(images)[9:]", "-o", picked.folder + "/new.h5"]
          + ["--overwrite"] + options)
    }
    for (images, options) in [("three", []), ("unnamed", ["--channels", "2,0"]), ("two", ["--channels", "all"])] {
      let ended = try EndToEnd.run(
        ["predict", picked.results, "\(picked.folder)/data.h5:/\(images)[9:]", "-o", picked.folder + "/new.h5"]
          + ["--overwrite"] + options)
      try #require(ended.status == 0, "\(ended.errors)")
      #expect(try EndToEndPreparationTests.mean(picked.folder + "/new.h5") == mean, "\(images)")
    }
    let refused = try predict("unnamed")
    #expect(
      refused.status != 0 && refused.errors.contains("has no channel ‘stain’") && refused.errors.contains("--channels"),
      "\(refused.errors)")
  }

  @Test("channels that are not there, or stand twice, are told by check")
  func refused() throws {
    let missing = try Self.job("channels-missing", images: "three", "  channels: [3]\n")
    #expect(try EndToEnd.run(["check", missing.path]).errors.contains("has no channel ‘3’; there are 3"))
    let twice = try Self.job("channels-twice", images: "three", "  channels: [1, 1]\n")
    #expect(try EndToEnd.run(["check", twice.path]).errors.contains("data.channels: 1 stands twice"))
  }
}
