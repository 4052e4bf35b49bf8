// The form of a job file, key by key.

extension Setting {
  /// The version of the form that this program reads.
  static let formVersion = 1

  /// The settings of a job file.
  static let job: [Setting] = [
    Setting("tutti", .integer(1...), "version of the form of this file, \(formVersion)"),
    Setting("name", .text, "what the job is called in messages, results and reports"),
    Setting(
      "task",
      .choice(
        Choice(
          noun: "task", words: ["segmentation"], planned: ["regression", "autoencoder", "classification"])),
      "what the networks learn"),
    Setting("data", .section(data), "the images, what is known of them, and which of them serve for what"),
    Setting("network", .variants(network), "the networks of the ensemble"),
    Setting("ensemble", defaults: ensemble, "how many networks are trained, and on what"),
    Setting("training", defaults: training, "how each network is trained"),
    Setting(
      "prediction", defaults: prediction,
      "how large images are cut for prediction; without these settings the program chooses from the image"),
    Setting("uncertainty", defaults: uncertainty, "how predictions are calibrated"),
    Setting("output", .outputPath, "the results file (HDF5), relative to this file; its folder is made when missing"),
  ]

  private static let data: [Setting] = [
    Setting("images", .dataPath, "the images: `path[:dataset]`, the path relative to this file"),
    Setting("labels", .dataPath, "the class of every pixel, in the shape of the images: `path[:dataset]`"),
    Setting("volume", .boolean, default: false, "true: one 3-D image; false: a stack of 2-D images"),
    Setting("classes", .list(of: .text, 2...), "names of the classes; label 0 is the first of them"),
    Setting(
      "ignore", .integer(-1...65535), otherwise: "every pixel is labelled",
      "the label of pixels whose class is not known"),
    Setting(
      "split",
      .variants(
        Variants(
          selector: .presence(key: "dataset"),
          variants: [
            .init(
              name: "dataset", meaning: "the data say which image (of a volume: which slice) serves for what",
              settings: [
                Setting("dataset", .dataPath, "one whole number an image or slice: `path[:dataset]`"),
                Setting("train", .integer(0...255), default: 0, "the number of those that are trained on"),
                Setting("calibrate", .integer(0...255), default: 1, "the number of those that calibrate"),
                Setting(
                  "test", .integer(0...255), default: 2,
                  "the number of those that only test; all other numbers are left out"),
              ]),
            .init(
              name: "fractions", meaning: "images (of a volume: blocks of slices) are drawn at random",
              settings: [
                Setting("train", .number(.above(0, below: 1)), default: 0.6, "the part that is trained on"),
                Setting("calibrate", .number(.above(0, below: 1)), default: 0.2, "the part that calibrates"),
                Setting("test", .number(.atLeast(0, below: 1)), default: 0.2, "the part that only tests"),
                Setting("seed", .integer(0...), default: 1, "another seed draws another split"),
              ]),
          ])),
      "which images train, calibrate and test: by a dataset, or by fractions"),
    Setting(
      "patch", .list(of: .integer(1...), count: 1...3), otherwise: "chosen from the image",
      "pixels of a training patch along (z,) y, x"),
  ]

  private static let ensemble: [Setting] = [
    Setting("members", .integer(1...10_000), default: 5, "networks that are trained"),
    Setting(
      "bagging", .boolean, default: true,
      "whether each member trains on its own sample of the training units, drawn with replacement (a unit is an image, "
        + "or a cell of a fixed grid of patches in a volume)"),
    Setting(
      "ranks-per-member", .or([.integer(1...), .choice(Choice(noun: "number of ranks", words: ["auto"]))]), default: 1,
      "MPI ranks that train one member together; this version knows 1, which auto means too"),
  ]

  private static let training: [Setting] =
    [
      Setting("epochs", .integer(1...1_000_000), default: 10, "passes over the training units that a member draws"),
      Setting("batch", .integer(1...65_536), default: 4, "patches of one step"),
      Setting(
        key: "shards", kind: .integer(1...4096),
        presence: .derived("min(batch, 4)") { $0["batch"]?.integer.map { .integer(min($0, 4)) } },
        meaning: "parts of a batch that are summed in a fixed order; decides rounding, so it is part of the job"),
      Setting("optimizer", defaults: optimizer, "how weights follow gradients; defaults are PyTorch's"),
      Setting("schedule", defaults: schedule, "how the learning rate changes; defaults are PyTorch's"),
    ]
    + recipe
    + [
      Setting(
        "loss",
        .choice(
          Choice(noun: "loss", words: ["cross-entropy"], planned: ["dice", "focal", "tversky", "mse"])),
        default: "cross-entropy", "what is made small"),
      Setting("seed", .integer(0...), default: 1, "another seed gives other members"),
      Setting(
        "patches-per-unit", .integer(1...1_000_000), default: 1, "patches of each drawn training unit in an epoch"),
      Setting(
        "augmentation", .choices(Choice(noun: "augmentation", words: ["flips", "quarter-turns"])), default: [],
        "random changes of training patches"),
    ]

  private static let prediction: [Setting] = [
    Setting(
      "tile", .list(of: .integer(1...), count: 1...3), otherwise: "chosen from the image",
      "pixels that are predicted at once along (z,) y, x"),
    Setting(
      "margin", .list(of: .integer(0...), count: 1...3), otherwise: "as far as the networks see",
      "pixels read beyond each side of a tile along (z,) y, x"),
  ]

  private static let uncertainty: [Setting] = [
    Setting(
      "method", .choice(Choice(noun: "method", words: ["lac"], planned: ["aps"])), default: "lac",
      "least ambiguous set-valued classifier, split conformal (Sadinle, Lei and Wasserman, arXiv 1609.00451)"),
    Setting(
      "coverage", .list(of: .number(.above(0, below: 1)), 1...), default: [0.9],
      "how often a prediction set shall hold the true class; one set for each value"),
    Setting(
      "unit", .choice(Choice(noun: "unit", words: ["pixel"], planned: ["image"])), default: "pixel",
      "what coverage counts"),
  ]
}
