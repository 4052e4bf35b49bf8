import Ensembles
import Foundation
import Host
import Imaging

/// Settings that suit data and a time, each with its reason: what `tutti new` writes.
struct JobProposal: Hashable, Sendable {
  /// A network of the ensemble, with what it is good for.
  struct Network: Hashable, Sendable {
    /// As the job file has it.
    var text: String
    /// Why it suits.
    var reason: String
    /// Steps that its training takes at least to come to something.
    var leastSteps: Int
    /// Adam's rate that it learns well at.
    var rate = 0.003
    /// The largest patch of a volume that it is trained on.
    var largestPatch = [32, 64, 64]
  }

  let survey: DataSurvey
  let name: String
  /// The results file, as the job names it.
  let output: String
  /// Minutes that all of the job may take.
  let minutes: Double
  /// What the run may take of memory; nil: what there is.
  var memory: ByteCount?
  var network: Network
  var patch: [Int]
  var batch: Int
  var members: Int
  /// Passes over the data, and why so many.
  var epochs = 1
  var epochsReason = ""
  /// Images, or groups of them, of the calibration part; nil where pixels are counted.
  var calibrationUnits: Int?
  /// The range of the images' numbers, for a comment.
  var intensities = ""

  /// The proposal before anything was tried: with the largest network.
  init(_ survey: DataSurvey, name: String, output: String, minutes: Double) {
    (self.survey, self.name, self.output, self.minutes) = (survey, name, output, minutes)
    network = Self.networks(survey)[0]
    (patch, batch) = ([], 1)
    members = minutes <= 30 ? 3 : 5
    choose(network)
  }

  /// Takes a network, with patch and batch that suit it.
  mutating func choose(_ network: Network) {
    self.network = network
    patch = Self.patch(survey, largest: network.largestPatch)
    let patches = Self.patches(survey, patch: patch)
    // About as many voxels a step as 8 patches of 128 × 128.
    let most = patch.count == 3 ? max(2, min(8, (1 << 17) / patch.reduce(1, *))) : 8
    batch = max(min(2, patches), min(most, patches / 4))
  }

  /// A number of epochs rounded down to 1, 1.5, 2, 3, 5 or 7 times a power of ten, at least 1: a machine that is a little
  /// faster or slower at the moment mostly gives the same job.
  static func coarse(_ epochs: Double) -> Int {
    var power = 1.0
    while power * 10 <= epochs { power *= 10 }
    let steps = [7, 5, 3, 2, 1.5, 1].map { $0 * power }
    return max(1, Int(steps.first { $0 <= epochs && $0 == $0.rounded() } ?? 1))
  }

  /// Spatial axes of what a network sees.
  var dimensions: Int { patch.count }

  // MARK: Patches

  private static func patch(_ survey: DataSurvey, largest: [Int]) -> [Int] {
    let extents = survey.smallest ?? survey.extents
    if survey.task == .classification || survey.task == .autoencoder {
      return survey.extents.list(dimensions: survey.layout.hasDepth ? 3 : 2)
    }
    func side(_ extent: Int, _ most: Int, _ step: Int) -> Int {
      let side = min(extent, most)
      return side < step ? side : side / step * step
    }
    guard survey.layout.hasDepth, !survey.isFlat else { return [side(extents.y, 128, 16), side(extents.x, 128, 16)] }
    let isWhole = survey.layout == .volumes && survey.smallest == nil && extents.count <= 64 * 64 * 64
    if isWhole { return extents.list(dimensions: 3) }
    return [
      side(min(survey.slicesOfPart, extents.z), largest[0], 8), side(extents.y, largest[1], 16),
      side(extents.x, largest[2], 16),
    ]
  }

  /// About how many patches there are to learn from.
  private static func patches(_ survey: DataSurvey, patch: [Int]) -> Int {
    let span = Extents(patch, missing: 1)
    let extents = survey.extents
    let cells = max(1, extents.z / span.z) * (extents.y / max(1, span.y)) * (extents.x / max(1, span.x))
    return max(1, Int(0.6 * Double(survey.imageCount * cells)))
  }

  // MARK: Networks

  /// Networks that suit the data, the largest first.
  static func networks(_ survey: DataSurvey) -> [Network] {
    let patch = patch(survey, largest: [32, 64, 64])
    let isDeep = patch.count == 3
    let least = patch.min() ?? 8
    // A level for each halving, with 4 pixels left at the deepest.
    let levels = max(2, Int(log2(Double(max(8, least)) / 4)) + 1)
    func unet(_ depth: Int, _ base: Int, _ reason: String) -> Network {
      Network(
        text: "{family: tunet, depth: \(min(depth, levels)), base-channels: \(base)}", reason: reason,
        leastSteps: isDeep ? 250 : 600)
    }
    let sparse = Network(
      text: "{family: smsnet, nodes: 8, hidden-channels: [3], dilations: [1, 2, 3, 4], degree: {min: 1, max: 3}, "
        + "input-output: true}",
      reason: "random sparse networks: few parameters learn from little", leastSteps: 200, rate: 0.01,
      largestPatch: [24, 32, 32])
    let large = "sees large and small structures; the largest for the time"
    let small = "sees large and small structures; a small one, for the time"
    switch survey.task {
    case .autoencoder:
      return [
        Network(
          text: "{family: autoencoder, depth: \(min(4, levels)), base-channels: 8, latent-dimension: 16}",
          reason: "each image through 16 numbers", leastSteps: 300)
      ]
    case .classification: return [unet(3, 16, large), unet(3, 8, small)]
    default:
      // A random network of a thousand parameters learns from scribbles; a U-Net learns them by heart.
      if survey.task.hasClasses, survey.known < 20_000 { return [sparse] }
      return isDeep
        ? [unet(3, 16, large), unet(3, 8, small), sparse]
        : [unet(4, 32, large), unet(4, 16, large), unet(4, 8, small), unet(3, 8, small)]
    }
  }
}

