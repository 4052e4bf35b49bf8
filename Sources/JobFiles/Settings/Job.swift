import Ensembles
import Host
import Imaging
import Networks
import Settings

/// What a job file says, checked and with every default filled in.
///
/// Its JSON form has the keys of the job file (`docs/job-file.md`), so that it can be read as one.
public struct Job: SettingsSection {
  /// Version of the form.
  public var version = Job.formVersion
  /// What the job is called in messages and results.
  public var name = ""
  /// What the networks learn.
  public var task = EnsembleTask.segmentation
  /// The images, and which of them serve for what.
  public var data = DataSection()
  /// The family of the networks.
  public var network = NetworkFamily(TUNet())
  /// Nil: nothing tells the classes of an autoencoder's images.
  public var classifier: ClassifierSection?
  /// How many networks are trained, and on what.
  public var ensemble = EnsembleSection()
  /// How networks with batch normalization are trained.
  public var normalization = NormalizationSection()
  /// How each network is trained.
  public var training = TrainingSection()
  /// How images are cut for prediction.
  public var prediction = PredictionSection()
  /// What is measured in images; nil: nothing.
  public var measurements: [ImageMeasurement]?
  /// How objects of the predicted classes are told apart; nil: they are not.
  public var instances: InstanceRule?
  /// How predictions are calibrated.
  public var uncertainty = UncertaintySection()
  /// What a rank may take of memory; nil: as much as there is. It decides caches and how many tiles are worked at a time,
  /// never a result.
  public var memory: ByteCount?
  /// What of a prediction is written, and in which form; nil: all, in 32 bits.
  public var results: ResultsSection?
  /// The results file as the job file names it; `outputFile` is where that is.
  public var output = ""
  /// The folder that paths are relative to: the job file's, absolute. Not part of the job's text.
  public var folder: String?

  /// The version of the form that this program reads.
  public static let formVersion = 1

  public init() {}

  public static let settings: [Setting<Self>] = [
    Setting(
      "tutti", \.version, .integer(1...1_000_000), isRequired: true, "version of the form of this file, \(formVersion)"),
    Setting("name", \.name, .text, isRequired: true, "what the job is called in messages, results and reports"),
    Setting(
      "task", \.task, noun: "task", isRequired: true,
      "what the networks learn: the class of every pixel (segmentation), which of two classes every pixel has by one output "
        + "channel (binary), another image for each image, without noise or "
        + "holes, say (regression), the image itself through a narrow place (autoencoder), the class of each image "
        + "(classification), or the image without its noise from noisy images alone (self-supervised, Noise2Self, "
        + "arXiv 1901.11365)"),
    Setting(
      "data", \.data, isRequired: true, "the images, what is known of them, and which of them serve for what"),
    Setting("network", \.network, NetworkFamily.kind, isRequired: true, "the networks of the ensemble"),
    Setting(
      "classifier", \.classifier, otherwise: "no classes are told",
      "of an autoencoder whose images have labels: linear layers that tell the class of an image from its latent values "
        + "(DLSIA's SparseAEC), trained with it; the results hold `/entry/classification` beside the images"),
    Setting("ensemble", \.ensemble, "how many networks are trained, and on what"),
    Setting("normalization", \.normalization, "how networks with batch normalization are trained"),
    Setting("training", \.training, "how each network is trained"),
    Setting(
      "prediction", \.prediction,
      "how large images are cut for prediction; without these settings the program chooses from the image"),
    Setting(
      "measurements", \.measurements, .list(of: ImageMeasurement.settingKind, count: 1...100),
      otherwise: "nothing is measured",
      "of segmentation, what is measured in each image, each group and all images of the test part, by every member: their "
        + "mean and spread, and intervals that are calibrated by images, or by groups with `uncertainty.unit: group`"),
    Setting(
      "instances", \.instances, otherwise: "objects are not told apart",
      "of segmentation, the objects of the predicted classes, told apart and measured after the prediction: their labels and "
        + "a table in `NAME.instances.h5`, the table in `NAME.instances.csv` too; `tutti instances` does it later"),
    Setting("uncertainty", \.uncertainty, "how predictions are calibrated"),
    Setting(
      "memory", \.memory, .text, otherwise: "what the machine has",
      "what a rank may take of memory, as in `2GiB`: caches follow from it, training images that do not fit wait in a file, "
        + "and a job that needs more is refused; results do not depend on it. `--memory` goes before it"),
    Setting(
      "results", \.results, otherwise: "all of a prediction, in 32 bits",
      "what of a prediction is written into the results, and in which form"),
    Setting(
      "output", \.output, .outputPath, isRequired: true,
      "the results file (HDF5), relative to this file; its folder is made when missing; of `NAME.zarr` the file is "
        + "`NAME.h5`, and mean, spread and likeliest classes are written as OME-Zarr too"),
  ]
}

extension EnsembleTask: SettingConvertible {}

extension ByteCount: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    guard let count = value.text.flatMap({ ByteCount($0) }) else { throw .mismatch(value, "an amount of memory") }
    self = count
  }

  public var settingValue: SettingValue { .text(description) }
}
