import Foundation
import ImageFiles
import Imaging
import Networks
import Testing

@testable import HDF5
@testable import JobFiles
@testable import Settings

/// What a user reads when a job file is wrong.
@Suite("Job file messages")
struct JobFileMessageTests {
  /// Line 1 to 10; tests replace parts of it.
  static let good = """
    tutti: 1
    name: cement
    task: segmentation
    data: {images: a.h5:/images, labels: a.h5:/labels, volume: true, classes: [paste, void], patch: [32, 64, 64],
      ignore: 255, split: {dataset: a.h5:/split, train: 0, calibrate: 1, test: 2}}
    network: {family: smsnet, nodes: 12, hidden-channels: [3], dilations: [1, 2], degree: {min: 1, max: 5}}
    ensemble: {members: 5, bagging: true}
    training: {epochs: 6, batch: 4, shards: 4, optimizer: {rate: 0.005}, loss: cross-entropy}
    uncertainty: {coverage: [0.8, 0.9]}
    output: results/cement.h5
    """

  static let smsnet = "smsnet, nodes: 12, hidden-channels: [3], dilations: [1, 2], degree: {min: 1, max: 5}"

  /// The families as messages list them.
  static let families = SettingReader.either(Families.all.map { $0.name })

  static func messages(_ text: String, folder: String? = nil) -> [String] {
    do {
      _ = try JobFile(text: text, path: "job.yaml", folder: folder)
      return []
    } catch {
      return error.description.split(separator: "\n").map(String.init)
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let old: String
    let new: String
    let message: String

    init(_ old: String, _ new: String, _ message: String) {
      self.old = old
      self.new = new
      self.message = message
    }

    var testDescription: String { "\(old) → \(new)" }
  }

  @Test(
    "one wrong setting gives exactly one message",
    arguments: [
      // Unknown keys
      Case("dilations:", "dilation:", "6: network.dilation: unknown setting; did you mean ‘dilations’?"),
      Case(
        "hidden-channels", "hidden_channels",
        "6: network.hidden_channels: unknown setting; did you mean ‘hidden-channels’?"),
      Case("bagging: true", "epochs: 3", "7: ensemble.epochs: unknown setting; did you mean ‘training.epochs’?"),
      Case(
        "bagging: true", "gpu: 3",
        "7: ensemble.gpu: unknown setting; known here: members, bagging, ranks-per-member, minimum-members, weak-members, average, weights, aggregate"
      ),
      Case(
        "output:", "author: me\noutput:",
        "10: author: unknown setting; known here: tutti, name, task, data, network, classifier, ensemble, normalization, training, prediction, measurements, instances, uncertainty, memory, results, output"
      ),
      // What is written of a prediction
      Case(
        "output:", "results: {write: [spread, set]}\noutput:",
        "10: results.write: nothing shows what is predicted; add mean, or labels"),
      Case(
        "output:", "results: {write: [mean, lower]}\noutput:",
        "10: results.write: lower is of values, and segmentation answers with classes; remove it"),
      Case("output:", "results: {write: [mean, mean]}\noutput:", "10: results.write: mean is named twice"),
      Case(
        "output:", "instances: {}\nresults: {write: [mean]}\noutput:",
        "11: results.write: instances are found in the labels; add labels, or remove the section instances"),
      Case(
        "output:", "results: {range: [0, 1]}\noutput:",
        "10: results.range: is of number-type: uint8 alone; remove it"),
      Case(
        "output:", "results: {number-type: uint8, range: [0, 1]}\noutput:",
        "10: results.range: probabilities are from 0 to 1; remove it"),
      Case("output:", "results: {compression: 10}\noutput:", "10: results.compression: must be 1 to 9, not 10"),
      Case("{rate:", "{learning-rate:", "8: training.optimizer.learning-rate: unknown setting; did you mean ‘rate’?"),
      Case(
        "nodes: 12", "nodes: 12, base-channels: 8",
        "6: network.base-channels: unknown setting of smsnet; it belongs to tunet"),
      Case("test: 2}", "test: 2, seed: 3}", "5: data.split.seed: unknown setting in a split by dataset"),
      // Types
      Case("epochs: 6", "epochs: twelve", "8: training.epochs: ‘twelve’ is not a whole number"),
      Case("epochs: 6", "epochs: 1.5", "8: training.epochs: ‘1.5’ is not a whole number"),
      Case("epochs: 6", "epochs: 6.0", "8: training.epochs: ‘6.0’ is not a whole number; write 6"),
      Case("epochs: 6", "epochs: 1_000", "8: training.epochs: ‘1_000’ is not a whole number; write 1000"),
      Case("[0.8, 0.9]", "[80%]", "9: uncertainty.coverage: ‘80%’ is not a number; write 0.8"),
      Case("[paste, void]", "[paste, ~]", "4: data.classes: ‘~’ is no value; give one, or write it in quotes"),
      Case(
        "{rate: 0.005}", "{rate: 1,005}",
        "8: training.optimizer.005: unknown setting; in numbers write a point, not a comma: 0.005"),
      Case(
        "loss: cross-entropy", "loss: dice# smooth",
        "8: training.loss: ‘dice# smooth’ is one word; write a space before a comment's #"),
      Case("epochs: 6", "epochs: \"6\"", "8: training.epochs: ‘6’ is not a whole number; remove the quotes"),
      Case("epochs: 6", "epochs: [6]", "8: training.epochs: a list stands where one value belongs"),
      Case("epochs: 6", "epochs: ", "8: training.epochs: has no value; give one, or remove the key for its default"),
      Case("nodes: 12", "nodes: ", "6: network.nodes: has no value; give nodes between input and output"),
      Case("rate: 0.005", "rate: fast", "8: training.optimizer.rate: ‘fast’ is not a number"),
      Case("rate: 0.005", "rate: nan", "8: training.optimizer.rate: ‘nan’ is not a number"),
      Case("rate: 0.005", "rate: 0x1p-3", "8: training.optimizer.rate: ‘0x1p-3’ is not a number"),
      Case("rate: 0.005", "rate: 1e999", "8: training.optimizer.rate: ‘1e999’ is not a number"),
      Case(
        "bagging: true", "bagging: yes", "7: ensemble.bagging: ‘yes’ is not true or false; write true without quotes"),
      Case("bagging: true", "bagging: 1", "7: ensemble.bagging: ‘1’ is not true or false"),
      Case("dilations: [1, 2]", "dilations: 8", "6: network.dilations: ‘8’ is not a list; write one in brackets: [8]"),
      Case("dilations: [1, 2]", "dilations: [1, b]", "6: network.dilations: ‘b’ is not a whole number"),
      Case(
        "optimizer: {rate: 0.005}", "optimizer: adam",
        "8: training.optimizer: ‘adam’ stands where a section belongs, with name, rate, betas, epsilon, amsgrad, weight-decay"
      ),
      Case(
        "{rate: 0.005}", "{name: sgd, betas: [0.9, 0.99]}",
        "8: training.optimizer.betas: unknown setting of sgd; it belongs to adam"),
      Case(
        "{rate: 0.005}", "{name: adan}",
        "8: training.optimizer.name: unknown optimizer ‘adan’; did you mean ‘adam’? Known: sgd, adam, adamw, rmsprop, adagrad, nadam or radam"
      ),
      Case(
        "{rate: 0.005}", "{name: sgd, nesterov: true}",
        "8: training.optimizer.nesterov: Nesterov's momentum needs a momentum above 0 and no dampening"),
      Case("name: cement", "name: [a]", "2: name: a list stands where one value belongs"),
      Case("name: cement", "name: \"\"", "2: name: is empty"),
      Case("a.h5:/images", "\"a.h5:\"", "4: data.images: ‘a.h5:’ is not path[:dataset], as in data/cement.h5:/images"),
      // Ranges
      Case("members: 5", "members: 0", "7: ensemble.members: must be 1 to 10000, not 0"),
      Case(
        "epochs: 6", "epochs: 99999999999999999999",
        "8: training.epochs: must be 1 to 1000000, not 99999999999999999999"),
      Case("rate: 0.005", "rate: -1", "8: training.optimizer.rate: must be above 0, not -1"),
      Case("[0.8, 0.9]", "[0.8, 1.0]", "9: uncertainty.coverage: must be above 0 and below 1, not 1.0"),
      Case("[0.8, 0.9]", "[0, 0.9]", "9: uncertainty.coverage: must be above 0 and below 1, not 0"),
      Case("[0.8, 0.9]", "[]", "9: uncertainty.coverage: needs at least 1 value, not 0"),
      Case("[0.8, 0.9]", "[0.8, 0.8]", "9: uncertainty.coverage: 0.8 stands twice"),
      Case("[paste, void]", "[paste]", "4: data.classes: needs at least 2 values, not 1"),
      Case("[paste, void]", "[paste, paste]", "4: data.classes: class ‘paste’ stands twice"),
      Case(
        "ignore: 255", "ignore: 1", "5: data.ignore: 1 is the label of class ‘void’; another number must be ignored"),
      Case(
        "calibrate: 1", "calibrate: 0",
        "5: data.split: 0 stands for two of train, validate, calibrate and test; they must differ"
      ),
      Case(
        "{dataset: a.h5:/split, train: 0, calibrate: 1, test: 2}", "{train: 0.6, calibrate: 0.3, test: 0.2}",
        "5: data.split: 0.6 + 0.3 + 0.2 is above 1; train, validate, calibrate and test are parts of the images"),
      Case("patch: [32, 64, 64]", "patch: [64, 64]", "4: data.patch: needs 3 values (z, y, x) for a volume, not 2"),
      Case(
        "volume: true, classes: [paste, void], patch: [32, 64, 64]",
        "volume: false, classes: [paste, void], patch: [64]",
        "4: data.patch: needs 2 values (y, x) for a stack of images, not 1"),
      Case(
        "volume: true", "volume: false",
        "4: data.patch: needs 2 values (y, x) for a stack of images, not 3; or is this a volume (volume: true)?"),
      Case(
        "batch: 4", "batch: 3",
        "8: training.shards: a batch of 3 cannot be cut into 4 shards; write at most 3, or a larger batch"),
      Case("{min: 1, max: 5}", "{min: 6, max: 5}", "6: network.degree: min (6 edges) is above max (5 edges)"),
      Case(
        "{min: 1, max: 5}", "{min: 1.5, max: 5}", "6: network.degree.min: must be above 0 and below 1, not 1.5"),
      Case("{min: 1, max: 5}", "{min: few, max: 5}", "6: network.degree.min: ‘few’ is not a whole number"),
      Case(
        smsnet, "tunet, kernel: 4",
        "6: network.kernel: kernels are odd, so that images keep their size: 1, 3, 5, …, not 4"),
      Case(
        smsnet, "tunet, kernel: [3, 3]", "6: network.kernel: needs 3 values (z, y, x) for a volume, not 2"),
      Case(
        smsnet, "tunet, growth-rate: 0.1", "6: network.growth-rate: a rate of 0.1 leaves level 2 without channels"),
      Case(
        smsnet, "tunet, activation: rely",
        "6: network.activation: unknown activation ‘rely’; did you mean ‘relu’? "
          + "Known: \(SettingReader.either(Activation.names + ["none"]))"),
      Case(
        smsnet, "tunet, activation: {name: elu, negative-slope: 0.1}",
        "6: network.activation.negative-slope: unknown setting of elu; it belongs to leaky-relu"),
      Case("epochs: 6", "patches-per-unit: 0", "8: training.patches-per-unit: must be 1 to 1000000, not 0"),
      Case(
        "bagging: true", "ranks-per-member: 5",
        "7: ensemble.ranks-per-member: 5 ranks cannot share a batch of 4 shards; write at most 4, or raise training.shards"
      ),
      // Words
      Case(
        "family: smsnet", "family: unet",
        "6: network.family: unknown network family ‘unet’; did you mean ‘tunet’? Known: \(families)"),
      Case(
        "family: smsnet", "family: transformer",
        "6: network.family: unknown network family ‘transformer’; write \(families)"),
      Case("family: smsnet, ", "", "6: network.family: missing; give the kind of network: \(families)"),
      Case(
        "task: segmentation", "task: segmentaton",
        "3: task: unknown task ‘segmentaton’; did you mean ‘segmentation’? Known: segmentation, binary, regression, "
          + "autoencoder, classification or self-supervised"),
      Case(
        "loss: cross-entropy", "loss: crossentropy",
        "8: training.loss: unknown loss ‘crossentropy’; did you mean ‘cross-entropy’? Known: cross-entropy, "
          + "binary-cross-entropy, dice, dice-bce, focal, focal-of-mean, tversky, focal-tversky, l1, mse, huber, smooth-l1, "
          + "quantile or total-variation"),
      Case(
        "loss: cross-entropy", "loss: {name: cross-entropy, smothing: 0.1}",
        "8: training.loss.smothing: unknown setting; did you mean ‘smoothing’?"),
      Case(
        "epochs: 6", "augmentation: {flip: true}",
        "8: training.augmentation.flip: unknown setting; did you mean ‘flips’?"),
      // What the task has
      Case(
        "labels: a.h5:/labels", "labels: a.h5:/labels, targets: a.h5:/labels",
        "4: data.targets: segmentation has no such setting; it belongs to regression, autoencoder or self-supervised"),
      Case(
        "epochs: 6", "epochs: 6, blind-spacing: 3",
        "8: training.blind-spacing: only self-supervised tasks have blind pixels"),
      Case(
        "task: segmentation", "task: classification",
        "4: data.volume: a volume is one image; classify a stack (volume: false)"),
      Case(
        "coverage: [0.8, 0.9]", "method: residual",
        "9: uncertainty.method: residual is not of this task; write lac, aps, aps-randomized, raps or raps-randomized"),
      Case(
        "output: ", "measurements: [count, {name: fraction, class: sand}]\noutput: ",
        "10: measurements: there is no class ‘sand’; the classes are paste, void"),
      Case(
        "coverage: [0.8, 0.9]", "masks: [{kind: outer, class: sand}]",
        "9: uncertainty.masks: there is no class ‘sand’; the classes are paste, void"),
      Case(
        "coverage: [0.8, 0.9]", "masks: [{kind: dice, bound: mean}]",
        "9: uncertainty.masks: 1 − Dice does not fall with the threshold, so its mean has no bound; write betting or hoeffding-bentkus"
      ),
      Case(
        "coverage: [0.8, 0.9]", "masks: [{kind: inner-margin, bound: betting}]",
        "9: uncertainty.masks: margins hold as often as coverage says; bound betting is of other masks"),
      Case(
        "output: ", "measurements: [{name: count, connectivity: 8}]\noutput: ",
        "10: measurements: connectivity 8 is of planes; write 6, 18 or 26"),
      Case(
        "output: ", "measurements: [{name: surface, smallest: 8}]\noutput: ",
        "10: measurements.smallest: unknown setting of surface; it belongs to count"),
      Case(
        "coverage: [0.8, 0.9]", "unit: image",
        "9: uncertainty.unit: a volume is one image, and images cannot be counted; write patch, or group with data.groups"
      ),
      Case(
        "loss: cross-entropy", "loss: {name: cross-entropy, weights: ballanced}",
        "8: training.loss.weights: unknown word ‘ballanced’; did you mean ‘balanced’?"),
      // Missing
      Case("name: cement\n", "", "1: name: missing; give what the job is called in messages, results and reports"),
      Case("nodes: 12, ", "", "6: network.nodes: missing; give nodes between input and output"),
      Case(
        "images: a.h5:/images, ", "",
        "4: data.images: missing; give the images: `path[:dataset]`, the path relative to this file; their axes are image, "
          + "(channel,) y, x in this order, of a volume (channel,) z, y, x; a list or a pattern names several (docs/files.md)"
      ),
      Case(
        "output: results/cement.h5", "",
        "1: output: missing; give the results file (HDF5), relative to this file; its folder is made when missing; of "
          + "`NAME.zarr` the file is `NAME.h5`, and mean, spread and likeliest classes are written as OME-Zarr too"),
      // Version
      Case(
        "tutti: 1", "tutti: 2",
        "1: tutti: the file is written in version 2 of the form; this program reads version 1; use a newer program"),
      Case("tutti: 1", "tutti: one", "1: tutti: ‘one’ is not a whole number"),
      // Given twice
      Case("epochs: 6", "epochs: 6, epochs: 7", "8: ‘epochs’ is given twice, first in line 8; remove one"),
      Case("output:", "\"name\": b\noutput:", "10: ‘name’ is given twice, first in line 2; remove one"),
      // YAML
      Case(
        "[0.8, 0.9]}", "[0.8, 0.9}",
        "9: not YAML: did not find expected ',' or ']' (while parsing a flow sequence, which began in line 9)"),
      Case("output:", "\toutput:", "10: not YAML: a line begins with a tab; indent with spaces"),
      Case("output:", "---\noutput:", "10: a second document begins here; a job file holds one"),
      Case(
        "name: cement", "name:\u{00A0}cement",
        "2: not YAML: a no-break space (U+00A0) stands here; write an ordinary one"),
      Case("name: cement", "name: *nobody", "2: not YAML: found undefined alias"),
      Case("name: cement", "[a]: cement", "2: a key must be one word, as in ‘name: cement’"),
    ])
  func one(_ wrong: Case) {
    let text = Self.good.replacingOccurrences(of: wrong.old, with: wrong.new)
    #expect(text != Self.good)
    #expect(Self.messages(text) == ["job.yaml:" + wrong.message])
  }

  @Test("the good file is good")
  func good() { #expect(Self.messages(Self.good) == []) }

  @Test("a binary task has two classes")
  func binary() {
    let text = Self.good.replacingOccurrences(of: "task: segmentation", with: "task: binary")
      .replacingOccurrences(of: "cross-entropy", with: "dice-bce")
    #expect(Self.messages(text) == [])
    #expect(
      Self.messages(text.replacingOccurrences(of: "void]", with: "void, sand]")) == [
        "job.yaml:4: data.classes: binary tells 2 classes apart, not 3; write task: segmentation for more"
      ])
  }

  @Test("data settings that are not of the task are told with the tasks that they belong to")
  func taskSettings() {
    let text = Self.good.replacingOccurrences(of: "task: segmentation", with: "task: autoencoder")
    let alone =
      "autoencoder has it for a classifier alone; write classifier: {weight: 1}, or remove this setting"
    #expect(
      Self.messages(text) == [
        "job.yaml:4: data.labels: \(alone)", "job.yaml:4: data.classes: \(alone)", "job.yaml:5: data.ignore: \(alone)",
      ])
    #expect(
      Self.messages(text.replacingOccurrences(of: "autoencoder", with: "regression")).contains(
        "job.yaml:4: data.classes: regression has no such setting; it belongs to segmentation, binary, autoencoder or "
          + "classification"))
  }

  @Test(
    "a classifier is an autoencoder's, of a stack of images with one class each",
    arguments: [
      ("task: autoencoder", "task: regression", "classifier: regression has none; it belongs to autoencoder"),
      ("labels: a.h5:/kinds, ", "", "data.labels: missing; a classifier needs"),
      ("classes: [a, b], ", "", "data.classes: missing; a classifier needs names"),
      ("split: {}", "split: {by: pixel}", "split.by: pixels of an image that has one class cannot be divided"),
      (
        "family: autoencoder", "family: tunet",
        "classifier: tunet has no latent values to tell classes from; autoencoders have"
      ),
      ("weight: 0.5", "weight: 0", "classifier.weight: must be above 0, not 0"),
    ])
  func classifier(old: String, new: String, message: String) {
    let text = """
      tutti: 1
      name: x
      task: autoencoder
      data: {images: a.h5:/images, labels: a.h5:/kinds, classes: [a, b], split: {}}
      network: {family: autoencoder}
      classifier: {weight: 0.5}
      output: r.h5
      """
    #expect(Self.messages(text) == [])
    let wrong = text.replacingOccurrences(of: old, with: new)
    #expect(wrong != text)
    let messages = Self.messages(wrong)
    #expect(messages.contains { $0.contains(message) }, "\(messages)")
  }

  @Test(
    "what calibration and quantiles need of each other is told",
    arguments: [
      (
        "", "{method: cqr}",
        "uncertainty.method: cqr begins from predicted quantiles; write loss: quantile in training, with 3 quantiles or more"
      ),
      (
        "", "{unit: group}",
        "uncertainty.unit: missing are the groups: data.groups names one number an image or slice"
      ),
      ("", "{block: [4]}", "uncertainty.block: needs 2 to 3 values, not 1"),
      ("", "{by-class: true}", "uncertainty.by-class: regression has no classes; remove this setting"),
      (
        "{name: quantile, quantiles: [0.9, 0.5, 0.1]}", "{}",
        "training.loss.quantiles: quantiles must ascend, as in [0.05, 0.5, 0.95]"
      ),
      (
        "{name: quantile, quantiles: [0.1, 0.9]}", "{}",
        "training.loss.quantiles: needs an odd number of quantiles, since the middle one is the prediction; add 0.5, say"
      ),
    ])
  func quantiles(loss: String, uncertainty: String, message: String) {
    let text = """
      tutti: 1
      name: x
      task: regression
      data: {images: a.h5:/images, targets: a.h5:/clean, split: {}}
      network: {family: tunet}
      training: {loss: \(loss.isEmpty ? "mse" : loss)}
      uncertainty: \(uncertainty)
      output: r.h5
      """
    let line = message.hasPrefix("training") ? 6 : 7
    #expect(Self.messages(text) == ["job.yaml:\(line): \(message)"])
  }

  @Test(
    "answers are combined pixel by pixel where these are known",
    arguments: [
      ("task: segmentation", "task: classification", "classification has no known pixels to learn a combination from"),
      ("volume: true", "volume: true\n  planes: [xy]", "the answers of 2-D networks along several axes are averaged"),
      (
        "loss: cross-entropy", "loss: {name: cross-entropy, input: probabilities}",
        "networks that end in probabilities are not combined; write input: logits, or remove this"
      ),
    ])
  func aggregate(old: String, new: String, message: String) {
    let text = """
      tutti: 1
      name: x
      task: segmentation
      data:
        volume: true
        images: a.h5:/images
        labels: a.h5:/labels
        classes: [a, b]
        split: {}
      network: {family: tunet}
      ensemble: {aggregate: {layers: 2}}
      training: {loss: cross-entropy}
      output: r.h5
      """
    #expect(Self.messages(text) == [])
    let wrong = text.replacingOccurrences(of: old, with: new)
    #expect(wrong != text)
    let messages = Self.messages(wrong)
    #expect(messages.contains { $0.contains("ensemble.aggregate: " + message) }, "\(messages)")
  }

  @Test("all that is wrong is reported at once, in the order of lines")
  func allAtOnce() {
    let text = """
      tutti: 1
      name: x
      task: segmentation
      data:
        images: a.h5:/images
        labels: a.h5:/labels
        clases: [a, b]
        split: {}
      network:
        family: smsnet
        nodes: many
        nodes: 3
        dilations: [1, 0,
          two]
      trainig: {epochs: 3}
      output: r.h5
      """
    #expect(
      Self.messages(text) == [
        "job.yaml:4: data.classes: missing; segmentation needs names of the classes; label 0 is the first of them",
        "job.yaml:7: data.clases: unknown setting; did you mean ‘classes’?",
        "job.yaml:12: ‘nodes’ is given twice, first in line 11; remove one",
        "job.yaml:13: network.dilations: must be 1 to 64, not 0",
        "job.yaml:14: network.dilations: ‘two’ is not a whole number",
        "job.yaml:15: trainig: unknown setting; did you mean ‘training’?",
      ])
  }

  @Test(
    "a file without settings says so",
    arguments: [
      ("", "1: the file is empty; docs/job-file.md says what belongs in it"),
      ("# nothing\n", "1: the file is empty; docs/job-file.md says what belongs in it"),
      ("- a\n- b", "1: a job file holds settings, as in ‘name: cement’; docs/job-file.md lists them"),
      ("just words", "1: a job file holds settings, as in ‘name: cement’; docs/job-file.md lists them"),
    ])
  func noSettings(text: String, message: String) {
    #expect(Self.messages(text) == ["job.yaml:" + message])
  }

  @Test("a byte order mark, which some editors put first, is not read")
  func byteOrderMark() {
    #expect(Self.messages("\u{FEFF}" + Self.good) == [])
    #expect(
      Self.messages("\u{FEFF}" + Self.good.replacingOccurrences(of: "tutti: 1", with: "tutti: one")) == [
        "job.yaml:1: tutti: ‘one’ is not a whole number"
      ])
  }

  @Test("aliases that multiply without end are refused")
  func manyAliases() {
    let lines = (1...9).map { "a\($0): &a\($0) [\(Array(repeating: "*a\($0 - 1)", count: 9).joined(separator: ","))]" }
    #expect(Self.messages((["a0: &a0 [x]"] + lines).joined(separator: "\n")).last?.contains("too many values") == true)
  }
}

