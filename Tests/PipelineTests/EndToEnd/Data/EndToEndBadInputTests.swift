import Foundation
import HDF5
import TestSupport
import Testing

/// Bad input ends with one message from one rank, a failure, and no trace in the folder.
@Suite("End to end: bad input")
struct EndToEndBadInputTests {
  static let tiny = Result {
    let job = try EndToEndJob.tiny("bad")
    let whole = try EndToEnd.bytes(job.folder + "/data.h5")
    try whole.prefix(whole.count / 3).write(to: URL(fileURLWithPath: job.folder + "/cut.h5"))
    return job
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The message, FOLDER standing for the job's.
    let message: String
    let change: @Sendable (inout EndToEndJob) -> Void

    init(_ what: String, _ message: String, _ change: @escaping @Sendable (inout EndToEndJob) -> Void) {
      testDescription = what
      self.message = message
      self.change = change
    }
  }

  @Test(
    "each fault of a job or its data gives one message on 1 and 2 ranks and leaves nothing behind",
    arguments: [
      Case("missing file", "FOLDER/job.yaml:5: data.images: no such file: date.h5; did you mean ‘data.h5’?") {
        $0.images = "date.h5:/images"
      },
      Case("truncated file", "FOLDER/cut.h5: the file is cut off, its end is missing; copy or make it again") {
        $0.images = "cut.h5:/images"
      },
      Case("missing dataset", "FOLDER/data.h5:/imags: there is no such dataset; did you mean ‘images’?") {
        $0.images = "data.h5:/imags"
      },
      Case(
        "labels of another shape",
        "data.h5:/narrow has shape [12, 16, 8] but /images has [12, 16, 16]; they must be equal."
      ) { $0.labels = "data.h5:/narrow" },
      Case(
        "a label outside the classes",
        "data.h5:/odd holds 7 at [3, 4, 5], which is none of the classes 0 to 1; this is the only one. "
          + "List all classes in data.classes, or set data.ignore."
      ) { $0.labels = "data.h5:/odd" },
      Case(
        "NaN in the images",
        "data.h5:/broken is not a finite number at [2, 3, 4], the only such value. "
          + "Replace them, or leave these images out of the split."
      ) { $0.images = "data.h5:/broken" },
      Case(
        "an empty part of the split",
        "data.h5:/untested leaves no images for the part ‘test’; every part needs one at least."
      ) { $0.split = "{dataset: data.h5:/untested}" },
      Case(
        "a patch larger than the images",
        "a patch of [8, 32] does not fit into image 0 of the training part of data.h5:/images, which is [16, 16]; "
          + "lower data.patch."
      ) { $0.patch = [8, 32] },
      Case(
        "test slices too few for the networks",
        "tiles of [3, 16, 16] of the part ‘calibrate’ cannot be predicted: network node ‘"
      ) {
        $0.volume = true
        $0.patch = [6, 8, 8]
        $0.network = "{family: smsnet, nodes: 3, dilations: [4]}"
      },
      Case(
        "a validation part thinner than the patch",
        "a patch of [6, 8, 8] does not fit into the slices "
      ) {
        $0.volume = true
        $0.patch = [6, 8, 8]
        $0.split = "{train: 0.6, validate: 0.1, calibrate: 0.2, test: 0.1}"
      },
      Case("no members", "FOLDER/job.yaml:12: ensemble.members: must be 1 to 10000, not 0") { $0.members = 0 },
      Case(
        "output below a file",
        "FOLDER/job.yaml:16: output: FOLDER/data.h5 is a file, so data.h5/result.h5 cannot be written below it"
      ) { $0.output = "data.h5/result.h5" },
      Case(
        "an unknown family",
        "FOLDER/job.yaml:11: network.family: unknown network family ‘smsnt’; did you mean ‘smsnet’?"
      ) { $0.network = "{family: smsnt, nodes: 2}" },
      Case(
        "a job of another version",
        "FOLDER/job.yaml:1: tutti: the file is written in version 2 of the form; this program reads version 1"
      ) { $0.version = 2 },
    ])
  func fault(_ fault: Case) throws {
    var job = try Self.tiny.get()
    fault.change(&job)
    try job.write()
    let before = try EndToEnd.contents(job.folder)
    for ranks in [nil, 2] {
      let ended = try EndToEnd.run(["run", job.path, "--threads", "1"], ranks: ranks)
      #expect(ended.status != 0)
      #expect(ended.messages.count == 1, "\(ended.errors)")
      let message = fault.message.replacing("FOLDER", with: job.folder)
      #expect(ended.messages.first?.hasPrefix(message) == true, "\(ended.messages)")
      #expect(ended.output == "")
      #expect(try EndToEnd.contents(job.folder) == before)
    }
  }

