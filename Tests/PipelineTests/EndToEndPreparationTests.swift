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
}
