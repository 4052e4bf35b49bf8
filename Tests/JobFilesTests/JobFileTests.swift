import Foundation
import ImageFiles
import Imaging
import Networks
import TestSupport
import Testing
import Training
import Uncertainty

@testable import JobFiles
@testable import Settings

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
      overlap: 8
    network:
      family: smsnet
      nodes: 12
      hidden-channels: [3, 4]
      dilations: [1, 2]
      alpha: 1.5
      gamma: 1
      degree: {min: 0.125, max: 5}
      input-probability: 0.25
      output-probability: 0.75
      input-output: false
      form: volumetric
      activation: {name: leaky-relu, negative-slope: 0.25}
      padding: zeros
      running-statistics: false
    ensemble: {members: 8, bagging: false, ranks-per-member: auto}
    training:
      epochs: 6
      batch: 8
      shards: 2
      optimizer: {name: adam, rate: 5e-3, betas: [0.8, 0.99], epsilon: 1e-7, weight-decay: 0.1}
      schedule: {name: one-cycle, maximum: 0.02, rise: 0.5, per: step, warm-up: 3, warm-up-start: 0.25}
      clip: {norm: 1, value: 0.5}
      accumulate: 2
      average: {decay: 0.99}
      early-stopping: {patience: 4, threshold: 0.001}
      keep: best
      checkpoint: 0.5
      optimizer-state: divided
      loss: cross-entropy
      seed: 7
      patches-per-unit: 3
      augmentation: {quarter-turns: true, elastic: {magnitude: 1.5}, noise: 0.25}
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

  /// The short file with another network.
  static func network(_ settings: String) -> String {
    short.replacingOccurrences(of: "family: tunet", with: settings)
  }
}

@Suite("Job file")
struct JobFileTests {
  func job(_ text: String, folder: String? = nil) throws -> Job {
    try JobFile(text: text, path: "job.yaml", folder: folder).job
  }

