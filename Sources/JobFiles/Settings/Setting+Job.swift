import Engine
import Ensembles
import Imaging
import Networks
import Settings

// The form of a job file, key by key.

extension SettingDeclaration {
  /// The version of the form that this program reads.
  static let formVersion = 1

  /// The settings of a job file.
  static var job: [SettingDeclaration] {
    [
      SettingDeclaration("tutti", .integer(1...), "version of the form of this file, \(formVersion)"),
      SettingDeclaration("name", .text, "what the job is called in messages, results and reports"),
      SettingDeclaration(
        "task",
        .choice(Choice(noun: "task", words: EnsembleTask.allCases.map(\.rawValue))),
        "what the networks learn: the class of every pixel (segmentation), which of two classes every pixel has by one output "
          + "channel (binary), another image for each image, without noise or "
          + "holes, say (regression), the image itself through a narrow place (autoencoder), the class of each image "
          + "(classification), or the image without its noise from noisy images alone (self-supervised, Noise2Self, "
          + "arXiv 1901.11365)"),
      SettingDeclaration("data", .section(data), "the images, what is known of them, and which of them serve for what"),
      SettingDeclaration("network", NetworkFamily.kind, "the networks of the ensemble"),
      SettingDeclaration(
        "classifier", .section(classifier), otherwise: "no classes are told",
        "of an autoencoder whose images have labels: linear layers that tell the class of an image from its latent values (DLSIA's "
          + "SparseAEC), trained with it; the results hold `/entry/classification` beside the images"),
      SettingDeclaration("ensemble", defaults: ensemble, "how many networks are trained, and on what"),
      SettingDeclaration("normalization", defaults: normalization, "how networks with batch normalization are trained"),
      SettingDeclaration("training", defaults: training, "how each network is trained"),
      SettingDeclaration(
        "prediction", defaults: prediction,
        "how large images are cut for prediction; without these settings the program chooses from the image"),
      SettingDeclaration("uncertainty", defaults: uncertainty, "how predictions are calibrated"),
      SettingDeclaration(
        "output", .outputPath, "the results file (HDF5), relative to this file; its folder is made when missing"),
    ]
  }

  private static let data: [SettingDeclaration] = [
    SettingDeclaration("images", .dataPath, "the images: `path[:dataset]`, the path relative to this file"),
    SettingDeclaration(
      "labels", .dataPath, otherwise: "the task has none",
      "for segmentation and binary the class of every pixel, in the shape of the images without channels; for classification, and for "
        + "an autoencoder with a classifier, one class an image: `path[:dataset]`"),
    SettingDeclaration(
      "targets", .dataPath, otherwise: "the task has none",
      "for regression the image that answers each image, in the shape of the images, with channels of its own: "
        + "`path[:dataset]`; a self-supervised task does not learn from them, but is calibrated and evaluated with them"
    ),
    SettingDeclaration(
      "mask", .dataPath, otherwise: "all is known",
      "0 where the target image is not known and nothing is learnt, in the shape of the images without channels: "
        + "`path[:dataset]`"),
    SettingDeclaration(
      "target-scaling", .choice(Choice(noun: "scaling", words: TargetScaling.allCases.map(\.rawValue))),
      otherwise: "`standard`, where there are target images",
      "how target images are scaled for training, channel by channel, as the training part says: `standard`, mean 0 and "
        + "standard deviation 1; `range`, from 0 to 1, for networks that end in a sigmoid; `none`. Predictions are scaled back"
    ),
    SettingDeclaration("volume", .boolean, default: false, "true: one 3-D image; false: a stack of 2-D images"),
    SettingDeclaration(
      "planes", .list(of: .choice(Choice(noun: "plane", words: Plane.allCases.map(\.rawValue))), count: 1...3),
      otherwise: "networks are 3-D",
      "of a volume, the planes in which 2-D networks see it, slice by slice; their answers are averaged, in training each "
        + "cell shows a patch of every plane. `[xy, xz, yz]` is DLSIA's OrthoQuilt (2.5-D)"),
    SettingDeclaration(
      "classes", .list(of: .text, 2...), otherwise: "the task has none",
      "names of the classes; label 0 is the first of them"),
    SettingDeclaration(
      "ignore", .integer(-1...65535), otherwise: "every pixel is labelled",
      "the label of pixels (or images) whose class is not known"),
    SettingDeclaration(
      "split",
      .variants(
        Variants(
          selector: .presence(key: "dataset"),
          variants: [
            .init(
              name: "dataset", meaning: "the data say which image (of a volume: which slice) serves for what",
              settings: [
                SettingDeclaration("dataset", .dataPath, "one whole number an image or slice: `path[:dataset]`"),
                SettingDeclaration("train", .integer(0...255), default: 0, "the number of those that are trained on"),
                SettingDeclaration(
                  "validate", .integer(0...255), otherwise: "nothing validates",
                  "the number of those that say when to stop and which weights are best"),
                SettingDeclaration("calibrate", .integer(0...255), default: 1, "the number of those that calibrate"),
                SettingDeclaration(
                  "test", .integer(0...255), default: 2,
                  "the number of those that only test; all other numbers are left out"),
              ]),
            .init(
              name: "fractions", meaning: "images (of a volume: blocks of slices; or pixels) are drawn at random",
              settings: [
                SettingDeclaration(
                  "by", .choice(Choice(noun: "split", words: ["image", "pixel"])), default: "image",
                  "what is drawn: whole images, or the pixels of each, for images that are few and sparsely labelled"),
                SettingDeclaration("train", .number(.above(0, below: 1)), default: 0.6, "the part that is trained on"),
                SettingDeclaration(
                  "validate", .number(.atLeast(0, below: 1)), default: 0,
                  "the part that says when to stop and which weights are best"),
                SettingDeclaration("calibrate", .number(.above(0, below: 1)), default: 0.2, "the part that calibrates"),
                SettingDeclaration("test", .number(.atLeast(0, below: 1)), default: 0.2, "the part that only tests"),
                SettingDeclaration("seed", .integer(0...), default: 1, "another seed draws another split"),
                SettingDeclaration(
                  "stratified", .boolean, default: false,
                  "of images with classes, whether each class is divided by itself"),
                SettingDeclaration(
                  "block", .integer(1...4096), default: 1,
                  "of pixels, the side of the cubes that are drawn as a whole, since neighbouring pixels are alike"),
              ]),
          ])),
      "which images train, validate, calibrate and test: by a dataset, or by fractions"),
    SettingDeclaration(
      "patch", .list(of: .integer(1...), count: 1...3), otherwise: "chosen from the image",
      "pixels of a training patch along (z,) y, x, or of `planes` along rows and columns; all of an image for classification "
        + "and autoencoders"),
    SettingDeclaration(
      "overlap", .integer(0...4096), default: 0,
      "pixels that the places of neighbouring patches share, so that there are more of them and they move further"),
  ]

