import Foundation
import HDF5
import TestSupport
import Testing

@testable import Pipeline

/// Jobs that the program writes from data, as a new user has them.
@Suite("End to end: new jobs")
struct EndToEndNewTests {
  private static let data = Repository.path("Tests/Fixtures/formats/job")

  @Test("four commands lead from a folder with two TIFF files to a calibrated prediction and its page")
  func fourCommands() throws {
    let folder = try EndToEnd.makeFolder("new")
    for name in ["images.tif", "labels.tif"] {
      try FileManager.default.copyItem(atPath: "\(Self.data)/\(name)", toPath: "\(folder)/\(name)")
    }
    func tutti(_ arguments: String...) throws -> String {
      let ended = try EndToEnd.run(arguments, in: folder)
      try #require(ended.status == 0, "\(arguments): \(ended.errors)")
      return ended.output
    }
    #expect(try tutti("info", "images.tif").contains("TIFF"))
    let told = try tutti("new", "images.tif", "--labels", "labels.tif", "--minutes", "0.02", "--threads", "1")
    #expect(told.contains("Go on with ‘tutti run job.yaml’"))
    #expect(told.contains("task: segmentation") && told.contains("layout: images"))
    let plan = try tutti("check", "job.yaml", "--threads", "1")
    #expect(plan.contains("time on 1 rank, about "), "\(plan)")
    let table = try tutti("run", "job.yaml", "--threads", "1")
    #expect(table.contains("ensemble") && table.contains("coverage"))
    let file = try File(opening: folder + "/results/job.h5")
    #expect(try file.exists("entry/calibration/threshold") || file.exists("entry/calibration"))
    #expect(try file.exists("entry/prediction/set"))
    let page = try EndToEnd.bytes(folder + "/results/job.report.html")
    #expect(page.starts(with: Data("<!DOCTYPE html>".utf8)))
    let again = try EndToEnd.run(["new", "images.tif", "--labels", "labels.tif"], in: folder)
    #expect(again.status == 1)
    #expect(again.messages == ["job.yaml exists already; give --overwrite to replace it, or another name by -o."])
  }

  /// Writes one HDF5 file with these arrays of bytes.
  private static func write(_ arrays: [(name: String, shape: [Int], values: [UInt8])], to path: String) throws {
    let file = try File(creating: path)
    for array in arrays { try file.write(array.values, shape: array.shape, to: array.name) }
    try file.close()
  }

  @Test("labels, a split and groups of the same file are found, and a volume is told from a stack by its slices")
  func survey() throws {
    let path = try EndToEnd.makeFolder("survey") + "/data.h5"
    let (depth, side) = (24, 32)
    // A ball: slices change slowly; and images of spots that have nothing to do with each other.
    var (ball, labels) = ([UInt8](), [UInt8]())
    var random = TestRandom(3)
    var spots: [UInt8] = []
    for z in 0..<depth {
      let (cy, cx) = (4 + Int(24 * abs(random.uniforms(1)[0])), 4 + Int(24 * abs(random.uniforms(1)[0])))
      for y in 0..<side {
        for x in 0..<side {
          let (dz, dy, dx) = (z - depth / 3, y - 12, x - 14)
          let isInside = dz * dz + dy * dy + dx * dx < 100
          labels.append(isInside ? 1 : 0)
          ball.append(UInt8((isInside ? 150 : 40) + 6 * x / 2))
          spots.append((y - cy) * (y - cy) + (x - cx) * (x - cx) < 16 ? 200 : 20)
        }
      }
    }
    let shape = [depth, side, side]
    try Self.write(
      [
        ("images", shape, ball), ("labels", shape, labels), ("spots", shape, spots),
        ("split", [depth], (0..<depth).map { UInt8($0 / 8) }),
        ("person", [depth], (0..<depth).map { UInt8($0 / 4) }),
      ], to: path)
    let survey = try DataSurvey(DataSurvey.Request(images: path))
    #expect(survey.images.text == path + ":/images" && survey.answer?.text == path + ":/labels")
    #expect(survey.task == .segmentation && survey.layout == .volume && survey.isAlike)
    #expect(survey.classCount == 2 && survey.known == labels.count)
    #expect(survey.split?.text == path + ":/split" && survey.splitNumbers == [0, 1, 2])
    #expect(survey.groups?.text == path + ":/person" && survey.groupCount == 6)
    let stack = try DataSurvey(DataSurvey.Request(images: path + ":/spots", labels: path + ":/labels"))
    #expect(stack.layout == .stack && !stack.isAlike && stack.imageCount == depth)
    let noisy = try DataSurvey(DataSurvey.Request(images: path + ":/spots", task: .selfSupervised))
    #expect(noisy.task == .selfSupervised && noisy.answer == nil)
  }