  func path(_ text: String) throws -> DataPath { try #require(DataPath(text)) }

  func uncertainty(
    _ method: ConformalMethod, coverage: [Double] = [0.9], unit: Job.UncertaintySection.Unit = .pixel,
    byClass: Bool = false
  ) -> Job.UncertaintySection {
    var section = Job.UncertaintySection()
    (section.method, section.coverage, section.unit, section.byClass) = (method, coverage, unit, byClass)
    return section
  }

  @Test("a job says what of a prediction is written, and in which form; without it the job is the one of before")
  func results() throws {
    let plain = try job(JobFileText.short)
    #expect(plain.results == nil && !plain.canonicalText.contains("results"))
    let text =
      JobFileText.short + "\nresults: {write: [labels, set-size], number-type: float16, compression: none}"
    let other = try job(text)
    var section = Job.ResultsSection()
    (section.write, section.numberType, section.compression) = ([.labels, .setSize], .float16, .none)
    #expect(other.results == section)
    #expect(other.trainingFingerprint == plain.trainingFingerprint && other.fingerprint != plain.fingerprint)
    let values = JobFileText.short.replacingOccurrences(of: "task: segmentation", with: "task: regression")
      .replacingOccurrences(of: "labels: a.h5:/labels, classes: [no, yes]", with: "targets: a.h5:/targets")
    func message(_ results: String) -> String {
      JobFileMessageTests.messages(values + "\nresults: \(results)").joined(separator: "\n")
    }
    #expect(message("{number-type: uint8}").contains("8 bits need the values' range; add results.range"))
    #expect(message("{number-type: uint8, range: [4, 4]}").contains("the first number must be less than the second"))
    #expect(message("{write: [labels]}").contains("labels is of classes, and regression answers with values"))
    #expect(try job(values + "\nresults: {number-type: uint8, range: [-1, 4]}").results?.range == [-1, 4])
  }

  @Test("predictions are averaged over flips when a job says so")
  func flips() throws {
    #expect(try job(JobFileText.short).prediction.augment == nil)
    #expect(try job(JobFileText.short + "\nprediction: {augment: flips}").prediction.augment == .flips)
  }

  @Test("every value of a full file arrives")
  func full() throws {
    let job = try job(JobFileText.full)
    #expect(job.version == 1)
    #expect(job.name == "cement")
    #expect(job.task == .segmentation)
    var data = Job.DataSection()
    (data.images, data.labels) = (try path("data/cement.h5:/images"), try path("data/labels.tif"))
    (data.volume, data.namedClasses, data.ignore) = (true, ["paste", "void"], 255)
    var split = Job.DatasetSplit()
    (split.dataset, split.train, split.calibrate, split.test) = (try path("data/cement.h5:/split"), 3, 4, 5)
    (data.split, data.patch, data.overlap) = (.dataset(split), [32, 64, 64], 8)
    #expect(job.data == data)
    var generator = SMSNetGenerator()
    generator.nodes = 12
    generator.hiddenChannels = [3, 4]
    generator.dilations = [1, 2]
    generator.alpha = 1.5
    generator.gamma = 1
    generator.degree.min = .fraction(0.125)
    generator.degree.max = .edges(5)
    generator.inputProbability = 0.25
    generator.outputProbability = 0.75
    generator.inputOutput = false
    let network = SMSNet(
      form: .volumetric, activation: .leakyReLU(negativeSlope: 0.25), paddingMode: .zeros,
      tracksRunningStatistics: false)
    #expect(job.network == NetworkFamily(SMSNetFamily(generator, network)))
    var ensemble = Job.EnsembleSection()
    (ensemble.members, ensemble.bagging, ensemble.ranksPerMember) = (8, false, .auto)
    #expect(job.ensemble == ensemble)
    var training = Job.TrainingSection()
    (training.epochs, training.batch, training.shards, training.optimizerState) = (6, 8, 2, .divided)
    training.recipe = TrainingRecipe(
      optimizer: OptimizerSettings(
        Adam(betas: Betas(0.8, 0.99), epsilon: 1e-7), rate: 0.005, weightDecay: 0.1),
      schedule: RateSchedule(
        OneCycleSchedule(maximum: 0.02, rise: 0.5), per: .step, warmUp: 3, warmUpStart: 0.25),
      clipping: ClippingSettings(norm: 1, value: 0.5), accumulation: 2, averaging: AveragingSettings(decay: 0.99),
      earlyStopping: EarlyStopping(patience: 4, threshold: 0.001), keep: .best)
    (training.checkpoint, training.seed, training.patchesPerUnit) = (0.5, 7, 3)
    training.augmentation = AugmentationSettings(
      QuarterTurns(true), ElasticDeformation(magnitude: 1.5, spacing: 16), Noise(0.25))
    #expect(job.training == training)
    var prediction = Job.PredictionSection()
    (prediction.tile, prediction.margin) = ([32, 128, 128], [4, 8, 8])
    #expect(job.prediction == prediction)
    #expect(job.uncertainty == uncertainty(.lac, coverage: [0.8, 0.9, 0.95]))
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
    #expect(job.data.split == .fractions(Job.FractionSplit()))
    #expect(job.network == NetworkFamily(TUNet()))
    #expect(job.ensemble == Job.EnsembleSection())
    #expect(job.training == Job.TrainingSection())
    #expect(job.training.recipe == TrainingRecipe(optimizer: .adam(rate: 0.001)))
    #expect(job.prediction == Job.PredictionSection())
    #expect(job.uncertainty == uncertainty(.lac, coverage: [0.9]))
  }

  @Test("each optimizer has PyTorch's defaults and its own settings")
  func optimizers() throws {
    func optimizer(_ text: String) throws -> OptimizerSettings {
      try job(JobFileText.short + "\ntraining: {optimizer: {\(text)}}").training.recipe.optimizer
    }
    for type in Optimizers.all {
      #expect(try optimizer("name: \(type.name)") == OptimizerSettings(type.init()))
    }
    #expect(try optimizer("rate: 0.01, amsgrad: true") == OptimizerSettings(Adam(amsgrad: true), rate: 0.01))
    #expect(
      try optimizer("name: sgd, rate: 0.1, momentum: 0.9, nesterov: true, weight-decay: 0.01")
        == OptimizerSettings(SGD(momentum: 0.9, nesterov: true), rate: 0.1, weightDecay: 0.01))
  }

