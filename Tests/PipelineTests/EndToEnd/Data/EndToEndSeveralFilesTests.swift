import Foundation
import HDF5
import TestSupport
import Testing

/// Jobs whose images are in several files, of different extents.
@Suite("End to end: several files")
struct EndToEndSeveralFilesTests {
  /// Writes volumes with a bright box, each of its own extents, as `name0.h5` and so on.
  private static func write(_ folder: String, _ shapes: [[Int]]) throws {
    var random = TestRandom(4)
    for (number, shape) in shapes.enumerated() {
      var (images, labels): ([Float], [UInt8]) = ([], [])
      let corner = shape.map { random.integer(0...$0 - 5) }
      for index in 0..<shape.reduce(1, *) {
        let place = [index / (shape[1] * shape[2]), index / shape[2] % shape[1], index % shape[2]]
        let isIn = zip(place, corner).allSatisfy { ($1..<$1 + 5).contains($0) }
        labels.append(isIn ? 1 : 0)
        images.append((isIn ? 200 : 100) + 20 * random.uniform())
      }
      let file = try File(creating: "\(folder)/v\(number).h5")
      try file.write(images, shape: shape, to: "x")
      try file.write(labels, shape: shape, to: "y")
      try file.close()
    }
    let file = try File(creating: "\(folder)/split.h5")
    try file.write([UInt8]([0, 0, 1, 2, 2]), to: "s")
    try file.close()
  }

  private static let shapes = [[9, 13, 12], [7, 16, 10], [8, 11, 13], [6, 9, 22], [12, 15, 9]]

  private func job(_ folder: String, images: String, labels: String, more: String) throws -> String {
    let path = "\(folder)/r.yaml"
    try """
    tutti: 1
    name: several
    task: segmentation
    data:
      images: \(images)
      labels: \(labels)
      layout: volumes
      classes: [outside, inside]
      split: {dataset: split.h5:/s}
      patch: [8, 8, 8]
    network: {family: tunet, depth: 2, base-channels: 4}
    ensemble: {members: 2}
    training: {epochs: 2, batch: 2, optimizer: {rate: 0.02}}
    uncertainty: {coverage: [0.5]}
    output: r.h5
    \(more)
    """.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private func list(_ dataset: String) -> String {
    "[" + Self.shapes.indices.map { "v\($0).h5:/\(dataset)" }.joined(separator: ", ") + "]"
  }

  @Test(
    "volumes of several extents are learnt, predicted and evaluated, the same from lists and patterns, in tiles"
  )
  func volumes() throws {
    let folder = try EndToEnd.makeFolder("several")
    try Self.write(folder, Self.shapes)
    let path = try job(folder, images: list("x"), labels: list("y"), more: "")
    let checked = try EndToEnd.run(["check", path])
    #expect(checked.output.contains("images [image 5, z 6–12, y 9–16, x 9–22]"), "\(checked.output)")
    #expect(checked.output.contains("1 image of the training part is smaller than a patch, and padded"))
    let ended = try EndToEnd.run(["run", path, "--threads", "1"])
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(ended.output.contains("by image"))

    let other = try EndToEnd.makeFolder("several-pattern")
    try Self.write(other, Self.shapes)
    let more =
      "prediction: {tile: [4, 8, 8], statistics: {maps: [kept, entropy]}}\ninstances: {smallest: 3, autocorrelation: 4}"
    let second = try job(other, images: "v*.h5:/x", labels: "v*.h5:/y", more: more)
    let tiled = try EndToEnd.run(["run", second, "--threads", "1"], ranks: 2)
    try #require(tiled.status == 0, "\(tiled.errors)")
    let results = try [folder, other].map { try File(opening: $0 + "/r.h5").group("entry/prediction") }
    #expect(try results[0].read("extents", as: Int.self) == [6, 9, 22, 12, 15, 9])
    #expect(try results[0].read("indices", as: Int.self) == [3, 4])
    let mean = try results[0].read("mean", as: Float.self)
    #expect(try results[0].dataset("mean").shape == [2, 2, 12, 15, 22])
    #expect(mean.count { $0.isNaN } == 2 * (12 * 15 * 22 - 6 * 9 * 22) + 2 * (12 * 15 * 22 - 12 * 15 * 9))
    #expect(
      try results[1].read("mean", as: Float.self).map(\.bitPattern) == mean.map(\.bitPattern))
    let labels = try results[0].read("labels", as: UInt8.self)
    #expect(try results[1].read("labels", as: UInt8.self) == labels)
    #expect(zip(labels.prefix(100), mean.prefix(100)).allSatisfy { ($0 == 255) == $1.isNaN })
    // Maps of statistics are no numbers beyond an image's borders, as means are.
    let entropy = try File(opening: other + "/r.h5").read("entry/statistics/entropy", as: Float.self)
    #expect(entropy.count == labels.count && zip(entropy, labels).allSatisfy { $0.isNaN == ($1 == 255) })

    try instances(folder, other, labels)
    try recalibration(folder, mean)

    // One of the images is exported without what is beyond its borders; new ones are predicted.
    let output = folder + "/one.npy"
    let exported = try EndToEnd.run(
      ["export", folder + "/r.h5", "--what", "labels", "--image", "0", "--to", output])
    try #require(exported.status == 0, "\(exported.errors)")
    let own = (0..<6 * 9 * 22).map { place -> UInt8 in
      let (z, y, x) = (place / (9 * 22), place / 22 % 9, place % 22)
      return labels[(z * 15 + y) * 22 + x]
    }
    #expect(Array(try EndToEnd.bytes(output).suffix(own.count)) == own)
    let new = try EndToEnd.run(
      ["predict", folder + "/r.h5", folder + "/v[34].h5:/x", "-o", folder + "/new.h5"], ranks: 2)
    try #require(new.status == 0, "\(new.errors)")
    // No file that a pattern means is written over.
    let over = try EndToEnd.run(
      ["predict", folder + "/r.h5", folder + "/v[34].h5:/x", "-o", folder + "/v4.h5", "--overwrite"])
    #expect(over.status == 1 && over.errors.contains("v4.h5 would be written over"), "\(over.errors)")
    let again = try File(opening: folder + "/new.h5").group("entry/prediction").read("mean", as: Float.self)
    #expect(again.map(\.bitPattern) == mean.map(\.bitPattern))
  }