  @Test("of one volume, deep or flat, comes a job that can be run", arguments: [16, 24, 39, 40, 64, 130])
  func volumes(depth: Int) throws {
    let folder = try EndToEnd.makeFolder("volumes")
    let (path, side) = (folder + "/data.h5", 48)
    var (images, labels) = ([UInt8](), [UInt8]())
    for z in 0..<depth {
      for y in 0..<side {
        for x in 0..<side {
          let (cy, cx) = (24 + 10 * sin(Double(z) / 12), 24 + 10 * cos(Double(z) / 12))
          let isInside = pow(Double(y) - cy, 2) + pow(Double(x) - cx, 2) < 100
          labels.append(isInside ? 1 : 0)
          images.append(UInt8((isInside ? 150 : 40) + (x * 7 + y * 5 + z * 3) % 17))
        }
      }
    }
    let shape = [depth, side, side]
    try Self.write([("images", shape, images), ("labels", shape, labels)], to: path)
    let made = try EndToEnd.run(["new", path, "-o", folder + "/job.yaml", "--minutes", "0.1", "--threads", "1"])
    #expect(made.status == 0, "\(made.errors)")
    let text = try String(contentsOfFile: folder + "/job.yaml", encoding: .utf8)
    #expect(text.contains("layout: volume"))
    #expect(text.contains("planes: [xy]") == (depth < 40))
    let checked = try EndToEnd.run(["check", folder + "/job.yaml", "--threads", "1"])
    #expect(checked.status == 0, "\(checked.errors)")
  }

  @Test("of images or volumes of different extents, a file each, comes a job that can be run", arguments: [1, 20])
  func differentExtents(depth: Int) throws {
    let folder = try EndToEnd.makeFolder("extents")
    var random = TestRandom(5)
    for index in 0..<6 {
      let shape = (depth > 1 ? [depth + index] : []) + [40 + 3 * index, 60 - 4 * index]
      let labels = random.uniforms(shape.reduce(1, *)).map { UInt8($0 > 0.5 ? 1 : 0) }
      try Self.write(
        [("images", shape, labels.map { 40 + 100 * $0 }), ("labels", shape, labels)], to: folder + "/part\(index).h5")
    }
    let made = try EndToEnd.run(
      [
        "new", folder + "/*.h5:/images", "--labels", folder + "/*.h5:/labels", "-o", folder + "/job.yaml", "--minutes",
        "0.1", "--threads", "1",
      ])
    #expect(made.status == 0, "\(made.errors)")
    let text = try String(contentsOfFile: folder + "/job.yaml", encoding: .utf8)
    #expect(text.contains(depth > 1 ? "layout: volumes" : "layout: images"))
    #expect(text.contains("6 of up to [\(depth > 1 ? "25, " : "")55, 60]"))
    let checked = try EndToEnd.run(["check", folder + "/job.yaml", "--threads", "1"])
    #expect(checked.status == 0, "\(checked.errors)")
    // Files that differ in more than extents are told.
    try Self.write([("images", [4, 4, 4, 4], [UInt8](repeating: 0, count: 256))], to: folder + "/part9.h5")
    let wrong = try EndToEnd.run(["new", folder + "/*.h5:/images", "-o", folder + "/other.yaml"])
    #expect(wrong.status == 1 && wrong.messages.count == 1 && wrong.messages[0].contains("part9.h5"), "\(wrong.errors)")
  }

