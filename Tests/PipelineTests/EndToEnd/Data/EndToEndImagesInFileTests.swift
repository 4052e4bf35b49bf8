import Foundation
import HDF5
import TestSupport
import Testing

/// Training images that are larger than the memory that a run may take.
@Suite("End to end: training images in a file")
struct EndToEndImagesInFileTests {
  /// 40 slices to learn from, 26 MB with their labels; four calibrate, four test.
  private static func write(_ path: String) throws {
    let shape = [48, 256, 512]
    let count = shape.reduce(1, *)
    var random = TestRandom(11)
    var (images, labels) = ([Float](), [UInt8]())
    images.reserveCapacity(count)
    labels.reserveCapacity(count)
    for voxel in 0..<count {
      let isIn = voxel / 16 % 3 == 0 && voxel / 8192 % 2 == 0
      images.append((isIn ? 180 : 100) + 30 * random.uniform())
      labels.append(isIn ? 1 : 0)
    }
    let file = try File(creating: path)
    try file.write(images, shape: shape, to: "images")
    try file.write(labels, shape: shape, to: "labels")
    try file.write((0..<48).map { UInt8($0 < 40 ? 0 : $0 < 44 ? 1 : 2) }, to: "split")
    try file.close()
  }

  private func job(_ folder: String, _ name: String) throws -> String {
    let path = "\(folder)/\(name).yaml"
    try """
    tutti: 1
    name: larger
    task: segmentation
    data:
      images: data.h5:/images
      labels: data.h5:/labels
      volume: true
      classes: [outside, inside]
      split: {dataset: data.h5:/split, train: 0, calibrate: 1, test: 2}
      patch: [4, 64, 64]
    network: {family: smsnet, nodes: 2, hidden-channels: [2], dilations: [1, 2]}
    ensemble: {members: 2}
    training: {epochs: 1, batch: 4, optimizer: {rate: 0.01}}
    prediction: {tile: [4, 64, 64]}
    uncertainty: {coverage: [0.9]}
    output: \(name).h5
    """.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  @Test("images that do not fit in memory wait in a file, which check tells, and results have the same bits")
  func sameBits() throws {
    let folder = try EndToEnd.makeFolder("larger")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Self.write(folder + "/data.h5")
    let roomy = try job(folder, "roomy")
    let tight = try job(folder, "tight")
    let plan = try EndToEnd.run(["check", roomy, "--threads", "1"])
    #expect(!plan.output.contains("do not fit in memory"), "\(plan.output)")
    let own = try #require(plan.output.firstMatch(of: /(\d+) MB of each are the program's own/)?.output.1)
    let memory = try #require(Int(own)) + 20
    let limit = ["--threads", "1", "--memory", "\(memory)MB"]
    let told = try EndToEnd.run(["check", tight] + limit)
    #expect(told.output.contains("take 26.2 MB and do not fit in memory"), "\(told.output)")
    #expect(!told.output.contains("would be refused"), "\(told.output)")

    let whole = try EndToEnd.run(["run", roomy, "--threads", "1"])
    try #require(whole.status == 0, "\(whole.errors)")
    let ended = try EndToEnd.run(["run", tight] + limit, ranks: 2)
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(ended.errors.contains("do not fit in memory"), "\(ended.errors)")
    for member in 0..<2 {
      let name = "members/member-000\(member).h5"
      #expect(
        try EndToEnd.bytes("\(folder)/tight.\(name)") == EndToEnd.bytes("\(folder)/roomy.\(name)"), "member \(member)")
    }
    // Neither the file nor a name of it is left.
    #expect(try EndToEnd.contents(folder).filter { $0.contains("training-images") } == [])
  }
}
