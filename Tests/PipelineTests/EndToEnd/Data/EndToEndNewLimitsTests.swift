import Foundation
import HDF5
import Host
import JobFiles
import MessagePassing
import TestSupport
import Testing

@testable import Pipeline

/// Jobs that the program writes for little memory, and whether it writes the same ones again.
@Suite("End to end: new jobs within limits")
struct EndToEndNewLimitsTests {
  /// 110 images of twelve channels of 64 × 64, of which a few pixels are labelled: 20 MB to learn from.
  private static func write(_ path: String) throws {
    let (channels, pixels) = (12, 64 * 64)
    let count = 110 * pixels
    var random = TestRandom(21)
    var (images, labels) = ([Float](), [UInt8](repeating: 255, count: count))
    images.reserveCapacity(channels * count)
    for value in 0..<channels * count {
      let pixel = value / (channels * pixels) * pixels + value % pixels
      let isIn = pixel / 12 % 3 == 0 && pixel / 1024 % 2 == 0
      images.append((isIn ? 180 : 100) + 30 * random.uniform())
      if pixel % 51 == 0 { labels[pixel] = isIn ? 1 : 0 }
    }
    let file = try File(creating: path)
    try file.write(images, shape: [110, channels, 64, 64], to: "images")
    try file.write(labels, shape: [110, 64, 64], to: "labels")
    try file.write((0..<110).map { UInt8($0 < 100 ? 0 : $0 < 105 ? 1 : 2) }, to: "split")
    try file.close()
  }

  /// The most memory that a process has had, in bytes.
  private static func peak(_ process: Process) -> Int? {
    let text = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
    return text?.firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap { Int($0.output.1) }.map { $0 * 1024 }
  }

  @Test("of data larger than the memory it writes a job that runs within it, and says so in the job")
  func memory() throws {
    let folder = try EndToEnd.makeFolder("new-memory")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Self.write(folder + "/data.h5")
    func tutti(_ arguments: [String], watch: (Process) -> Void = { _ in }) throws -> Ended {
      try EndToEnd.run(arguments + ["--threads", "1"], in: folder, seconds: 400, watch: watch)
    }
    let new = ["new", "data.h5", "--layout", "images", "--ignore", "255", "--minutes", "0.01", "-o"]
    let roomy = try tutti(new + ["roomy.yaml"])
    try #require(roomy.status == 0, "\(roomy.errors)")
    #expect(!roomy.output.contains("memory:"))
    let plan = try tutti(["check", "roomy.yaml"]).output
    #expect(!plan.contains("do not fit in memory"), "\(plan)")
    let own = try #require(plan.firstMatch(of: /(\d+) MB of each are the program's own/)?.output.1)
    let limit = try #require(Int(own)) + 24
    let tight = try tutti(new + ["tight.yaml", "--memory", "\(limit)MB"])
    try #require(tight.status == 0, "\(tight.errors)")
    #expect(tight.output.contains("memory: '\(limit)MB'"), "\(tight.output)")
    func batch(_ ended: Ended) throws -> Int {
      try #require(ended.output.firstMatch(of: /batch: (\d+)/).flatMap { Int($0.output.1) })
    }
    #expect(try batch(tight) < batch(roomy))
    let told = try tutti(["check", "tight.yaml"]).output
    #expect(told.contains("do not fit in memory") && !told.contains("would be refused"), "\(told)")
    var peak = 0
    let ended = try tutti(["run", "tight.yaml"]) { peak = max(peak, Self.peak($0) ?? 0) }
    #expect(ended.status == 0, "\(ended.errors)")
    // As near as `check` tells it.
    #expect(peak > 0 && peak <= limit * 1_150_000, "\(peak) bytes, and \(limit) MB are allowed")
    let hopeless = try tutti(new + ["none.yaml", "--memory", "\(try #require(Int(own)) + 1)MB"])
    #expect(hopeless.status == 1)
    #expect(hopeless.messages.first?.hasPrefix("the smallest network would need ") == true, "\(hopeless.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder + "/none.yaml"))
  }

  @Test("from the same data it writes the same job, but for the speed that it measures, and epochs")
  func sameJob() throws {
    let folder = try EndToEnd.makeFolder("new-same")
    let data = Repository.path("Tests/Fixtures/formats/job")
    for name in ["images.tif", "labels.tif"] {
      try FileManager.default.copyItem(atPath: "\(data)/\(name)", toPath: "\(folder)/\(name)")
    }
    let texts = try ["1", "2"].map { threads in
      let ended = try EndToEnd.run(
        ["new", "images.tif", "--labels", "labels.tif", "--minutes", "1", "--overwrite", "--threads", threads],
        in: folder)
      try #require(ended.status == 0, "\(ended.errors)")
      return try String(contentsOfFile: folder + "/job.yaml", encoding: .utf8)
        .replacing(/; all takes about .* on \d threads? here that nobody else uses \(.* GFLOP\/s\)/, with: "")
        .replacing(/epochs: \d+ */, with: "epochs: ")
    }
    #expect(texts[0] == texts[1])
    #expect(texts[0].contains("\n  epochs: ") && !texts[0].contains("GFLOP"))
  }

  @Test("the job follows from data and times: a little slower gives the same one, ten times faster one of more epochs")
  @MainActor func times() throws {
    let folder = try EndToEnd.makeFolder("new-times")
    let data = Repository.path("Tests/Fixtures/formats/job")
    func proposal(_ factor: Double) throws -> (JobProposal, tried: Int) {
      var job = NewJob(images: data + "/images.tif", output: folder + "/job.yaml")
      (job.labels, job.minutes, job.threads) = (data + "/labels.tif", 1, 1)
      let tried = Counter()
      job.times = { _ in
        tried.count += 1
        return StageTimes(training: 2 * factor, calibration: 1, prediction: 1, evaluation: 2, speed: 4e9 / factor)
      }
      let proposal = try job.proposal(over: try MPI.initialize(), log: .silent)
      return (proposal, tried.count)
    }
    let (first, again) = (try proposal(1), try proposal(1))
    #expect(first.0 == again.0 && first.tried == again.tried && first.tried > 0)
    #expect(first.0.text(file: "job.yaml") == again.0.text(file: "job.yaml"))
    let (near, fast) = (try proposal(1.02), try proposal(0.1))
    // 47 s of a minute are left for epochs of 2 s.
    #expect(first.0.epochs == 20)
    #expect(near.0.network == first.0.network && near.0.epochs == first.0.epochs && near.0.batch == first.0.batch)
    #expect(fast.0.epochs == 200 && fast.0.network == first.0.network)
  }

  private final class Counter: @unchecked Sendable { var count = 0 }
}
