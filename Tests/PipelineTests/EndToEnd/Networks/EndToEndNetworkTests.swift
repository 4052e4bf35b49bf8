import Foundation
import HDF5
import JobFiles
import MessagePassing
import Pipeline
import TestSupport
import Testing

/// Networks that answer with more than an image, or see a volume in another way, from the job file to predictions.
@Suite("End to end: networks")
struct EndToEndNetworkTests {
  /// Sixteen images of 16 × 16 with discs and bars, and which of both each shows; a volume of 16³ with a ball and its voxels.
  private static func write(_ path: String) throws {
    var random = TestRandom(12)
    var (images, kinds): ([Float], [UInt8]) = ([], [])
    for image in 0..<16 {
      let (cy, cx) = (random.integer(5...10), random.integer(5...10))
      for y in 0..<16 {
        for x in 0..<16 {
          let isIn = image % 2 == 0 ? (y - cy) * (y - cy) + (x - cx) * (x - cx) < 16 : abs(x - cx) < 2
          images.append((isIn ? 300 : 100) + 30 * random.uniform())
        }
      }
      kinds.append(UInt8(image % 2))
    }
    var (volume, labels): ([Float], [UInt8]) = ([], [])
    for z in 0..<40 {
      for y in 0..<16 {
        for x in 0..<16 {
          let (dz, dy, dx) = (z % 16 - 8, y - 7, x - 9)
          let isIn = dz * dz + dy * dy + dx * dx < 30
          volume.append((isIn ? 3 : 1) + 0.5 * random.uniform())
          labels.append(isIn ? 1 : 0)
        }
      }
    }
    let file = try File(creating: path)
    try file.write(images, shape: [16, 16, 16], to: "images")
    try file.write(images.map { $0 > 200 ? UInt8(1) : 0 }, shape: [16, 16, 16], to: "masks")
    try file.write(kinds, to: "kinds")
    try file.write([UInt8]([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]), to: "split")
    try file.write(volume, shape: [40, 16, 16], to: "volume")
    try file.write(labels, shape: [40, 16, 16], to: "labels")
    try file.write((0..<40).map { UInt8($0 < 16 ? 0 : $0 < 26 ? 1 : 2) }, to: "slices")
    try file.close()
  }

  private struct Job {
    let folder: String
    let text: String
    var path: String { folder + "/job.yaml" }
    var results: String { folder + "/r.h5" }

    init(_ name: String, task: String, data: String, network: String, more: String = "") throws {
      folder = try EndToEnd.makeFolder(name)
      text = """
        tutti: 1
        name: \(name)
        task: \(task)
        data: {\(data)}
        network: \(network)
        ensemble: {members: 2}
        training: {epochs: 2, batch: 2, optimizer: {rate: 0.01}}
        uncertainty: {coverage: [0.9]}
        \(more)
        output: r.h5
        """
      try write(to: folder)
    }

    private func write(to folder: String) throws {
      try EndToEndNetworkTests.write(folder + "/data.h5")
      try text.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
    }

    /// Runs on one rank, then copies on others, and expects equal results.
    func expectSameBits(ranks: [Int] = [2, 3]) throws {
      let ended = try EndToEnd.run(["run", path, "--threads", "1"])
      try #require(ended.status == 0, "\(ended.errors)")
      for ranks in ranks {
        let other = try EndToEnd.makeFolder("ranks")
        try write(to: other)
        let ended = try EndToEnd.run(["run", other + "/job.yaml", "--threads", "2"], ranks: ranks)
        try #require(ended.status == 0, "\(ended.errors)")
        #expect(try EndToEnd.difference(results, other + "/r.h5") == "", "\(ranks) ranks")
      }
    }

    func predict(_ dataset: String, _ options: [String] = [], ranks: Int? = nil) throws -> File {
      let new = folder + "/new.h5"
      let ended = try EndToEnd.run(
        ["predict", results, folder + "/data.h5:/" + dataset, "-o", new] + options, ranks: ranks)
      try #require(ended.status == 0, "\(ended.errors)")
      return try File(opening: new)
    }