  private static let classifier: [SettingDeclaration] = [
    SettingDeclaration(
      "weight", .number(.above(0)), default: 1,
      "factor of its cross entropy in the sum with `training.loss`; images without a known class do not count in it"),
    SettingDeclaration(
      "features", .list(of: .integer(1...1_000_000), count: 0...16),
      otherwise: "two of half as many as there are latent values",
      "lengths of the vectors between the latent values and the classes"),
    SettingDeclaration("dropout", .number(.atLeast(0, below: 1)), default: 0.05, "rate of dropout between its layers"),
  ]

  private static let ensemble: [SettingDeclaration] = [
    SettingDeclaration("members", .integer(1...10_000), default: 5, "networks that are trained"),
    SettingDeclaration(
      "bagging", .boolean, default: true,
      "whether each member trains on its own sample of the training units, drawn with replacement (a unit is an image, "
        + "or a cell of a fixed grid of patches in a volume)"),
    SettingDeclaration(
      "ranks-per-member", .or([.integer(1...), .choice(Choice(noun: "number of ranks", words: ["auto"]))]), default: 1,
      "MPI ranks that train one member together, at most `training.shards`; ranks that are left over join them, and "
        + "auto shares all ranks out among the members; never changes a result"),
    SettingDeclaration(
      "aggregate",
      .section([
        SettingDeclaration("layers", .integer(1...100), default: 1, "1×1 convolutions, with ReLU between them"),
        SettingDeclaration("epochs", .integer(1...1_000_000), default: 5, "passes over the training units"),
      ]), otherwise: "the mean and spread of the members alone",
      "a network that learns to combine the answers of all members, pixel by pixel, when these are trained (stacked "
        + "generalization; DLSIA's AggNet): it is trained on the training part as members are, and what it says of the test part stands "
        + "beside their mean, as `/entry/aggregate`"),
  ]

  private static let training: [SettingDeclaration] =
    [
      SettingDeclaration(
        "epochs", .integer(1...1_000_000), default: 10, "passes over the training units that a member draws"),
      SettingDeclaration("batch", .integer(1...65_536), default: 4, "patches of one step"),
      SettingDeclaration(
        key: "shards", kind: .integer(1...4096),
        presence: .derived("min(batch, 4)") { $0["batch"]?.integer.map { .integer(min($0, 4)) } },
        meaning: "parts of a batch that are summed in a fixed order; decides rounding, so it is part of the job"),
      SettingDeclaration(
        "precision", .choice(Choice(noun: "precision", words: Plan.Precision.allCases.map(\.rawValue))),
        default: "float32",
        "of products while training; bfloat16 is mixed precision: their operands are rounded, sums and weights stay float32 "
          + "(no loss scaling is needed: the range is the same)"),
      SettingDeclaration("optimizer", defaults: optimizer, "how weights follow gradients; defaults are PyTorch's"),
      SettingDeclaration(
        "optimizer-state",
        .choice(Choice(noun: "place", words: Job.OptimizerState.allCases.map(\.rawValue))), default: "auto",
        "where the optimizer's running means are kept when several ranks train a member: all on every rank (`replicated`), a part "
          + "on each (`divided`, the first stage of ZeRO; Rajbhandari et al., arXiv 1910.02054), or divided where they "
          + "would not fit otherwise (`auto`); never changes a result"),
      SettingDeclaration("schedule", defaults: schedule, "how the learning rate changes; defaults are PyTorch's"),
    ]
    + recipe
    + [
      loss,
      SettingDeclaration("seed", .integer(0...), default: 1, "another seed gives other members"),
      SettingDeclaration(
        "patches-per-unit", .integer(1...1_000_000), default: 1, "patches of each drawn training unit in an epoch"),
      SettingDeclaration(
        "augmentation", defaults: augmentation, "random changes of training patches, alike for their targets"),
      SettingDeclaration(
        "blind-spacing", .integer(2...64), otherwise: "\(Job.blindSpacing), of self-supervised tasks",
        "of self-supervised tasks, pixels from one blind pixel to the next along each axis"),
    ]

