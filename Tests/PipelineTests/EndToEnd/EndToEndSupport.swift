import Foundation
import HDF5
import TestSupport
import Testing

/// The program itself, started as users start it.
enum EndToEnd {
  /// The program, which is built beside the tests.
  static let tutti = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appendingPathComponent("tutti").path

  /// The data that the repository carries.
  static let cement = Repository.path("jobs/data/cement.h5")

  /// A folder for all tests of this process, removed when it ends.
  static let folder: String = {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("tutti-\(UUID().uuidString)").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: EndToEnd.folder) }
    return path
  }()

  /// A fresh folder for a test or a job.
  static func makeFolder(_ name: String) throws -> String {
    let path = folder + "/" + name + "-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  /// What the children see: nothing of an MPI that runs in this process, and leave to run as root.
  static var environment: [String: String] {
    let own = ["OMPI_", "PMIX_", "ORTE_", "PMI_", "SLURM_", "OMP_", "TUTTI_"]
    var result = ProcessInfo.processInfo.environment.filter { entry in !own.contains { entry.key.hasPrefix($0) } }
    if getuid() == 0 {
      result["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      result["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    }
    // After a rank's failure mpirun gives the others a second to end; here they have ended by themselves or never would.
    result["OMPI_MCA_odls_base_sigkill_timeout"] = "0"
    return result
  }

  /// Runs `tutti ARGUMENTS` and waits for it; one that takes longer than `seconds` is ended, which fails the test.
  ///
  /// - Parameter ranks: started by `mpirun`; nil: the program by itself.
  /// - Parameter watch: called with the running process every few milliseconds.
  static func run(
    _ arguments: [String], ranks: Int? = nil, in folder: String? = nil, seconds: Double = 60,
    sourceLocation: SourceLocation = #_sourceLocation, watch: (Process) throws -> Void = { _ in }
  ) throws -> Ended {
    var command = [tutti] + arguments
    if let ranks {
      let mpirun = try #require(program("mpirun"), "there is no mpirun in PATH", sourceLocation: sourceLocation)
      command = [mpirun, "-n", "\(ranks)", "--oversubscribe", "--bind-to", "none"] + command
    }
    return try execute(command, in: folder, seconds: seconds, sourceLocation: sourceLocation, watch: watch)
  }

  /// Runs any program, as `run`.
  static func execute(
    _ command: [String], in folder: String? = nil, seconds: Double = 60,
    sourceLocation: SourceLocation = #_sourceLocation, watch: (Process) throws -> Void = { _ in }
  ) throws -> Ended {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    let logs = try makeFolder("log")
    defer { try? FileManager.default.removeItem(atPath: logs) }
    let names = ["output", "errors"].map { logs + "/" + $0 }
    let handles = try names.map { name in
      _ = FileManager.default.createFile(atPath: name, contents: nil)
      return try FileHandle(forWritingTo: URL(fileURLWithPath: name))
    }
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    try process.run()
    let start = ContinuousClock.now
    var isLate = false
    while process.isRunning {
      try watch(process)
      usleep(5000)
      if !isLate, ContinuousClock.now - start > .seconds(seconds) {
        isLate = true
        // mpirun ends its ranks when it is asked to end.
        process.terminate()
        usleep(3_000_000)
        kill(process.processIdentifier, SIGKILL)
      }
    }
    process.waitUntilExit()
    for handle in handles { try handle.close() }
    let texts = try names.map { String(decoding: try Data(contentsOf: URL(fileURLWithPath: $0)), as: UTF8.self) }
    if isLate {
      Issue.record(
        "\(command.joined(separator: " ")) did not end within \(seconds) s: \(texts[1])",
        sourceLocation: sourceLocation)
    }
    return Ended(status: process.terminationStatus, output: texts[0], errors: texts[1])
  }

  /// What two HDF5 files differ in, by `h5diff`; nothing when they are equal in all but the provenance.
  static func difference(_ a: String, _ b: String) throws -> String {
    let h5diff = try #require(program("h5diff"), "there is no h5diff in PATH (apt install hdf5-tools)")
    let excluded = try File(opening: a).exists("entry/provenance") ? ["--exclude-path", "/entry/provenance"] : []
    let ended = try execute([h5diff, "-c", "-n", "5"] + excluded + [a, b])
    return ended.status == 0 ? ended.errors : "status \(ended.status): " + ended.output + ended.errors
  }

  /// All paths below a folder, sorted.
  static func contents(_ folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
  }

  /// Writes `data.h5`: 24 noisy images of 16 × 16, of which 8 train, 4 calibrate and 12 test, with a number for each image
  /// under each of some names.
  static func writeImages(in folder: String, numbers: KeyValuePairs<String, (Int) -> Int>) throws {
    var random = TestRandom(5)
    let file = try File(creating: folder + "/data.h5")
    try file.write(random.uniforms(24 * 256).map { 2 * $0 }, shape: [24, 16, 16], to: "images")
    try file.write((0..<24).map { UInt8($0 < 8 ? 0 : $0 < 12 ? 1 : 2) }, to: "split")
    for (name, number) in numbers { try file.write((0..<24).map(number), to: name) }
    try file.close()
  }

  /// Writes a job of an autoencoder for these images, whose latent values are kept.
  ///
  /// - Parameters:
  ///   - prediction: more settings of `prediction`, each after a comma.
  ///   - more: lines of other settings.
  static func writeLatentJob(
    _ name: String, prediction: String, _ more: String = "", output: String, to path: String
  ) throws {
    try """
    tutti: 1
    name: \(name)
    task: autoencoder
    data: {images: data.h5:/images, split: {dataset: data.h5:/split}}
    network: {family: autoencoder, depth: 2, base-channels: 3, latent-dimension: 4}
    ensemble: {members: 2}
    training: {epochs: 1, batch: 2}
    prediction: {latent: true\(prediction)}
    uncertainty: {coverage: [0.8]}
    output: \(output)
    \(more)
    """.write(toFile: path, atomically: true, encoding: .utf8)
  }

  static func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
}

extension Ended {
  /// What the program itself says is wrong: lines after `tutti:`, with those that go on under them. Without what mpirun adds.
  var messages: [String] {
    var messages: [String] = []
    for line in errors.split(separator: "\n") {
      if line.hasPrefix("tutti: ") {
        messages.append(String(line.dropFirst(7)))
      } else if line.hasPrefix("       "), !messages.isEmpty {
        messages[messages.count - 1] += "\n" + line.dropFirst(7)
      }
    }
    return messages
  }
}

/// A job file of a test, in a folder of its own.
struct EndToEndJob: Sendable {
  var folder: String
  var images: String
  var labels: String
  var volume = false
  var split: String
  var patch: [Int]
  var network = "{family: smsnet, nodes: 4}"
  var members = 4
  var epochs = 2
  var seed = 1
  var batch = 4
  var shards = 2
  var ranksPerMember = "1"
  var scope = "batch"
  var version = 1
  var rate = "0.005"
  /// More of the section `training`, from a comma on.
  var training = ""
  var coverage = [0.8, 0.9, 0.95]
  var output = "results/result.h5"

  var text: String {
    """
    tutti: \(version)
    name: end to end
    task: segmentation
    data:
      images: \(images)
      labels: \(labels)
      volume: \(volume)
      classes: [paste, void]
      split: \(split)
      patch: \(patch)
    network: \(network)
    ensemble: {members: \(members), bagging: true, ranks-per-member: \(ranksPerMember)}
    normalization: {scope: \(scope)}
    training: {epochs: \(epochs), batch: \(batch), shards: \(shards), optimizer: {name: adam, rate: \(rate)}, seed: \(seed)\(training)}
    uncertainty: {method: lac, coverage: \(coverage), unit: pixel}
    output: \(output)

    """
  }

  var path: String { folder + "/job.yaml" }
  var results: String { folder + "/results/result.h5" }
  var calibration: String { folder + "/results/result.calibration.h5" }
  var memberFolder: String { folder + "/results/result.members" }
  func member(_ index: Int) -> String { memberFolder + "/member-000\(index).h5" }

  func write() throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }

  /// The same job in another folder, so with files of its own.
  func copy(_ name: String) throws -> EndToEndJob {
    var job = self
    job.folder = try EndToEnd.makeFolder(name)
    try job.write()
    return job
  }

  /// The job with all its files in another folder.
  func copyWithFiles(_ name: String) throws -> EndToEndJob {
    var job = self
    job.folder = try EndToEnd.makeFolder(name) + "/job"
    try FileManager.default.copyItem(atPath: folder, toPath: job.folder)
    return job
  }

  /// Runs `tutti COMMAND JOB` and expects success.
  @discardableResult
  func succeed(
    _ command: String = "run", ranks: Int? = 1, threads: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Ended {
    let ended = try EndToEnd.run(
      [command, path, "--threads", "\(threads)"], ranks: ranks, sourceLocation: sourceLocation)
    try #require(
      ended.status == 0, "tutti \(command) on \(ranks ?? 1) ranks: \(ended.errors)", sourceLocation: sourceLocation)
    return ended
  }

  // MARK: Jobs that tests share

  /// Four small 3-D networks on 32 slices of the cement data, whose test slices are two runs.
  static func volume(_ name: String) throws -> EndToEndJob {
    let folder = try EndToEnd.makeFolder(name)
    let file = try File(creating: folder + "/split.h5")
    let parts = [(0, 16), (9, 40), (1, 8), (9, 20), (2, 8), (9, 12), (2, 5), (9, 19)]
    try file.write(parts.flatMap { Array(repeating: UInt8($0.0), count: $0.1) }, to: "split")
    try file.close()
    let job = EndToEndJob(
      folder: folder, images: EndToEnd.cement + ":/images", labels: EndToEnd.cement + ":/labels", volume: true,
      split: "{dataset: \(folder)/split.h5:/split, train: 0, calibrate: 1, test: 2}", patch: [8, 32, 32])
    try job.write()
    return job
  }

  /// Four small U-Nets on slices of the cement data as images.
  static func stack(_ name: String) throws -> EndToEndJob {
    let job = EndToEndJob(
      folder: try EndToEnd.makeFolder(name), images: EndToEnd.cement + ":/images",
      labels: EndToEnd.cement + ":/labels", split: "{train: 0.12, calibrate: 0.05, test: 0.04, seed: 3}",
      patch: [64, 64], network: "{family: tunet, depth: 3, base-channels: 4}")
    try job.write()
    return job
  }

  /// Two tiny networks on twelve images of 16×16 pixels that are made here: less than a second.
  static func tiny(_ name: String) throws -> EndToEndJob {
    let folder = try EndToEnd.makeFolder(name)
    let shape = [12, 16, 16]
    let count = shape.reduce(1, *)
    var random = TestRandom(7)
    let labels = random.uniforms(count).map { UInt8($0 < -0.2 ? 1 : 0) }
    let images = zip(labels, random.uniforms(count)).map { 2 * Float($0) + 0.8 * $1 }
    let file = try File(creating: folder + "/data.h5")
    try file.write(images, shape: shape, to: "images")
    try file.write(labels, shape: shape, to: "labels")
    try file.write([UInt8](repeating: 0, count: 6) + [1, 1, 1, 2, 2, 2], to: "split")
    try file.write([UInt8](repeating: 0, count: 6) + [1, 1, 1, 1, 1, 1], to: "untested")
    try file.write(Array(labels.prefix(count / 2)), shape: [12, 16, 8], to: "narrow")
    var odd = labels
    odd[3 * 256 + 4 * 16 + 5] = 7
    try file.write(odd, shape: shape, to: "odd")
    var broken = images
    broken[2 * 256 + 3 * 16 + 4] = .nan
    try file.write(broken, shape: shape, to: "broken")
    try file.close()
    let job = EndToEndJob(
      folder: folder, images: "data.h5:/images", labels: "data.h5:/labels",
      split: "{dataset: data.h5:/split, train: 0, calibrate: 1, test: 2}", patch: [8, 8],
      network: "{family: smsnet, nodes: 2}", members: 2, epochs: 1)
    try job.write()
    return job
  }
}
