import Foundation
import HDF5
import TestSupport
import Testing

/// Jobs of 3-D images: a stack of them, and one that is cut into tiles.
@Suite("End to end: volumes")
struct EndToEndVolumesTests {
  /// Boxes of bright voxels in noise.
  private static func write(_ path: String, _ shape: [Int]) throws {
    var random = TestRandom(4)
    var (images, labels): ([Float], [UInt8]) = ([], [])
    for _ in 0..<shape[0] {
      let corner = (1...3).map { random.integer(1...shape[$0] - 6) }
      for z in 0..<shape[1] {
        for y in 0..<shape[2] {
          for x in 0..<shape[3] {
            let isIn = zip([z, y, x], corner).allSatisfy { ($1..<$1 + 5).contains($0) }
            labels.append(isIn ? 1 : 0)
            images.append((isIn ? 200 : 100) + 20 * random.uniform())
          }
        }
      }
    }
    let file = try File(creating: path)
    try file.write(images, shape: shape, to: "images", layout: .chunked([1, 4, 4, 8], deflate: 1))
    try file.write(labels, shape: shape, to: "labels")
    try file.write((0..<shape[0]).map { UInt8($0 / 2) }, to: "person")
    try file.close()
  }

  private func job(_ folder: String, prediction: String = "{}", output: String = "r.h5") throws -> String {
    let path = "\(folder)/\(output).yaml"
    try """
    tutti: 1
    name: volumes
    task: segmentation
    data:
      images: data.h5:/images
      labels: data.h5:/labels
      layout: volumes
      groups: data.h5:/person
      classes: [outside, inside]
      split: {train: 0.5, calibrate: 0.25, test: 0.25}
      patch: [8, 8, 8]
    network: {family: tunet, depth: 2, base-channels: 4}
    ensemble: {members: 2}
    training: {epochs: 4, batch: 2, patches-per-unit: 4, optimizer: {rate: 0.02}}
    prediction: \(prediction)
    uncertainty: {coverage: [0.5], unit: image}
    output: \(output)
    """.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @Test("a stack of volumes is divided by volumes, learnt, and predicted, the same on two ranks and in tiles")
  func stack() throws {
    let folder = try EndToEnd.makeFolder("volumes")
    try Self.write(folder + "/data.h5", [8, 9, 15, 13])
    let path = try job(folder)
    let checked = try EndToEnd.run(["check", path, "--memory", "1MB"])
    #expect(checked.output.contains("training would be refused"))
    #expect(checked.output.contains("images [image 8, z 9, y 15, x 13]"))
    #expect(checked.output.contains("prediction of the test part: images whole"))
    let refused = try EndToEnd.run(["run", path, "--threads", "1", "--memory", "1MB"])
    #expect(refused.status != 0 && refused.errors.contains("memory (or --memory)"), "\(refused.errors)")
    let ended = try EndToEnd.run(["run", path, "--threads", "1"])
    try #require(ended.status == 0, "\(ended.errors)")
    let entry = try File(opening: folder + "/r.h5").group("entry/prediction")
    let indices = try entry.read("indices", as: Int.self)
    #expect(indices.count == 2 && indices[0] / 2 == indices[1] / 2)
    #expect(try entry.attributes("axes", as: String.self) == ["image", "class", "z", "y", "x"])
    #expect(try entry.dataset("mean").shape == [2, 2, 9, 15, 13])
    #expect(try entry.attribute("tiling", as: String.self) == "seamless")

    // Members are the same, whatever the tiles: a copy of the job on two ranks, which predicts in tiles.
    let other = try EndToEnd.makeFolder("volumes-in-tiles")
    try FileManager.default.copyItem(atPath: folder + "/data.h5", toPath: other + "/data.h5")
    let tiled = try EndToEnd.run(
      ["run", try job(other, prediction: "{tile: [9, 8, 13]}\nmemory: 2GiB"), "--threads", "1"], ranks: 2)
    try #require(tiled.status == 0, "\(tiled.errors)")
    for name in ["mean", "mean_errors", "set"] {
      let results = try [folder, other].map { try File(opening: $0 + "/r.h5").group("entry/prediction") }
      if name == "set" {
        #expect(try results[0].read(name, as: UInt8.self) == results[1].read(name, as: UInt8.self))
      } else {
        #expect(try results[0].read(name, as: Float.self) == results[1].read(name, as: Float.self))
      }
    }
    #expect(try EndToEnd.difference(folder + "/r.h5", other + "/r.h5").contains("settings"))

    // New images: all of them, and one that is its own volume.
    for (images, count) in [("[2:4]", 2), ("[2]", 1)] {
      let predicted = try EndToEnd.run(
        ["predict", folder + "/r.h5", folder + "/data.h5:/images" + images, "-o", folder + "/new.h5", "--overwrite"])
      try #require(predicted.status == 0, "\(predicted.errors)")
      #expect(try File(opening: folder + "/new.h5").dataset("entry/prediction/mean").shape == [count, 2, 9, 15, 13])
    }
  }

  @Test("a layout that is none, and one that its other setting contradicts, are told")
  func layouts() throws {
    let folder = try EndToEnd.makeFolder("layouts")
    try Self.write(folder + "/data.h5", [8, 9, 15, 13])
    let path = try job(folder)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    for (layout, message) in [
      ("cubes", "write images, volume or volumes"),
      ("volumes\n  volume: false", "does not go with layout: volumes"),
      ("images", "needs 2 values (y, x) for a stack of images"),
    ] {
      try text.replacingOccurrences(of: "layout: volumes", with: "layout: \(layout)")
        .write(toFile: path, atomically: true, encoding: .utf8)
      let ended = try EndToEnd.run(["check", path])
      #expect(ended.status != 0 && ended.errors.contains(message), "\(ended.errors)")
    }
    try (text + "\nmemory: much\n").write(toFile: path, atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["check", path])
    #expect(ended.status != 0 && ended.errors.contains("‘much’ is no amount of memory"), "\(ended.errors)")
  }
}