  /// Of results calibrated anew, what pads smaller images is in no set and does not count.
  private func recalibration(_ folder: String, _ mean: [Float]) throws {
    let output = folder + "/again.h5"
    // With one calibration image 0.5 is feasible, and 0.9 is not: its sets hold all classes.
    let ended = try EndToEnd.run(
      ["calibrate", folder + "/r.h5", "--coverage", "0.5,0.9", "--unit", "image", "--no-allow-empty", "-o", output])
    try #require(ended.status == 0, "\(ended.errors)")
    let results = try File(opening: output).group("entry/prediction")
    let sizes = try results.read("set_size", as: UInt8.self)
    let doubts = try results.read("doubt", as: UInt8.self)
    let sets = try results.read("set", as: UInt8.self)
    let pixels = 12 * 15 * 22
    let isOwn = (0..<2 * pixels).map { !mean[$0 / pixels * 2 * pixels + $0 % pixels].isNaN }
    for level in 0..<2 {
      var own = (count: 0, sum: 0)
      for index in 0..<2 * pixels {
        let (size, doubt) = (sizes[level * 2 * pixels + index], doubts[level * 2 * pixels + index])
        let first = level * 4 * pixels + index / pixels * 2 * pixels + index % pixels
        #expect(sets[first] + sets[first + pixels] == size)
        guard isOwn[index] else {
          #expect(size == 0 && doubt == 0)
          continue
        }
        #expect(size > 0 && (doubt == 0) == (size == 1))
        own = (own.count + 1, own.sum + Int(size))
      }
      #expect(own.count == 6 * 9 * 22 + 12 * 15 * 9)
      let line = try #require(ended.output.split(separator: "\n").first { $0.hasPrefix(level == 0 ? "0.5 " : "0.9 ") })
      let columns = line.split(separator: " ").compactMap { Double($0) }
      let mean = Double(own.sum) / Double(own.count)
      #expect(columns.contains { abs($0 - mean) <= 0.00005 } && columns.contains(0), "\(line), \(mean)")
      #expect(level == 0 ? mean < 2 : mean == 2)
    }
  }

