import HDF5
import Imaging
import Uncertainty

/// The images of the calibration part that new ones are compared with: one of each group, where groups are known. The group
/// `shift` of a calibration.
struct ShiftReference: Hashable, Sendable {
  var images: [ImageFeatures]
  /// Several of them, in words.
  var plural: String

  /// The first image of each group, or every image.
  ///
  /// - Parameter groups: of each image; nil when they are not known.
  init(_ features: [ImageFeatures], groups: [Int]?, plural: String) {
    var seen: Set<Int> = []
    images = features.indices.filter { index in
      guard let groups else { return true }
      return seen.insert(groups[index]).inserted
    }.map { features[$0] }
    self.plural = plural
  }

  /// Writes the group.
  func write(to calibration: Group) throws {
    let group = try calibration.createGroup("shift")
    try group.setAttribute("plural", plural)
    for feature in ImageFeatures.all {
      try group.write(images.map { $0[keyPath: feature.path] }, to: feature.name)
        .setAttribute("long_name", feature.meaning)
    }
  }

  /// The group `shift` of a calibration; nil when there is none.
  init?(in calibration: Group) throws {
    guard try calibration.exists("shift") else { return nil }
    let group = try calibration.group("shift")
    plural = try group.attribute("plural", as: String.self)
    let values = try ImageFeatures.all.map { try group.read($0.name, as: Double.self) }
    guard values.allSatisfy({ $0.count == values[0].count }) else {
      throw RunError.notResults(calibration.object.path, problem: "its calibration images do not fit each other")
    }
    images = values[0].indices.map {
      ImageFeatures(doubt: values[0][$0], mean: values[1][$0], deviation: values[2][$0])
    }
  }
}

/// Whether images are like those of calibration. The group `/entry/shift` of a results file.
public struct ShiftTest: Sendable {
  let features: [ImageFeatures]
  let reference: ShiftReference
  /// `[feature, image]`
  let ofImages: [[Double]]
  /// Of each feature, of all images together.
  let ofAll: [Double]

  /// A p value below this is told.
  static let alarmLevel = 0.01

  /// Compares images with those of calibration.
  ///
  /// - Parameter groups: of each image; of all images together one of each group counts. Nil when they are not known.
  init(_ features: [ImageFeatures], groups: [Int]? = nil, _ reference: ShiftReference) {
    self.features = features
    self.reference = reference
    let apart = ShiftReference(features, groups: groups, plural: "").images
    ofImages = ImageFeatures.all.map { feature in
      Exchangeability.pValues(
        of: features.map { $0[keyPath: feature.path] }, among: reference.images.map { $0[keyPath: feature.path] })
    }
    ofAll = ImageFeatures.all.map { feature in
      Exchangeability.pValue(
        of: apart.map { $0[keyPath: feature.path] }, among: reference.images.map { $0[keyPath: feature.path] })
    }
  }

  /// Of all images by all features: the least p value, times the number of features (Bonferroni).
  public var pValue: Double {
    let known = ofAll.filter { !$0.isNaN }
    return known.min().map { min(1, $0 * Double(known.count)) } ?? .nan
  }

  /// Whether the images are unlike those of calibration.
  public var isAlarm: Bool { pValue < Self.alarmLevel }

  /// Images that are further out than every one of calibration by far: their intensities are not those of training.
  private var isFar: [Bool] {
    let means = reference.images.map { abs($0.mean) }.max() ?? 0
    return features.map { abs($0.mean) > max(2, 2 * means) || $0.deviation > 4 || $0.deviation < 0.25 }
  }

  /// Writes the group.
  func write(to entry: Group) throws {
    let group = try entry.createGroup("shift")
    try group.setAttribute("NX_class", "NXprocess")
    for (feature, values) in zip(ImageFeatures.all, ofImages) {
      try group.write(features.map { $0[keyPath: feature.path] }, to: feature.name)
        .setAttribute("long_name", feature.meaning)
      try group.write(values, to: "p_\(feature.name)")
        .setAttribute(
          "long_name", "of each image: how often one like those of calibration is as far out, on either side")
    }
    try group.write(ofAll, to: "p_all").setAttribute(
      "long_name", "of all images: permutation test of exchangeability with those of calibration, by feature")
    try group.write(ImageFeatures.all.map(\.name), to: "feature")
    try group.write(pValue, to: "p_value").setAttribute("long_name", "of all images by all features (Bonferroni)")
    try group.write(UInt8(isAlarm ? 1 : 0), to: "alarm")
    try group.write(Int64(reference.images.count), to: "calibration_images")
    try group.write(lines.joined(separator: "\n"), to: "words")
  }

  /// What is to be said, a line each.
  public var lines: [String] {
    let number = TextTable.number
    func range(_ images: [ImageFeatures], _ path: KeyPath<ImageFeatures, Double>) -> String {
      let values = images.map { $0[keyPath: path] }.filter { !$0.isNaN }
      guard let least = values.min(), let most = values.max() else { return "–" }
      return least == most ? number(least) : "\(number(least)) to \(number(most))"
    }
    let count = reference.images.count
    var lines: [String] = []
    let least = zip(ImageFeatures.all.map(\.name), ofAll).map { "\($0) \(number($1))" }.joined(separator: ", ")
    if isAlarm {
      lines.append(
        "SHIFT: the images are unlike the \(count) \(reference.plural) of calibration (p \(number(pValue)); by \(least))."
      )
      lines.append("Coverage is not promised for them: label some of them, and calibrate with those.")
    } else if pValue.isNaN || count < 19 {
      lines.append(
        "Whether the images are like those of calibration cannot be told well: there \(count == 1 ? "is" : "are") "
          + "\(count) of calibration (p \(number(pValue))).")
    } else {
      lines.append(
        "The images are like the \(count) \(reference.plural) of calibration, as far as can be told (p \(number(pValue)))."
      )
    }
    lines.append(
      "Intensities, in training's deviations: means \(range(features, \.mean)) (calibration \(range(reference.images, \.mean))), "
        + "contrast \(range(features, \.deviation)) (calibration \(range(reference.images, \.deviation))).")
    let far = isFar.indices.filter { isFar[$0] }
    if !far.isEmpty {
      let shown = far.prefix(8).map(String.init).joined(separator: ", ") + (far.count > 8 ? ", …" : "")
      lines.append("FAR FROM TRAINING in brightness or contrast: \(far.count) of \(features.count) images (\(shown)).")
    }
    return lines
  }
}