@Suite("Job files on disk")
struct JobFileOnDiskTests {
  /// A folder of its own with a job file `job.yaml` and an empty data file `a.h5`, removed at the end.
  func withFolder(_ text: String = JobFileMessageTests.good, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("job-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try text.write(to: folder.appendingPathComponent("job.yaml"), atomically: true, encoding: .utf8)
    try Data().write(to: folder.appendingPathComponent("a.h5"))
    try body(folder.standardizedFileURL.path)
  }

  func error(_ path: String) -> String {
    do {
      _ = try JobFile(path: path)
      return ""
    } catch {
      return error.description
    }
  }

  @Test("paths are relative to the job file, and absolute ones stay")
  func locations() throws {
    try withFolder { folder in
      let file = try JobFile(path: folder + "/job.yaml")
      #expect(file.text == JobFileMessageTests.good)
      #expect(file.path == folder + "/job.yaml")
      #expect(file.job.folder == folder)
      #expect(file.job.location(of: file.job.data.images) == ArrayLocation("a.h5:/images", in: folder))
      #expect(file.job.location(of: file.job.data.images).file == folder + "/a.h5")
      #expect(file.job.location(of: file.job.data.images).description == "a.h5:/images")
      #expect(file.job.outputFile == folder + "/results/cement.h5")
      #expect(file.job.location(of: try #require(DataPath("/x/../y.h5"))).file == "/x/../y.h5")
    }
  }

  @Test("missing data files are named with their line, and with the name that was meant")
  func missingData() throws {
    let text = JobFileMessageTests.good.replacingOccurrences(of: "labels: a.h5", with: "labels: ab.h5")
      .replacingOccurrences(of: "dataset: a.h5", with: "dataset: sub/splitting.h5")
    try withFolder(text) { folder in
      #expect(
        error(folder + "/job.yaml") == """
          \(folder)/job.yaml:4: data.labels: no such file: ab.h5; did you mean ‘a.h5’?
          \(folder)/job.yaml:5: data.split.dataset: no such file: sub/splitting.h5 (looked for \(folder)/sub/splitting.h5)
          """)
    }
  }