  /// The objects that the second job told apart, and those of the first job's equal results by the command.
  private func instances(_ folder: String, _ other: String, _ labels: [UInt8]) throws {
    let ended = try EndToEnd.run(["instances", folder + "/r.h5", "--smallest", "3", "--autocorrelation", "4"])
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(ended.output.contains("r.instances.csv"))
    let tables = try [folder, other].map { try String(contentsOfFile: $0 + "/r.instances.csv", encoding: .utf8) }
    #expect(tables[0] == tables[1])
    #expect(tables[0].hasPrefix("image,number,class,voxels,volume,z first,z last,"))
    let files = try [folder, other].map { try File(opening: $0 + "/r.instances.h5").group("entry") }
    let numbers = try files[0].read("instances/labels", as: Int.self)
    #expect(try files[1].read("instances/labels", as: Int.self) == numbers)
    let voxels = try files[0].read("objects/voxels", as: Int.self)
    #expect(tables[0].split(separator: "\n").count == voxels.count + 1)
    #expect(numbers.count { $0 > 0 } == voxels.reduce(0, +) && voxels.allSatisfy { $0 >= 3 })
    #expect(zip(numbers, labels).allSatisfy { $0 == 0 || $1 == 1 })
    // Of the pixels that mean less spread keeps, fewer are of objects; results without that map say so.
    let kept = try EndToEnd.run(
      ["instances", other + "/r.h5", "--voxels", "kept", "--smallest", "3", "-o", other + "/kept.h5"], ranks: 2)
    try #require(kept.status == 0, "\(kept.errors)")
    let map = try File(opening: other + "/r.h5").read("entry/statistics/kept", as: UInt8.self)
    let own = try File(opening: other + "/kept.h5").read("entry/instances/labels", as: Int.self)
    let pixels = 12 * 15 * 22
    for (index, number) in own.enumerated() where number > 0 {
      #expect(labels[index] == 1 && map[(2 * (index / pixels) + 1) * pixels + index % pixels] == 1)
    }
    #expect(own.count { $0 > 0 } <= numbers.count { $0 > 0 })
    let none = try EndToEnd.run(["instances", folder + "/r.h5", "--voxels", "kept", "-o", folder + "/kept.h5"])
    #expect(none.status != 0 && none.errors.contains("does not say what is kept"), "\(none.errors)")
    // How long they are, and how they lie, as figures.
    for (figure, words) in [("lengths", "from end to end"), ("directions", "pairs of voxels 4 apart")] {
      let drawn = try EndToEnd.run(["plot", folder + "/r.h5", "--figure", figure, "-o", folder + "/f.svg"])
      try #require(drawn.status == 0, "\(drawn.errors)")
      #expect(try String(contentsOfFile: folder + "/f.svg", encoding: .utf8).contains(words))
    }
    let undirected = try EndToEnd.run(["plot", other + "/kept.h5", "--figure", "directions"])
    #expect(undirected.status != 0 && undirected.errors.contains("--autocorrelation"), "\(undirected.errors)")
    // The directions, in one image after the other.
    let maps = try files.map { try $0.read("orientations/autocorrelation", as: Double.self) }
    #expect(maps[0].map(\.bitPattern) == maps[1].map(\.bitPattern))
    #expect(try files[0].dataset("orientations/autocorrelation").shape == [1, 18, 72])
    let shifts = try files[0].read("orientations/shift", as: Int.self)
    func number(_ image: Int, _ extents: [Int], _ z: Int, _ y: Int, _ x: Int) -> Int? {
      guard 0 <= z, 0 <= y, 0 <= x, z < extents[0], y < extents[1], x < extents[2] else { return nil }
      return numbers[((image * 12 + z) * 15 + y) * 22 + x]
    }
    for direction in stride(from: 0, to: maps[0].count, by: 7) {
      let shift = Array(shifts[3 * direction..<3 * direction + 3])
      var (both, all) = (0, 0)
      for (image, extents) in [[6, 9, 22], [12, 15, 9]].enumerated() {
        for place in 0..<extents.reduce(1, *) {
          let (z, y, x) = (
            place / (extents[1] * extents[2]), place / extents[2] % extents[1], place % extents[2]
          )
          guard let other = number(image, extents, z + shift[0], y + shift[1], x + shift[2]) else { continue }
          all += 1
          if other > 0, number(image, extents, z, y, x) ?? 0 > 0 { both += 1 }
        }
      }
      #expect(maps[0][direction] == Double(both) / Double(all), "\(shift)")
    }
    let pictures = try [folder, other].map { try EndToEnd.bytes($0 + "/r.instances.svg") }
    #expect(pictures[0] == pictures[1] && pictures[0].count > 10_000)
    let refused = try EndToEnd.run(["instances", folder + "/r.h5", "--class", "neither", "--overwrite"])
    #expect(refused.status != 0 && refused.errors.contains("neither"), "\(refused.errors)")
    let existing = try EndToEnd.run(["instances", folder + "/r.h5"])
    #expect(existing.status != 0 && existing.errors.contains("r.instances.h5"), "\(existing.errors)")
  }

  @Test("of images of several extents, tasks that see them whole are refused")
  func whole() throws {
    let folder = try EndToEnd.makeFolder("several-whole")
    try Self.write(folder, Self.shapes)
    let path = try job(folder, images: list("x"), labels: list("y"), more: "")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacingOccurrences(of: "task: segmentation", with: "task: autoencoder")
      .replacingOccurrences(of: "  labels: \(list("y"))\n", with: "")
      .replacingOccurrences(of: "  classes: [outside, inside]\n", with: "")
      .replacingOccurrences(of: "tunet, depth: 2, base-channels: 4", with: "autoencoder")
      .write(toFile: path, atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["check", path])
    #expect(
      ended.status != 0
        && ended.errors.contains("holds images of different extents, [image 5, z 6–12, y 9–16, x 9–22]"),
      "\(ended.errors)")
  }
}