  private static let augmentation: [SettingDeclaration] = settings(
    [
      SettingDeclaration("flips", .boolean, "flips along all axes"),
      SettingDeclaration("quarter-turns", .boolean, "quarter turns in the y-x plane of patches that are square there"),
      SettingDeclaration(
        "elastic",
        defaults: [
          SettingDeclaration(
            "magnitude", .number(.atLeast(0)),
            "standard deviation of the displacement of the points of a grid, in pixels; 0: none"),
          SettingDeclaration("spacing", .integer(2...1024), "pixels from one point of the grid to the next"),
        ], "smooth displacements: classes follow the nearest pixel, images are interpolated"),
      SettingDeclaration("gain", .number(.atLeast(0, below: 1)), "intensities are multiplied by 1 − gain … 1 + gain"),
      SettingDeclaration(
        "offset", .number(.atLeast(0)),
        "−offset … offset is added to intensities, in standard deviations of the training pixels"),
      SettingDeclaration("gamma", .number(.atLeast(0)), "intensities follow a power of 1/(1 + gamma) … 1 + gamma"),
      SettingDeclaration(
        "noise", .number(.atLeast(0)),
        "Gaussian noise of a standard deviation of 0 … noise is added, in standard deviations of the training pixels; not to "
          + "targets"),
    ], withDefaultsOf: AugmentationSettings())

  private static let normalization: [SettingDeclaration] = [
    SettingDeclaration(
      "scope", .choice(Choice(noun: "scope", words: Plan.NormalizationScope.allCases.map(\.rawValue))),
      default: "batch",
      "what its moments are taken over: the whole batch, or each shard by itself, which needs no exchange between ranks"
    )
  ]

  private static let prediction: [SettingDeclaration] = [
    SettingDeclaration(
      "tile", .list(of: .integer(1...), count: 1...3), otherwise: "chosen from the image",
      "pixels that are predicted at once along (z,) y, x"),
    SettingDeclaration(
      "margin", .list(of: .integer(0...), count: 1...3), otherwise: "as far as the networks see",
      "pixels read beyond each side of a tile along (z,) y, x"),
    SettingDeclaration(
      "latent", .boolean, default: false,
      "whether what each member reduces an image to (an autoencoder's code) is written too, as `/entry/latent/latent` "
        + "`[member, image, channel, …]`; images are then predicted whole"),
  ]

  private static let uncertainty: [SettingDeclaration] = [
    SettingDeclaration(
      "method",
      .choice(Choice(noun: "method", words: Job.UncertaintySettings.Method.allCases.map(\.rawValue))),
      otherwise:
        "`lac` for classes; for images `normalized-residual`, `residual` of one member, `cqr` with the loss `quantile`",
      "of classes `lac`, the least ambiguous set-valued classifier, split conformal (Sadinle, Lei and Wasserman, arXiv "
        + "1609.00451), or `aps`, adaptive prediction sets, larger where the prediction is unsure (Romano, Sesia and Candès, arXiv "
        + "2006.02544); of images `residual`, intervals of one width, `normalized-residual`, intervals that are wide where "
        + "members disagree (Lei et al., arXiv 1604.04173), or `cqr`, the outer of the quantiles that the loss `quantile` "
        + "learns, made wider or narrower (Romano, Patterson and Candès, arXiv 1905.03222)"),
    SettingDeclaration(
      "coverage", .list(of: .number(.above(0, below: 1)), 1...), default: [0.9],
      "how often a prediction set or interval shall hold the truth; one for each value"),
    SettingDeclaration(
      "unit", .choice(Choice(noun: "unit", words: Job.UncertaintySettings.Unit.allCases.map(\.rawValue))),
      default: "pixel",
      "what coverage counts: pixels of all images together (`pixel`), or of each image the part of its pixels whose set holds "
        + "the truth, in the mean over new images, by conformal risk control (`image`; Angelopoulos et al., arXiv 2208.02814)"
    ),
    SettingDeclaration(
      "by-class", .boolean, default: false,
      "whether each class has thresholds of its own, so that pixels of rare classes are covered as often (Vovk's Mondrian "
        + "taxonomy)"),
  ]
}