  @Test("labels that are no classes are told with what to do")
  func wrongLabels() throws {
    let path = try EndToEnd.makeFolder("wrong") + "/data.h5"
    let count = 4 * 16 * 16
    try Self.write(
      [
        ("images", [4, 16, 16], (0..<count).map { UInt8($0 & 255) }),
        ("black", [4, 16, 16], (0..<count).map { $0 % 3 == 0 ? 255 : 0 }),
        ("objects", [4, 16, 16], (0..<count).map { UInt8($0 / 16) }),
        ("one", [4, 16, 16], Array(repeating: 0, count: count)),
        ("narrow", [4, 16, 8], Array(repeating: 0, count: count / 2)),
      ], to: path)
    func message(_ labels: String) -> String {
      do {
        _ = try DataSurvey(DataSurvey.Request(images: path + ":/images", labels: path + ":/" + labels))
        return ""
      } catch {
        return "\(error)"
      }
    }
    let black = try DataSurvey(DataSurvey.Request(images: path + ":/images", labels: path + ":/black"))
    #expect(black.labelMap == [0: 0, 255: 1] && black.ignore == nil)
    #expect(JobProposal(black, name: "x", output: "x.h5", minutes: 1).text(file: "x.yaml").contains("{0: 0, 255: 1}"))
    #expect(message("objects").contains("‘labels > 0’ in NumPy"))
    #expect(message("one").contains("holds the label 0 alone"))
    #expect(message("narrow").contains("has shape [4, 16, 8] but \(path):/images has [4, 16, 16]"))
    #expect(throws: ProposalError.missing("--labels", task: "segmentation")) {
      try DataSurvey(DataSurvey.Request(images: path + ":/images", task: .segmentation))
    }
  }
}

@Suite("Proposals of jobs") struct JobProposalTests {
  private static func survey(_ layout: DataSurvey.Request = .init()) -> DataSurvey {
    var survey = DataSurvey()
    survey.images = DataSurvey.Source(text: "images.tif", shape: [40, 256, 256])
    survey.answer = DataSurvey.Source(text: "labels.tif", shape: [40, 256, 256])
    survey.task = .segmentation
    (survey.imageCount, survey.extents) = (40, .init(y: 256, x: 256))
    survey.labels = [0: 900_000, 1: 100_000]
    return survey
  }

  private static func proposal(_ survey: DataSurvey) -> JobProposal {
    JobProposal(survey, name: "x", output: "results/x.h5", minutes: 10)
  }

  @Test("losses follow how frequent classes are")
  func losses() {
    var survey = Self.survey()
    #expect(Self.proposal(survey).loss.text == "[{name: cross-entropy}, {name: dice}]")
    survey.labels = [0: 500, 1: 500]
    #expect(Self.proposal(survey).loss.text == "cross-entropy")
    survey.labels = [0: 100_000, 1: 100_000, 2: 200]
    #expect(Self.proposal(survey).loss.text == "[{name: cross-entropy, weights: balanced}, {name: dice}]")
  }

  @Test("few labelled pixels get a network of few parameters, many images a U-Net")
  func networks() {
    var survey = Self.survey()
    #expect(Self.proposal(survey).network.text.contains("tunet"))
    #expect(Self.proposal(survey).patch == [128, 128] && Self.proposal(survey).batch == 8)
    survey.labels = [0: 1_000_000, 1: 300, 2: 900]
    (survey.ignore, survey.labelMap) = (0, [1: 0, 2: 1])
    #expect(Self.proposal(survey).network.text.contains("smsnet"))
    #expect(survey.known == 1200 && survey.shares == [0.25, 0.75])
    #expect(Self.proposal(survey).classNames == ["class 1", "class 2"])
  }

