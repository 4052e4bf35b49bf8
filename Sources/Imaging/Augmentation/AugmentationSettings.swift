import Host
import Settings

/// Which random changes training patches undergo, and how strong they are.
///
/// Intensities are meant after scaling: in standard deviations of the training voxels.
public struct AugmentationSettings: SettingsSection {
  /// All augmentations, in the order in which they are applied.
  static let list: [any Augmentation] = [
    Flips(),
    QuarterTurns(),
    ElasticDeformation(),
    Gamma(),
    Gain(),
    Offset(),
    Noise(),
  ]

  /// One of each, in the order of `list`.
  private var augmentations = list

  public init() {}

  /// These augmentations, and none of the others.
  public init(_ augmentations: any Augmentation...) {
    for augmentation in augmentations { set(augmentation) }
  }

  private mutating func set<A: Augmentation>(_ augmentation: A) { self[like: augmentation] = augmentation }

  /// The augmentation of a type.
  subscript<A: Augmentation>(like prototype: A) -> A {
    get { augmentations.lazy.compactMap { $0 as? A }.first ?? prototype }
    set {
      guard let place = augmentations.firstIndex(where: { $0 is A }) else {
        preconditionFailure("\(A.self) is not in the list of augmentations")
      }
      augmentations[place] = newValue
    }
  }

  public static let settings: [Setting<AugmentationSettings>] = list.map { type(of: $0).sectionSetting }

  public static func == (one: AugmentationSettings, other: AugmentationSettings) -> Bool {
    one.settingValue == other.settingValue
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(settingValue) }
}

extension AugmentationSettings {
  /// A random place for a patch in its cell, every one equally likely, with what the augmentations make of it.
  ///
  /// - Parameter stream: of purpose `.augmentation`, keyed by the member, the epoch and the sample.
  public func transform(of patch: Extents, in cell: Box, from stream: inout RandomStream) -> PatchTransform {
    let bits = stream.nextWord()
    var result = PatchTransform(placing: patch, in: cell, from: &stream)
    for augmentation in augmentations { augmentation.change(&result, of: patch, bits: bits) }
    return result
  }

  /// The displacements of a patch's voxels; nil when they stay where they are.
  public func displacement(of patch: Extents, stream: RandomStream) -> DisplacementField? {
    for augmentation in augmentations {
      if let field = augmentation.displacement(of: patch, stream: stream) { return field }
    }
    return nil
  }

  /// Changes the intensities of a patch, whose targets may change with them.
  ///
  /// - Parameters:
  ///   - images: `[channel, …]`.
  ///   - numbers: of purpose `.augmentation`, keyed by the sample.
  public func changeIntensities(_ images: UnsafeMutableBufferPointer<Float>, channels: Int, numbers: RandomStream) {
    let count = images.count / channels
    for augmentation in augmentations {
      for channel in 0..<channels {
        augmentation.change(
          UnsafeMutableBufferPointer(rebasing: images[channel * count..<(channel + 1) * count]), numbers: numbers)
      }
    }
  }

  /// Changes a patch whose targets stay as they are.
  ///
  /// - Parameters:
  ///   - numbers: as for `changeIntensities`.
  ///   - stream: keyed by the sample, for this alone.
  public func disturb(_ images: UnsafeMutableBufferPointer<Float>, numbers: RandomStream, stream: RandomStream) {
    for augmentation in augmentations { augmentation.disturb(images, numbers: numbers, stream: stream) }
  }
}