  @Test("a job file that is not there is named once, with what may be meant")
  func noJobFile() throws {
    let folder = try EndToEnd.makeFolder("none")
    try "".write(toFile: folder + "/cement.yaml", atomically: true, encoding: .utf8)
    for command in ["run", "check", "train", "calibrate", "predict", "evaluate"] {
      let ended = try EndToEnd.run([command, "cemet.yaml"], ranks: command == "run" ? 2 : nil, in: folder)
      #expect(ended.status != 0)
      #expect(ended.messages == ["cemet.yaml: no such file; did you mean ‘cement.yaml’?"])
      #expect(try EndToEnd.contents(folder) == ["cement.yaml"])
    }
  }

  @Test("--ranks under mpirun is refused, by one rank", arguments: [1, 2])
  func ranksUnderMPIRun(ranks: Int) throws {
    let job = try EndToEndJob.tiny("nested")
    let before = try EndToEnd.contents(job.folder)
    let ended = try EndToEnd.run(["run", job.path, "--ranks", "2"], ranks: ranks)
    #expect(ended.status != 0)
    let message = "--ranks starts mpirun itself; leave it out under mpirun or srun."
    #expect(ended.errors.ranges(of: message).count == 1, "\(ended.errors)")
    #expect(try EndToEnd.contents(job.folder) == before)
  }

