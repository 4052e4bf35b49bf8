import Foundation
import Testing

@testable import Jobs

enum JobFileText {
  static let full = """
    tutti: 1
    name: cement
    task: segmentation
    data:
      images: data/cement.h5:/images
      labels: data/labels.tif
      volume: true
      classes: [paste, void]
      ignore: 255
      split: {dataset: data/cement.h5:/split, train: 3, calibrate: 4, test: 5}
      patch: [32, 64, 64]
    network:
      family: smsnet
      nodes: 12
      hidden-channels: [3, 4]
      dilations: [1, 2]
      alpha: 1.5
      gamma: 1
      degree: {min: 2, max: 5}
      input-probability: 0.25
      output-probability: 0.75
      input-output: false
      normalization: batch
    ensemble: {members: 8, bagging: false, ranks-per-member: auto}
    training:
      epochs: 6
      batch: 8
      shards: 2
      optimizer: {name: adam, rate: 5e-3, betas: [0.8, 0.99], epsilon: 1e-7, weight-decay: 0.1}
      loss: cross-entropy
      seed: 7
      augmentation: [quarter-turns, flips]
    prediction: {tile: [32, 128, 128], margin: [4, 8, 8]}
    uncertainty: {method: lac, coverage: [0.8, 0.9, 0.95], unit: pixel}
    output: results/cement.h5
    """

  static let short = """
    tutti: 1
    name: nuclei
    task: segmentation
    data: {images: a.h5:/images, labels: a.h5:/labels, classes: [no, yes], split: {}}
    network: {family: tunet}
    output: r.h5
    """
}

@Suite("Job file")
struct JobFileTests {
  func job(_ text: String, folder: String? = nil) throws -> Job {
    try JobFile(text: text, path: "job.yaml", folder: folder).job
  }

  @Test("every value of a full file arrives")
  func full() throws {
    let job = try job(JobFileText.full)
    #expect(job.version == 1)
    #expect(job.name == "cement")
    #expect(job.task == .segmentation)
    #expect(
      job.data
        == Job.DataSettings(
          images: DataPath(file: "data/cement.h5", dataset: "/images"), labels: DataPath(file: "data/labels.tif"),
          volume: true, classes: ["paste", "void"], ignore: 255,
          split: .dataset(
            .init(dataset: DataPath(file: "data/cement.h5", dataset: "/split"), train: 3, calibrate: 4, test: 5)),
          patch: [32, 64, 64]))
    #expect(
      job.network
        == .smsnet(
          .init(
            nodes: 12, hiddenChannels: [3, 4], dilations: [1, 2], alpha: 1.5, gamma: 1, degree: .init(min: 2, max: 5),
            inputProbability: 0.25, outputProbability: 0.75, inputOutput: false, normalization: .batch)))
    #expect(job.ensemble == .init(members: 8, bagging: false, ranksPerMember: .auto))
    #expect(
      job.training
        == .init(
          epochs: 6, batch: 8, shards: 2,
          optimizer: .init(name: .adam, rate: 0.005, betas: [0.8, 0.99], epsilon: 1e-7, weightDecay: 0.1),
          loss: .crossEntropy, seed: 7, augmentation: [.flips, .quarterTurns]))
    #expect(job.prediction == .init(tile: [32, 128, 128], margin: [4, 8, 8]))
    #expect(job.uncertainty == .init(method: .lac, coverage: [0.8, 0.9, 0.95], unit: .pixel))
    #expect(job.output == "results/cement.h5")
    #expect(job.folder == nil)
  }

  @Test("what a short file leaves out has its default")
  func defaults() throws {
    let job = try job(JobFileText.short)
    #expect(job.data.volume == false)
    #expect(job.data.classes == ["no", "yes"])
    #expect(job.data.ignore == nil)
    #expect(job.data.patch == nil)
    #expect(job.data.split == .fractions(.init(train: 0.6, calibrate: 0.2, test: 0.2, seed: 1)))
    #expect(
      job.network
        == .tunet(
          .init(
            depth: 4, baseChannels: 16, growthRate: 2, hiddenRate: 1, kernel: 3, activation: .relu,
            normalization: .running)))
    #expect(job.ensemble == .init(members: 5, bagging: true, ranksPerMember: .count(1)))
    #expect(
      job.training
        == .init(
          epochs: 10, batch: 4, shards: 4,
          optimizer: .init(name: .adam, rate: 0.001, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0),
          loss: .crossEntropy, seed: 1, augmentation: []))
    #expect(job.prediction == .init(tile: nil, margin: nil))
    #expect(job.uncertainty == .init(method: .lac, coverage: [0.9], unit: .pixel))
  }

  @Test("shards are the batch, at most 4, when not given", arguments: [(1, 1), (3, 3), (4, 4), (32, 4)])
  func shards(batch: Int, shards: Int) throws {
    #expect(try job(JobFileText.short + "\ntraining: {batch: \(batch)}").training.shards == shards)
  }

  @Test("an SMSNet's defaults are those of the declaration")
  func smsnetDefaults() throws {
    let text = JobFileText.short.replacingOccurrences(of: "family: tunet", with: "family: smsnet, nodes: 9")
    #expect(
      try job(text).network
        == .smsnet(
          .init(
            nodes: 9, hiddenChannels: [1], dilations: [1, 2, 3, 4], alpha: 0.5, gamma: 0, degree: .init(min: 1),
            inputProbability: 0.5, outputProbability: 0.5, inputOutput: true, normalization: .running)))
  }

  @Test("no augmentation is written as none or as an empty list", arguments: ["none", "[]"])
  func noAugmentation(value: String) throws {
    #expect(try job(JobFileText.short + "\ntraining: {augmentation: \(value)}").training.augmentation == [])
  }

  @Test("a job's JSON is a job again, and a job file too", arguments: [JobFileText.full, JobFileText.short])
  func roundTrip(text: String) throws {
    let first = try job(text, folder: nil)
    let json = try JSONEncoder().encode(first)
    #expect(try JSONDecoder().decode(Job.self, from: json) == first)
    let written = try #require(String(validating: json, as: UTF8.self))
    #expect(try job(written) == first)
  }

  @Test("anchors and merges of YAML: an alias stands for its anchor's value")
  func alias() throws {
    let text = JobFileText.short.replacingOccurrences(of: "images: a.h5:/images", with: "images: &file a.h5:/x")
      .replacingOccurrences(of: "labels: a.h5:/labels", with: "labels: *file")
    #expect(try job(text).data.labels == DataPath(file: "a.h5", dataset: "/x"))
  }

  @Test("the job files of the repository are right, and their data are there")
  func shippedJobs() throws {
    let folder = Repository.folder.appendingPathComponent("jobs")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
    #expect(names.contains("cement.yaml"))
    for name in names {
      #expect(throws: Never.self, "\(name)") { try JobFile(path: folder.appendingPathComponent(name).path) }
    }
  }

  @Test("docs/job-file.md says what the program reads (TUTTI_UPDATE_DOCS=1 writes it)")
  func documentation() throws {
    let file = Repository.folder.appendingPathComponent("docs/job-file.md")
    if ProcessInfo.processInfo.environment["TUTTI_UPDATE_DOCS"] != nil {
      try JobFile.documentation.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == JobFile.documentation)
    #expect(throws: Never.self) { try job(JobFile.example) }
  }
}

