import Foundation
import HDF5
import TestSupport
import Testing

/// One network over many ranks: members and results have the bits of one rank, whoever computes which shard.
///
/// Each value of each axis is tried with jobs of about a second; all products of them when `TUTTI_ALL` is set
/// (`Tests/run.sh --all`).
@Suite("End to end: ranks of a member")
struct EndToEndRanksTests {
  enum Network: String, CaseIterable, Sendable {
    case tunet = "{family: tunet, depth: 2, base-channels: 4}"
    case smsnet = "{family: smsnet, nodes: 2, dilations: [1, 2]}"
  }

  /// A job whose batches are of eight samples in eight shards; its epochs end with a short batch.
  static func job(_ network: Network, volume: Bool, scope: String, members: Int = 1) throws -> EndToEndJob {
    let folder = try EndToEnd.makeFolder("ranks")
    let shape = volume ? [24, 8, 8] : [30, 16, 16]
    let count = shape.reduce(1, *)
    var random = TestRandom(9)
    let labels = random.uniforms(count).map { UInt8($0 < -0.2 ? 1 : 0) }
    let images = zip(labels, random.uniforms(count)).map { 2 * Float($0) + 0.8 * $1 }
    let parts = [(0, shape[0] - 8), (1, 4), (2, 4)].flatMap { Array(repeating: UInt8($0.0), count: $0.1) }
    let file = try File(creating: folder + "/data.h5")
    try file.write(images, shape: shape, to: "images")
    try file.write(labels, shape: shape, to: "labels")
    try file.write(parts, to: "split")
    try file.close()
    var job = EndToEndJob(
      folder: folder, images: "data.h5:/images", labels: "data.h5:/labels", volume: volume,
      split: "{dataset: data.h5:/split, train: 0, calibrate: 1, test: 2}", patch: volume ? [4, 4, 4] : [8, 8],
      network: network.rawValue, members: members, epochs: 2)
    (job.batch, job.shards, job.scope) = (8, 8, scope)
    try job.write()
    return job
  }

  struct Axes: Sendable, CustomTestStringConvertible {
    var network = Network.tunet
    var volume = false
    var scope = "batch"
    var ranks: [Int]
    var threads = 1
    var ranksPerMember = "auto"
    var members = 1
    /// Of all but the run on one rank.
    var optimizerState = "auto"
    var testDescription: String {
      "\(network), \(volume ? 3 : 2)-D, \(scope), \(ranks) ranks, \(threads) threads, \(ranksPerMember) a member, "
        + "optimizer's state \(optimizerState)"
    }
  }

  static var cases: [Axes] {
    guard ProcessInfo.processInfo.environment["TUTTI_ALL"] == nil else {
      return Network.allCases.flatMap { network in
        [false, true].flatMap { volume in
          ["batch", "shard"].flatMap { scope in
            [1, 2].flatMap { threads in
              ["1", "2", "auto"].map { each in
                Axes(
                  network: network, volume: volume, scope: scope,
                  ranks: each == "2" ? [2, 3, 4, 5, 8] : [1, 2, 3, 4, 5, 8],
                  threads: threads, ranksPerMember: each, members: each == "auto" ? 1 : 3)
              }
            }
          }
        }
      }
    }
    return [
      Axes(network: .tunet, ranks: [1, 2, 3, 4, 5, 8]),
      Axes(network: .smsnet, volume: true, scope: "shard", ranks: [2, 5], threads: 2),
      Axes(network: .smsnet, scope: "batch", ranks: [4], ranksPerMember: "2", members: 3, optimizerState: "divided"),
      Axes(network: .tunet, volume: true, scope: "shard", ranks: [3], threads: 2, ranksPerMember: "1", members: 2),
    ]
  }

  @Test("no number of ranks or threads changes a bit, and every rank computes shards", arguments: cases)
  func sameBits(_ axes: Axes) throws {
    let reference = try Self.job(axes.network, volume: axes.volume, scope: axes.scope, members: axes.members)
    try reference.succeed(ranks: nil)
    let losses = try File(opening: reference.member(0)).group("history").read("loss", as: Double.self)
    #expect(losses.last! < losses[0], "weights moved")
    for ranks in axes.ranks {
      var job = try reference.copy("ranks")
      try FileManager.default.copyItem(atPath: reference.folder + "/data.h5", toPath: job.folder + "/data.h5")
      job.ranksPerMember = axes.ranksPerMember
      job.training = ", optimizer-state: \(axes.optimizerState)"
      try job.write()
      try job.succeed(ranks: ranks, threads: axes.threads)
      try EndToEndSameBitsTests().expectSame(job, reference)
      let shards = try File(opening: job.results).read("entry/provenance/shards_of_rank", as: Int.self)
      #expect(shards.count == ranks && shards.allSatisfy { $0 > 0 }, "\(ranks) ranks computed \(shards)")
    }
  }

  @Test("more ranks a member than shards are told before training")
  func misuse() throws {
    var job = try Self.job(.smsnet, volume: false, scope: "batch")
    job.ranksPerMember = "9"
    try job.write()
    let many = try EndToEnd.run(["check", job.path])
    #expect(many.status != 0)
    #expect(many.errors.contains("9 ranks cannot share a batch of 8 shards"))
  }

  @Test("the plan tells which ranks begin with which member")
  func plan() throws {
    var job = try Self.job(.tunet, volume: false, scope: "batch", members: 2)
    job.ranksPerMember = "2"
    try job.write()
    let ended = try EndToEnd.run(["check", job.path, "--for-ranks", "5"])
    #expect(ended.status == 0)
    #expect(ended.output.contains("2 members to train in 2 groups of 2 to 3 ranks."))
    #expect(ended.output.contains("0–2") && ended.output.contains("3–4"))
  }
}