    /// What is wrong with the job, as `check` tells it; empty when nothing is.
    @MainActor func refusal() -> String {
      do {
        _ = try Run(JobFile(path: path), over: try MPI.initialize(), log: .silent).plan(ranks: 1)
        return ""
      } catch {
        return "\(error)"
      }
    }
  }

  private static let images = "images: data.h5:/images, split: {dataset: data.h5:/split}"
  private static let volume =
    "images: data.h5:/volume, labels: data.h5:/labels, volume: true, classes: [paste, ball], "
    + "split: {dataset: data.h5:/slices}"

  @Test("an autoencoder's latent vectors stand in the results, and are the same for new images")
  func latents() throws {
    let job = try Job(
      "latent", task: "autoencoder", data: Self.images,
      network: "{family: autoencoder, depth: 2, base-channels: 3, latent-dimension: 5}",
      more: "prediction: {latent: true}")
    try job.expectSameBits()
    let file = try File(opening: job.results)
    #expect(try file.group("entry/latent").attributes("axes", as: String.self) == ["member", "image", "channel"])
    #expect(try file.dataset("entry/latent/latent").shape == [2, 4, 5])
    let latent = try file.read("entry/latent/latent", as: Float.self)
    #expect(Set(latent).count > 30 && latent.allSatisfy(\.isFinite))
    // Two maps of the test part, with the same bits on any number of ranks.
    let maps = try ["map", "umap"].map { try file.read("entry/evaluation/latent/\($0)", as: Double.self) }
    #expect(maps.allSatisfy { $0.count == 2 * 4 * 2 && $0.allSatisfy(\.isFinite) } && maps[0] != maps[1])
    for ranks in [1, 3] {
      let again = try EndToEnd.run(["evaluate", job.path], ranks: ranks)
      try #require(again.status == 0, "\(again.errors)")
      let found = try File(opening: job.results).read("entry/evaluation/latent/umap", as: Double.self)
      #expect(found.map(\.bitPattern) == maps[1].map(\.bitPattern))
    }
    let new = try job.predict("images", ["--latent"], ranks: 3)
    #expect(try new.dataset("entry/latent/latent").shape == [2, 16, 5])
    let all = try new.read("entry/latent/latent", as: Float.self)
    #expect(Array(all[12 * 5..<16 * 5]) == Array(latent[0..<20]))
    #expect(try !job.predict("images", ["--overwrite"]).exists("entry/latent"))
  }

  @Test("sparse autoencoders give planes as latent values, another network for each member")
  func planesOfLatents() throws {
    let job = try Job(
      "sparse", task: "autoencoder", data: Self.images,
      network: "{family: sparse-autoencoder, nodes: 3, dilations: [1, 2], latent-channels: 2}",
      more: "prediction: {latent: true}")
    try job.expectSameBits(ranks: [2])
    #expect(try File(opening: job.results).dataset("entry/latent/latent").shape == [2, 4, 2, 4, 4])
  }

  @Test("a sparse labeler classifies images")
  func labeler() throws {
    let job = try Job(
      "labeler", task: "classification", data: Self.images + ", labels: data.h5:/kinds, classes: [disc, bar]",
      network: "{family: sparse-labeler, nodes: 3, dilations: [1, 2], levels: 1}")
    try job.expectSameBits(ranks: [2])
    #expect(try File(opening: job.results).dataset("entry/prediction/mean").shape == [4, 2])
  }