  @Test("results are replaced only with --overwrite; the same run again tells what they are, another job is refused")
  func existingOutput() throws {
    var job = try EndToEndJob.tiny("existing")
    let first = try job.succeed(ranks: nil)
    let results = try EndToEnd.bytes(job.results)
    let before = try EndToEnd.contents(job.folder)
    for ranks in [nil, 2] {
      let same = try EndToEnd.run(["run", job.path, "--threads", "1"], ranks: ranks)
      #expect(same.status == 0 && same.output == first.output, "\(same.errors)")
      #expect(same.messages.contains { $0.hasPrefix("The results are there already") })
      for command in ["run", "predict"] {
        // Other levels are of another calibration.
        job.coverage = command == "run" ? [0.7] : [0.8, 0.9, 0.95]
        try job.write()
        let refused = try EndToEnd.run([command, job.path], ranks: ranks)
        #expect(refused.status != 0)
        #expect(
          refused.messages == [
            "\(job.results) exists already; give --overwrite to replace it, or name another output in the job file."
          ])
      }
    }
    #expect(try EndToEnd.bytes(job.results) == results)
    #expect(try EndToEnd.contents(job.folder) == before)
    let again = try EndToEnd.run(["run", job.path, "--overwrite", "--threads", "1"], ranks: 2)
    #expect(again.status == 0, "\(again.errors)")
    #expect(try EndToEnd.contents(job.folder) == before)
  }

  @Test("members, calibration and results of another job are refused, and replaced with --overwrite")
  func otherJob() throws {
    var job = try EndToEndJob.tiny("other")
    try job.succeed(ranks: nil)
    let first = try EndToEnd.bytes(job.member(0))
    job.seed = 2
    try job.write()
    let before = try EndToEnd.contents(job.folder)
    let starts = [
      ("train", "\(job.member(0)): it was trained by another job"),
      ("evaluate", "\(job.results) was made by another job"),
    ]
    for (command, start) in starts {
      let refused = try EndToEnd.run([command, job.path], ranks: 2)
      #expect(refused.status != 0)
      #expect(refused.messages.count == 1)
      let message = try #require(refused.messages.first)
      #expect(message.hasPrefix(start) && message.contains("--overwrite"), "\(message)")
      #expect(try EndToEnd.contents(job.folder) == before)
    }
    #expect(try EndToEnd.bytes(job.member(0)) == first)
    let replaced = try EndToEnd.run(["run", job.path, "--overwrite", "--threads", "1"], ranks: 2)
    #expect(replaced.status == 0, "\(replaced.errors)")
    #expect(try EndToEnd.bytes(job.member(0)) != first)
    let fresh = try job.copy("fresh")
    try FileManager.default.copyItem(atPath: job.folder + "/data.h5", toPath: fresh.folder + "/data.h5")
    try fresh.succeed(ranks: nil)
    #expect(try EndToEnd.difference(job.results, fresh.results) == "")
  }

  @Test("a stage without the one before says which to run")
  func missingStages() throws {
    let job = try EndToEndJob.tiny("missing")
    let stages = [
      ("calibrate", "there are no trained members in \(job.memberFolder); run ‘tutti train’ on the job first."),
      ("evaluate", "there are no results at \(job.results); run ‘tutti predict’ on the job first."),
    ]
    for (command, message) in stages {
      let ended = try EndToEnd.run([command, job.path], ranks: 2)
      #expect(ended.status != 0)
      #expect(ended.messages == [message])
    }
    let before = try EndToEnd.contents(job.folder)
    let ended = try EndToEnd.run(["predict", job.path], ranks: 2)
    #expect(ended.status != 0)
    #expect(
      ended.messages == ["there is no calibration at \(job.calibration); run ‘tutti calibrate’ on the job first."])
    #expect(try EndToEnd.contents(job.folder) == before)
  }

  @Test("a member that fails is named; the others are kept, and the same command tries it again")
  func failingMember() throws {
    var job = try EndToEndJob.tiny("failing")
    job.members = 4
    try job.write()
    // Where member 2 is to be written stands a folder.
    let obstacle = job.member(2) + ".part"
    try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: true)
    for attempt in 1...2 {
      let ended = try EndToEnd.run(["run", job.path, "--threads", "1"], ranks: 2)
      #expect(ended.status != 0)
      let failures = ended.messages.filter { $0.contains("stopped") }
      #expect(failures.count == 1)
      let message = try #require(failures.first)
      #expect(message.hasPrefix("member 2 stopped: \(job.member(2)): "), "\(message)")
      #expect(
        message.hasSuffix(
          "The other 3 members are trained and kept; run the same command again to train what is missing."))
      #expect(ended.errors.contains("3 of 4 members are trained already.") == (attempt == 2))
      #expect(!FileManager.default.fileExists(atPath: job.results))
      #expect([0, 1, 3].allSatisfy { FileManager.default.fileExists(atPath: job.member($0)) })
    }
    let kept = try EndToEnd.bytes(job.member(0))
    try FileManager.default.removeItem(atPath: obstacle)
    try job.succeed(ranks: 2)
    #expect(try EndToEnd.bytes(job.member(0)) == kept)
  }

  @Test("a loss that is no number stops a member with its epoch, step and rate", arguments: [1, 2])
  func lossNotANumber(ranks: Int) throws {
    var job = try EndToEndJob.tiny("nan")
    job.rate = "1000000"
    try job.text.replacingOccurrences(of: "name: adam", with: "name: sgd").write(
      toFile: job.path, atomically: true, encoding: .utf8)
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1"], ranks: ranks)
    #expect(ended.status != 0)
    // No member is said to be trained.
    let failures = ended.messages.filter { !$0.hasPrefix("training ") }
    #expect(failures.count == 1)
    let lines = try #require(failures.first).split(separator: "\n")
    try #require(lines.count == 3)
    for member in 0..<2 {
      let line = lines[member]
      #expect(line.hasPrefix("member \(member) stopped: loss became NaN in epoch 1 (step "), "\(line)")
      #expect(line.hasSuffix(", rate 1000000.0). Lower training.optimizer.rate."), "\(line)")
    }
    #expect(lines[2] == "No member is trained. Then run the same command again to train what is missing.")
    let failed = (0..<2).map { "result.members/member-000\($0).h5.failed" }
    #expect(try EndToEnd.contents(job.folder + "/results") == ["result.log", "result.members"] + failed)
  }
}