@Suite("Job fingerprint")
struct JobFingerprintTests {
  func job(_ text: String, folder: String? = nil) throws -> Job {
    try JobFile(text: text, path: "job.yaml", folder: folder).job
  }

  @Test("the form of the file, its place, the output and the number of ranks do not change it")
  func indifferent() throws {
    let text = JobFileText.full
    let first = try job(text)
    for (old, new) in [
      ("rate: 5e-3", "rate: 0.005"), ("name: cement", "name: \"other\""), ("results/cement.h5", "elsewhere.h5"),
      ("ranks-per-member: auto", "ranks-per-member: 1"), ("[quarter-turns, flips]", "[flips, quarter-turns]"),
      ("alpha: 1.5", "alpha:    1.50  # long"),
    ] {
      #expect(try job(text.replacingOccurrences(of: old, with: new)).fingerprint == first.fingerprint, "\(new)")
    }
    var moved = first
    moved.folder = "/elsewhere"
    #expect(moved.fingerprint == first.fingerprint)
    #expect(
      try job(JobFileText.short).fingerprint == job(JobFileText.short + "\ntraining: {epochs: 10}").fingerprint)
  }

  @Test("every other setting changes it")
  func decisive() throws {
    let text = JobFileText.full
    let first = try job(text)
    for (old, new) in [
      ("seed: 7", "seed: 8"), ("epochs: 6", "epochs: 7"), ("shards: 2", "shards: 4"), ("members: 8", "members: 9"),
      ("void]", "pore]"), ("/images", "/scan"), ("alpha: 1.5", "alpha: 1.5000000000000002"), ("max: 5", "max: 6"),
      ("margin: [4, 8, 8]", "margin: [4, 8, 9]"), ("0.95]", "0.96]"), ("train: 3", "train: 6"),
    ] {
      let other = try job(text.replacingOccurrences(of: old, with: new))
      #expect(other.fingerprint != first.fingerprint, "\(new)")
      let isLater = old.hasPrefix("margin") || old == "0.95]"
      #expect((other.trainingFingerprint == first.trainingFingerprint) == isLater, "\(new)")
    }
  }

  @Test("it is the FNV-1a hash of the canonical text, the same on every machine")
  func known() throws {
    let short = try job(JobFileText.short)
    #expect(
      short.canonicalText == """
        {"data":{"classes":["no","yes"],"images":"a.h5:/images","labels":"a.h5:/labels","split":{"calibrate":0.2,"seed":1,\
        "test":0.2,"train":0.6},"volume":false},"ensemble":{"bagging":true,"members":5},"network":{"activation":"relu",\
        "base-channels":16,"depth":4,"family":"tunet","growth-rate":2,"hidden-rate":1,"kernel":3,\
        "normalization":"running"},"prediction":{},"task":"segmentation","training":{"augmentation":[],"batch":4,\
        "epochs":10,"loss":"cross-entropy","optimizer":{"betas":[0.9,0.999],"epsilon":1e-08,"name":"adam","rate":0.001,\
        "weight-decay":0},"seed":1,"shards":4},"tutti":1,"uncertainty":{"coverage":[0.9],"method":"lac","unit":"pixel"}}
        """)
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in short.canonicalText.utf8 {
      hash ^= UInt64(byte)
      hash = hash &* 1_099_511_628_211
    }
    #expect(short.fingerprint == hash)
  }

  @Test("text is escaped as JSON wants it")
  func escapes() {
    let value = SettingValue.section(["b": ["a\"\\\n", 1.0, 0.1, true], "a": -3])
    #expect(value.canonicalText == #"{"a":-3,"b":["a\"\\\u000a",1,0.1,true]}"#)
  }
}

enum Repository {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
}