  @Test("an output that cannot be written is refused")
  func output() throws {
    for (output, message) in [
      ("a.h5/results.h5", "FOLDER/a.h5 is a file, so a.h5/results.h5 cannot be written below it"),
      (".", ". is a folder; name a file in it, as in ./results.h5"),
      (
        "x.tif",
        "results are one HDF5 file, whose figures, sets and checksums other formats have no place for; write x.h5, and then "
          + "‘tutti export … --what mean --to x.tif’"
      ),
      ("new/", "new/ is a folder; name a file in it, as in new/results.h5"),
    ] {
      let text = JobFileMessageTests.good.replacingOccurrences(of: "results/cement.h5", with: output)
      try withFolder(text) { folder in
        let expected = message.replacingOccurrences(of: "FOLDER", with: folder)
        #expect(error(folder + "/job.yaml") == "\(folder)/job.yaml:10: output: \(expected)")
      }
    }
  }

  @Test("a data path that is a folder is refused")
  func folderAsData() throws {
    let text = JobFileMessageTests.good.replacingOccurrences(of: "labels: a.h5:/labels", with: "labels: .")
    try withFolder(text) { folder in
      #expect(error(folder + "/job.yaml") == "\(folder)/job.yaml:4: data.labels: . is a folder; name a file")
    }
  }