extension JobProposal {
  /// What the classes are called until the user names them.
  var classNames: [String] {
    let labels = survey.classLabels
    return labels.map { $0 == 0 ? "background" : labels.count == 2 && labels[0] == 0 ? "foreground" : "class \($0)" }
  }

  /// The parts of the data by fractions.
  ///
  /// - Returns: the setting, and why it is so.
  var split: (text: String, reason: String) {
    if let split = survey.split {
      let validates = survey.splitNumbers.contains(3)
      return (
        "{dataset: \(JobText.quoted(split.text)), train: 0, \(validates ? "validate: 3, " : "")calibrate: 1, test: 2}",
        "found in the file: 0 trains, \(validates ? "3 validates, " : "")1 calibrates, 2 tests"
      )
    }
    let count = survey.groups == nil ? survey.things : survey.groupCount
    let things = survey.layout.isOneImage ? "runs of slices" : survey.groups == nil ? "images" : "groups"
    if survey.layout.isOneImage ? count < 16 : count < 4 {
      let side = min(survey.extents.y, survey.extents.x)
      let block = max(2, min(32, side / 8))
      return (
        "{by: pixel, block: \(block), train: 0.6, validate: 0.1, calibrate: 0.15, test: 0.15, seed: 1}",
        "few images: blocks of \(block) pixels are divided, which are alike where they touch"
      )
    }
    let stratified = survey.task == .classification && survey.groups == nil ? ", stratified: true" : ""
    return count < 10
      ? ("{train: 0.4, validate: 0.2, calibrate: 0.2, test: 0.2, seed: 1\(stratified)}", "\(things), at random")
      : (
        "{train: \(Self.text(0.7 - validation)), validate: \(Self.text(validation)), calibrate: 0.15, test: 0.15, "
          + "seed: 1\(stratified)}",
        "\(things), at random; give data.split a dataset where you know better"
      )
  }

  /// The most that validates.
  static let mostValidation = 0.2

  /// What validates of all: a tenth, and of a volume as many slices as a patch has.
  private var validation: Double {
    guard survey.layout.isOneImage, patch.count == 3 else { return 0.1 }
    let needed = (Double(patch[0]) / Double(survey.extents.z) * 100).rounded(.up) / 100
    return min(Self.mostValidation, max(0.1, needed))
  }

  private static func text(_ share: Double) -> String { "\((share * 100).rounded() / 100)" }

  /// Whether a part validates.
  var validates: Bool { split.text.contains("validate") }

  /// What is made small, and why.
  var loss: (text: String, reason: String) {
    switch survey.task {
    case .segmentation, .binary:
      let rarest = survey.shares.enumerated().min { $0.element < $1.element }
      let part = rarest.map { String(format: "%.1f %%", 100 * $0.element) } ?? ""
      guard let rarest, rarest.element < 0.3 else { return ("cross-entropy", "classes are about as frequent") }
      let name = classNames[rarest.offset]
      return rarest.element < 0.005 && rarest.element > 0
        ? (
          "[{name: cross-entropy, weights: balanced}, {name: dice}]",
          "\(name) is \(part) of the pixels: it weighs more, and its overlap counts"
        ) : ("[{name: cross-entropy}, {name: dice}]", "\(name) is \(part) of the pixels: overlap counts besides")
    case .classification: return ("cross-entropy", "the class of each image")
    case .regression: return ("l1", "differences count, not their squares: less blur, few wild values")
    case .autoencoder, .selfSupervised: return ("mse", "squared differences")
    }
  }

  /// Random changes of patches, and why.
  var augmentation: (text: String, reason: String) {
    let isSquare = patch[patch.count - 1] == patch[patch.count - 2]
    let turns = isSquare ? ", quarter-turns: true" : ""
    let gains = survey.imageCount > 1 && survey.task.hasClasses ? "gain: 0.2, offset: 0.2" : ""
    if survey.layout == .volumes {
      // Volumes are mostly of bodies, whose parts lie where they lie.
      return gains.isEmpty
        ? ("{}", "volumes may have a direction: write flips: true where they have none")
        : ("{\(gains)}", "brightness varies; volumes may have a direction, else write flips: true")
    }
    return (
      "{flips: true\(turns)\(gains.isEmpty ? "" : ", " + gains)}",
      gains.isEmpty ? "no direction is special" : "no direction is special, brightness varies"
    )
  }

  /// How predictions are calibrated, and why so.
  var uncertainty: (text: String, reason: String) {
    guard survey.task != .classification else {
      return ("{coverage: [0.8, 0.9]}", "how often sets of classes shall hold the true one")
    }
    let unit = survey.groups == nil ? "image" : "group"
    guard let units = calibrationUnits, units >= 9 else {
      return (
        "{coverage: [0.8, 0.9, 0.95], unit: pixel}",
        "how often sets or intervals shall hold the truth, of all pixels together"
      )
    }
    let levels = units >= 19 ? "[0.8, 0.9, 0.95]" : "[0.8, 0.9]"
    return (
      "{coverage: \(levels), unit: \(unit)}",
      "the part of \(unit == "image" ? "an image" : "a group") that sets hold: \(units) \(unit)s calibrate"
    )
  }
}