  @Test("2-D networks segment a volume along three axes, the same on any number of ranks")
  func planes() throws {
    let job = try Job(
      "planes", task: "segmentation", data: Self.volume + ", planes: [xy, xz, yz], patch: [12, 12]",
      network: "{family: smsnet, nodes: 2}", more: "prediction: {tile: [6, 8, 8]}")
    try job.expectSameBits(ranks: [2, 3, 4])
    let file = try File(opening: job.results)
    #expect(
      try file.group("entry/prediction").attributes("axes", as: String.self) == ["image", "class", "z", "y", "x"])
    #expect(try file.dataset("entry/prediction/mean").shape == [1, 2, 14, 16, 16])
    let mean = try file.read("entry/prediction/mean", as: Float.self)
    for voxel in 0..<14 * 256 { #expect(abs(mean[voxel] + mean[14 * 256 + voxel] - 1) < 1e-5) }
    #expect(try job.predict("volume").dataset("entry/prediction/mean").shape == [1, 2, 40, 16, 16])
  }

  @Test(
    "every family is checked and drawn",
    arguments: [
      "tunet, depth: 2, base-channels: 2", "tunet3plus, depth: 2, base-channels: 2", "msdnet, layers: 3",
      "smsnet, nodes: 3", "fcnet", "autoencoder, depth: 2, base-channels: 2",
      "sparse-autoencoder, nodes: 3, dilations: [1]", "sparse-labeler, nodes: 3, dilations: [1]", "grey2color",
    ])
  @MainActor func everyFamily(network: String) throws {
    let run = try Run(JobFile(path: try Self.drawn(network).path), over: try MPI.initialize(), log: .silent)
    #expect(try run.plan(ranks: 1).description.contains("parameters"))
    try expectDrawing(try run.network(ofMember: 1).dot())
  }

  private static func drawn(_ network: String) throws -> Job {
    let isLabeler = network.hasPrefix("sparse-labeler")
    return try Job(
      "drawn", task: isLabeler ? "classification" : "autoencoder",
      data: images + (isLabeler ? ", labels: data.h5:/kinds, classes: [disc, bar]" : ""),
      network: "{family: \(network)}")
  }

  private func expectDrawing(_ text: String) throws {
    #expect(text.hasPrefix("digraph \"drawn, member 1\" {") && text.hasSuffix("}\n") && text.contains("1 × 16×16"))
  }

  @Test("the program prints the plan and the drawing of a network, and says which members there are")
  func drawn() throws {
    let job = try Self.drawn("fcnet")
    let checked = try EndToEnd.run(["check", job.path])
    #expect(checked.status == 0 && checked.output.contains("parameters"), "\(checked.errors)")
    let drawn = try EndToEnd.run(["draw", job.path, "--member", "1"])
    #expect(drawn.status == 0, "\(drawn.errors)")
    try expectDrawing(drawn.output)
    let missing = try EndToEnd.run(["draw", job.path, "--member", "2"])
    #expect(missing.messages == ["there is no member 2; the job has members 0 to 1."])
  }

  @Test("settings that do not go with the networks are told before any work")
  @MainActor func refused() throws {
    func message(_ task: String, _ data: String, _ network: String, _ more: String = "") throws -> String {
      try Job("refused", task: task, data: data, network: network, more: more).refusal()
    }
    #expect(
      try message("autoencoder", Self.images, "{family: tunet}", "prediction: {latent: true}")
        .contains("tunet has no latent values"))
    #expect(
      try message(
        "autoencoder", Self.images + ", planes: [xy]", "{family: smsnet, nodes: 2}"
      ).contains("planes are those of a volume"))
    #expect(
      try message("segmentation", Self.volume + ", planes: [xy, xz], patch: [8, 8, 8]", "{family: tunet}")
        .contains("needs 2 values (rows, columns)"))
    #expect(
      try message(
        "segmentation", Self.images + ", labels: data.h5:/masks, classes: [a, b]",
        "{family: sparse-labeler, nodes: 2, dilations: [1]}"
      ).contains("choose another family"))
    #expect(
      try message(
        "autoencoder", Self.images + ", patch: [8, 8]", "{family: autoencoder, depth: 2, base-channels: 2}"
      ).contains("bound to images of [8, 8] pixels"))
    #expect(
      try message("autoencoder", Self.images, "{family: tunet, quantile-heads: {}}").contains("training.loss"))
  }
}