  @Test("each schedule is read, with PyTorch's defaults")
  func schedules() throws {
    func schedule(_ text: String) throws -> RateSchedule {
      try job(JobFileText.short + "\ntraining: {schedule: {\(text)}}").training.recipe.schedule
    }
    #expect(try schedule("name: step, size: 3") == RateSchedule(StepSchedule(size: 3)))
    #expect(try schedule("name: multistep, milestones: [2, 5]") == RateSchedule(MultistepSchedule(milestones: [2, 5])))
    #expect(try schedule("name: exponential, gamma: 0.9") == RateSchedule(ExponentialSchedule(gamma: 0.9)))
    #expect(try schedule("name: cosine, warm-up: 2") == RateSchedule(CosineSchedule(), warmUp: 2))
    #expect(
      try schedule("name: cosine-warm-restarts, first: 4") == RateSchedule(CosineWarmRestarts(first: 4)))
    #expect(try schedule("name: one-cycle, maximum: 1") == RateSchedule(OneCycleSchedule(maximum: 1)))
    #expect(try schedule("name: linear, length: 5") == RateSchedule(LinearSchedule(length: 5)))
    #expect(try schedule("name: polynomial, per: step") == RateSchedule(PolynomialSchedule(), per: .step))
    #expect(try schedule("name: plateau") == RateSchedule(PlateauSchedule()))
    #expect(try schedule("warm-up: 5") == RateSchedule(warmUp: 5))
  }

  @Test("shards are the batch, at most 4, when not given", arguments: [(1, 1), (3, 3), (4, 4), (32, 4)])
  func shards(batch: Int, shards: Int) throws {
    #expect(try job(JobFileText.short + "\ntraining: {batch: \(batch)}").training.shards == shards)
  }

  @Test("an SMSNet's defaults are those of its generator")
  func smsnetDefaults() throws {
    var generator = SMSNetGenerator()
    generator.nodes = 9
    #expect(
      try job(JobFileText.network("family: smsnet, nodes: 9")).network
        == NetworkFamily(SMSNetFamily(generator, SMSNet())))
  }

  @Test("every value of a sparse network arrives")
  func smsnet() throws {
    var generator = SMSNetGenerator()
    (generator.nodes, generator.dilationMode) = (9, .cyclic)
    (generator.scales.base, generator.scales.minimum, generator.scales.maximum) = (3, -1, 1)
    generator.parameters = SMSNetGenerator.ParameterBounds(min: 100, max: 20_000)
    var network = SMSNet(activation: nil, paddingMode: .zeros)
    (network.kernel, network.normalization, network.dropout) = (5, .instance, 0.1)
    (network.initialization, network.isReservoir) = (.xavierUniform, true)
    (network.normalizesOutput, network.finalActivation) = (true, .softplus)
    let text = JobFileText.network(
      "family: smsnet, nodes: 9, dilation-mode: cyclic, scales: {base: 3, min: -1, max: 1}, "
        + "parameters: {min: 100, max: 20000}, activation: none, padding: zeros, kernel: 5, normalization: instance, "
        + "dropout: 0.1, initialization: xavier-uniform, reservoir: true, final-normalization: true, "
        + "final-activation: softplus")
    #expect(try job(text).network == NetworkFamily(SMSNetFamily(generator, network)))
  }

  @Test("every value of a fully connected network arrives, and of what stands before it")
  func fcnet() throws {
    var network = FCNet(hiddenChannels: [8, 4])
    (network.hasSkips, network.normalization, network.dropout, network.bias) = (true, .none, 0.5, false)
    var squash = SquashNet(channels: 3)
    let text = "family: fcnet, hidden-channels: [8, 4], skips: true, normalization: none, dropout: 0.5, bias: false"
    #expect(try job(JobFileText.network(text)).network == NetworkFamily(network))
    #expect(
      try job(JobFileText.network(text + ", squash: {channels: 3}")).network == NetworkFamily(network, squash: squash))
    squash.head.hiddenChannels = [16]
    #expect(
      try job(JobFileText.network(text + ", squash: {channels: 3, hidden-channels: [16]}")).network
        == NetworkFamily(network, squash: squash))
  }

  @Test("every value of a U-Net arrives")
  func tunet() throws {
    var tunet = TUNet()
    tunet.depth = 3
    tunet.baseChannels = 8
    tunet.growthRate = 1.5
    tunet.hiddenRate = 2
    tunet.kernel = [3, 5]
    tunet.pooling = [2, 3]
    tunet.activation = .elu(alpha: 0.5)
    tunet.normalization = .group(groups: 4)
    (tunet.paddingMode, tunet.dropout, tunet.initialization) = (.circular, 0.25, .kaimingNormal)
    tunet.tracksRunningStatistics = false
    tunet.finalActivation = .sigmoid
    let text = JobFileText.network(
      "family: tunet, depth: 3, base-channels: 8, growth-rate: 1.5, hidden-rate: 2, kernel: [3, 5], pooling: [2, 3], "
        + "activation: {name: elu, alpha: 0.5}, normalization: {name: group, groups: 4}, "
        + "running-statistics: false, final-activation: sigmoid, padding: circular, dropout: 0.25, "
        + "initialization: kaiming-normal")
    let first = try job(text)
    #expect(first.network == NetworkFamily(tunet))
    #expect(try job(String(decoding: JSONEncoder().encode(first), as: UTF8.self)) == first)
  }

  @Test("every value of a U-Net with full-scale skips arrives")
  func tunet3plus() throws {
    var network = TUNet3Plus()
    (network.levels.depth, network.levels.baseChannels, network.levels.kernel) = (3, 8, 5)
    (network.carryoverChannels, network.fusion, network.upscaling) = (6, .paper, .transposedConvolution)
    let text = JobFileText.network(
      "family: tunet3plus, depth: 3, base-channels: 8, kernel: 5, carryover-channels: 6, fusion: paper, "
        + "upsampling: transposed-convolution")
    #expect(try job(text).network == NetworkFamily(network))
  }

  @Test("every value of a mixed-scale dense network arrives")
  func msdnet() throws {
    var msdnet = MSDNet()
    (msdnet.form, msdnet.layers, msdnet.width, msdnet.maximumDilation) = (.stack, 6, 2, 5)
    (msdnet.kernel, msdnet.paddingMode, msdnet.normalization) = ([3, 5], .reflect, .instance)
    msdnet.tracksRunningStatistics = false
    (msdnet.activations, msdnet.inputActivations) = ([.elu(alpha: 0.5), .tanh], [])
    msdnet.dropout = MSDNet.DropoutRates(initial: 0.1, hidden: 0.2, final: 0.3)
    msdnet.finalActivation = .sigmoid
    let start = "family: msdnet, layers: 6"
    let text =
      start + ", form: stack, width: 2, max-dilation: 5, kernel: [3, 5], padding: reflect, normalization: instance, "
      + "running-statistics: false, activation: [{name: elu, alpha: 0.5}, tanh], input-activation: none, "
      + "dropout: {initial: 0.1, hidden: 0.2, final: 0.3}, final-activation: sigmoid"
    #expect(try job(JobFileText.network(text)).network == NetworkFamily(msdnet))
    for (list, dilations) in [
      ("[1, 2, 4]", MSDNet.Dilations.cycle([1, 2, 4])), ("[[1, 2], [3, 4]]", .matrix([[1, 2], [3, 4]])),
    ] {
      msdnet = MSDNet()
      (msdnet.layers, msdnet.dilations) = (6, dilations)
      #expect(try job(JobFileText.network("\(start), dilations: \(list)")).network == NetworkFamily(msdnet))
    }
  }

  @Test("an activation is a name, or a section with its number", arguments: Activation.names)
  func activations(name: String) throws {
    let word = try job(JobFileText.network("family: tunet, activation: \(name)")).network
    let section = try job(JobFileText.network("family: tunet, activation: {name: \(name)}")).network
    var tunet = TUNet()
    tunet.activation = try JSONDecoder().decode(Activation.self, from: Data("\"\(name)\"".utf8))
    #expect(word == NetworkFamily(tunet))
    #expect(section == NetworkFamily(tunet))
  }

  @Test("the split reaches the images as they ask for it")
  func splitRule() throws {
    let full = try job(JobFileText.full, folder: nil)
    #expect(full.layout == .volume)
    #expect(
      full.splitRule
        == .dataset(
          ArrayLocation(file: "data/cement.h5", dataset: "/split"), train: 3, validate: nil, calibrate: 4, test: 5))
    let short = try job(JobFileText.short)
    #expect(short.layout == .stack)
    #expect(
      short.splitRule == .fractions(SplitFractions(train: 0.6, calibrate: 0.2, test: 0.2), seed: 1, stratified: false))
  }

  @Test("pixels are split when that is asked for, in blocks")
  func pixelSplit() throws {
    let text = JobFileText.short.replacingOccurrences(
      of: "split: {}",
      with: "split: {by: pixel, train: 0.5, validate: 0.1, calibrate: 0.3, test: 0.1, block: 8, seed: 4}")
    #expect(
      try job(text).splitRule
        == .pixels(SplitFractions(train: 0.5, validate: 0.1, calibrate: 0.3, test: 0.1), seed: 4, block: 8))
  }

  @Test("a job's JSON is a job again, and a job file too", arguments: [JobFileText.full, JobFileText.short])
  func roundTrip(text: String) throws {
    let first = try job(text, folder: nil)
    let json = try JSONEncoder().encode(first)
    #expect(try JSONDecoder().decode(Job.self, from: json) == first)
    let written = try #require(String(validating: json, as: UTF8.self))
    #expect(try job(written) == first)
  }

  @Test("a binary task, its loss, balanced weights and calibration are read, with defaults by task and loss")
  func calibrations() throws {
    var text = JobFileText.short.replacingOccurrences(of: "segmentation", with: "binary")
    #expect(try job(text).training.loss == LossSettings(BinaryCrossEntropy()))
    text +=
      "\ntraining: {loss: [{name: binary-cross-entropy, positive-weight: balanced}, dice]}"
      + "\nuncertainty: {method: aps, unit: image}"
    let binary = try job(text)
    #expect(binary.task == .binary && binary.training.loss.isBalanced)
    #expect(binary.uncertainty == uncertainty(.aps, unit: .image))
    let byClass = try job(
      JobFileText.short + "\ntraining: {loss: {name: focal, weights: balanced}}\nuncertainty: {by-class: true}")
    #expect(byClass.uncertainty == uncertainty(.lac, byClass: true))
    #expect(byClass.training.loss.isBalanced)
    let regression = JobFileText.short.replacingOccurrences(of: "segmentation", with: "regression")
      .replacingOccurrences(of: "labels: a.h5:/labels, classes: [no, yes]", with: "targets: a.h5:/clean")
    for (loss, method) in [
      ("mse", ConformalMethod.normalizedResidual), ("quantile", .cqr),
      ("{name: quantile, quantiles: [0.2, 0.5, 0.7]}", .cqr),
      ("[{name: quantile, quantiles: [0.5]}]", .normalizedResidual),
    ] {
      #expect(try job(regression + "\ntraining: {loss: \(loss)}").uncertainty.method == method, "\(loss)")
    }
  }

  @Test("anchors and merges of YAML: an alias stands for its anchor's value")
  func alias() throws {
    let text = JobFileText.short.replacingOccurrences(of: "images: a.h5:/images", with: "images: &file a.h5:/x")
      .replacingOccurrences(of: "labels: a.h5:/labels", with: "labels: *file")
    #expect(try job(text).data.labels == path("a.h5:/x"))
  }

  @Test("the job files of the repository are right, and their data are there or made by a command that they name")
  func shippedJobs() throws {
    let folder = Repository.folder.appendingPathComponent("jobs")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
    #expect(names.contains("cement.yaml"))
    for name in names {
      let path = folder.appendingPathComponent(name).path
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let isMade = text.contains("tutti synthesize shapes -o jobs/data/")
      #expect(throws: Never.self, "\(name)") {
        isMade ? try JobFile(text: text, path: path, folder: nil) : try JobFile(path: path)
      }
    }
    // What these learn from is made of public sets.
    let publicSets = folder.appendingPathComponent("public")
    for name in try FileManager.default.contentsOfDirectory(atPath: publicSets.path) where name.hasSuffix(".yaml") {
      let path = publicSets.appendingPathComponent(name).path
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(throws: Never.self, "\(name)") { try JobFile(text: text, path: path, folder: nil) }
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
      ("seed: 7", "seed: 8"), ("unit: 3", "unit: 4"), ("padding: zeros", "padding: reflect"),
      ("epochs: 6", "epochs: 7"), ("shards: 2", "shards: 4"), ("members: 8", "members: 9"),
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
        {"data":{"classes":["no","yes"],"images":"a.h5:/images","labels":"a.h5:/labels","overlap":0,"split":{"block":1,\
        "by":"image","calibrate":0.2,"seed":1,"stratified":false,"test":0.2,"train":0.6,"validate":0},"volume":false},\
        "ensemble":{"bagging":true,"members":5},"network":{"activation":"relu",\
        "base-channels":16,"depth":4,"dropout":0,"family":"tunet","final-activation":"none","growth-rate":2,"hidden-rate":1,\
        "initialization":"pytorch","kernel":3,"normalization":"batch","padding":"zeros","pooling":2,\
        "running-statistics":true},"normalization":{"scope":"batch"},"prediction":{"latent":false},"task":"segmentation","training":{"accumulate":1,\
        "augmentation":{"elastic":{"magnitude":0,"spacing":16},"flips":false,"gain":0,"gamma":0,"noise":0,"offset":0,\
        "quarter-turns":false},"batch":4,"clip":{},"epochs":10,"keep":"last","loss":{"input":"logits",\
        "name":"cross-entropy","smoothing":0,"weight":1},"optimizer":{"amsgrad":false,"betas":[0.9,0.999],\
        "epsilon":1e-08,"name":"adam","rate":0.001,"weight-decay":0},"patches-per-unit":1,"precision":"float32",\
        "schedule":{"name":"constant","per":"epoch","warm-up":0,"warm-up-start":0.1},"seed":1,"shards":4},"tutti":1,\
        "uncertainty":{"by-class":false,"coverage":[0.9],"method":"lac","unit":"pixel"}}
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