  @Test("a job file that is not there, is a folder or is no text is refused")
  func noJob() throws {
    try withFolder { folder in
      #expect(error(folder + "/jobs.yaml") == "\(folder)/jobs.yaml: no such file; did you mean ‘job.yaml’?")
      #expect(error(folder + "/x") == "\(folder)/x: no such file; give the path of a job file")
      #expect(error(folder) == "\(folder): is a folder; give the path of a job file in it")
      try Data([0x6e, 0xff, 0x00]).write(to: URL(fileURLWithPath: folder + "/binary"))
      #expect(error(folder + "/binary") == "\(folder)/binary: is not UTF-8 text; give the path of a job file")
      for (bytes, reason) in [
        ([0xFF, 0xFE, 0x6E, 0], "is UTF-16 text; save it as UTF-8"),
        (Array("name: a\nname: K".utf8) + [0xF6], "is not UTF-8 text in line 2; save it as UTF-8"),
      ] as [([UInt8], String)] {
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/encoded"))
        #expect(error(folder + "/encoded") == "\(folder)/encoded: \(reason)")
      }
      try Data(count: 1 << 20 + 1).write(to: URL(fileURLWithPath: folder + "/large"))
      #expect(error(folder + "/large").hasPrefix("\(folder)/large: is larger than 1 MB"))
    }
  }
}