  @Test("a split is of images, of groups, or of pixels where images are few")
  func splits() {
    var survey = Self.survey()
    #expect(Self.proposal(survey).split.text.hasPrefix("{train: 0.6, validate: 0.1"))
    survey.imageCount = 5
    #expect(Self.proposal(survey).split.text.hasPrefix("{train: 0.4, validate: 0.2"))
    survey.imageCount = 1
    #expect(Self.proposal(survey).split.text.hasPrefix("{by: pixel, block: 32"))
    // A run of slices that validates holds a patch.
    survey.layout = .volume
    for (depth, patch, split) in [
      (40, 8, "0.5, validate: 0.2"), (128, 24, "0.51, validate: 0.19"), (400, 32, "0.6, validate: 0.1"),
    ] {
      survey.extents = .init(z: depth, y: 256, x: 256)
      let proposal = Self.proposal(survey)
      #expect(proposal.patch[0] == patch && proposal.split.text.hasPrefix("{train: \(split),"))
    }
    survey.layout = .stack
    survey.split = DataSurvey.Source(text: "a b.h5:/split", shape: [40])
    survey.splitNumbers = [0, 1, 2, 3]
    #expect(
      Self.proposal(survey).split.text == "{dataset: 'a b.h5:/split', train: 0, validate: 3, calibrate: 1, test: 2}")
  }

  @Test("coverage is counted by images or groups where enough of them calibrate")
  func units() {
    var proposal = Self.proposal(Self.survey())
    #expect(proposal.uncertainty.text == "{coverage: [0.8, 0.9, 0.95], unit: pixel}")
    proposal.calibrationUnits = 9
    #expect(proposal.uncertainty.text == "{coverage: [0.8, 0.9], unit: image}")
    proposal.calibrationUnits = 19
    #expect(proposal.uncertainty.text == "{coverage: [0.8, 0.9, 0.95], unit: image}")
  }

  @Test(
    "axes that nobody names follow from the shapes of images and labels",
    arguments: [
      ([64, 64], nil, "yx"), ([512, 512, 3], nil, "yxc"), ([12, 64, 64], [12, 64, 64], "iyx"),
      ([3, 64, 64], [64, 64], "cyx"), ([5, 8, 64, 64], [5, 8, 64, 64], "izyx"), ([5, 3, 64, 64], [5, 64, 64], "icyx"),
      ([2, 30, 64, 64], [30, 64, 64], "czyx"), ([7, 64, 64, 3], [7, 64, 64], "iyxc"), ([7, 64, 64, 3], nil, "iyxc"),
      ([4, 2, 16, 16, 16], nil, "iczyx"),
    ] as [([Int], [Int]?, String)])
  func axes(shape: [Int], answer: [Int]?, letters: String) {
    #expect(DataSurvey.letters(of: shape, answer: answer) == letters)
  }

  @Test("pages of several files are slices, where nobody says what they are")
  func pages() {
    #expect(DataSurvey.slicesOfFiles("tiyx") == "izyx" && DataSurvey.slicesOfFiles("tiyxc") == "izyxc")
    #expect(DataSurvey.slicesOfFiles("izyx") == nil && DataSurvey.slicesOfFiles("iyx") == nil)
  }

  @Test(
    "epochs come in coarse steps, so that a small difference of speed gives the same job",
    arguments: [(0.3, 1), (1.9, 1), (2.9, 2), (6.9, 5), (9.9, 7), (14, 10), (15, 15), (23, 20), (99, 70), (168, 150)])
  func coarseEpochs(epochs: Double, chosen: Int) { #expect(JobProposal.coarse(epochs) == chosen) }

  @Test("texts stand in quotes where YAML needs them")
  func quotes() {
    #expect(JobText.quoted("a/b-1.h5:/images") == "a/b-1.h5:/images")
    #expect(JobText.quoted("it's *.tif") == "'it''s *.tif'")
    #expect(JobText.quoted("true") == "'true'" && JobText.quoted("12") == "'12'")
  }

  @Test(
    "times are told in two digits",
    arguments: [
      (0.2, "below 1 s"), (42.4, "42 s"), (150, "2.5 min"), (3600, "60 min"), (9000, "2.5 h"), (1e6, "12 days"),
    ])
  func times(seconds: Double, text: String) { #expect(StageTimes.text(seconds) == text) }
}

/// What the program says while it works, and afterwards.
@Suite("End to end: what is told")
struct EndToEndTellingTests {
  @Test("a run keeps what it said in a log beside the results, and goes on in it; show prints the tables again")
  func logAndTables() throws {
    let job = try EndToEndJob.tiny("log")
    let run = try job.succeed(ranks: nil)
    let log = job.folder + "/results/result.log"
    #expect(run.output.hasSuffix("Log: \(log)\n"))
    let first = try String(contentsOfFile: log, encoding: .utf8)
    #expect(first.contains("training 2 members on 1 rank") && first.contains("ensemble"))
    let table = try #require(run.output.components(separatedBy: "\n\nResults: ").first)
    let shown = try EndToEnd.run(["show", job.results])
    #expect(shown.status == 0, "\(shown.errors)")
    #expect(shown.output.contains(table))
    #expect(shown.output.contains("end to end") && shown.output.contains(job.path))
    let evaluated = try EndToEnd.run(["evaluate", job.results, "--json", "--progress", "json"])
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let object = try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any]
    let evaluation = object?["evaluation"] as? [String: Any]
    #expect((evaluation?["coverage"] as? [Double])?.count == 3 && evaluation?["table"] as? String == table)
    #expect(try String(contentsOfFile: log, encoding: .utf8).hasPrefix(first))
  }

  @Test("the log keeps the warnings of all ranks")
  func warnings() throws {
    let job = try EndToEndJob.tiny("log-ranks")
    try FileManager.default.createDirectory(atPath: job.memberFolder, withIntermediateDirectories: true)
    for member in 0..<2 {
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: job.member(member) + ".checkpoint"))
    }
    let run = try job.succeed("train", ranks: 2)
    let log = try String(contentsOfFile: job.folder + "/results/result.log", encoding: .utf8)
    for member in 0..<2 {
      let text = "a checkpoint of member \(member) is passed over"
      #expect(run.errors.contains(text) && log.contains(text), "\(log)")
    }
    #expect(log.components(separatedBy: "  rank 1: a checkpoint of member ").count == 2, "\(log)")
    #expect(log.split(separator: "\n").allSatisfy { $0.prefixMatch(of: /\d{4}-\d\d-\d\dT/) != nil })
  }

  @Test("check tells its figures as JSON")
  func check() throws {
    let job = try EndToEndJob.tiny("check-json")
    let ended = try EndToEnd.run(["check", job.path, "--threads", "1", "--json"])
    #expect(ended.status == 0, "\(ended.errors)")
    let plan = try JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any]
    #expect((plan?["members"] as? [[String: Any]])?.count == 2)
    #expect((plan?["times"] as? [String: Double])?["training_s"].map { $0 > 0 } == true)
    #expect((plan?["known"] as? [String: [Int]])?["test"]?.reduce(0, +) == 3 * 256)
  }

  @Test(
    "a command that does not exist is answered with the one that may be meant",
    arguments: [
      (["evalute", "x"], "‘tutti evaluate’"), (["resume", "job.yaml"], "‘tutti run’"),
      (["job.yaml"], "‘tutti run job.yaml’"), (["zzzzzz"], "‘tutti --help’"),
    ])
  func suggestions(arguments: [String], answer: String) throws {
    let ended = try EndToEnd.run(arguments)
    #expect(ended.status == 64)
    #expect(ended.errors.contains("There is no command ‘\(arguments[0])’") && ended.errors.contains(answer))
  }

  @Test("an HDF5 file in place of a job file is told what to do with it")
  func results() throws {
    let ended = try EndToEnd.run(["run", EndToEnd.cement])
    #expect(ended.status == 1)
    #expect(ended.messages.first?.contains("is an HDF5 file, and a job file (YAML) is wanted; ‘tutti show") == true)
  }
}
