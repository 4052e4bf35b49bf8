import Host
import Imaging
import Training

/// The training part of a data set in memory, or in a file, and the units that bootstrap samples draw from it.
public struct TrainingSet: Sendable {
  /// Images with targets.
  public let regions: [LearningRegion]
  /// What bootstrap samples draw, and the patches that they are cut into.
  public let units: TrainingUnits
  /// When the target is the image itself, how a target value follows from the image's, channel by channel.
  let itself: [Affine]?

  /// The map v ↦ factor · v + offset.
  struct Affine: Sendable {
    var factor: Float
    var offset: Float
  }

  /// A training set of regions that are in memory.
  ///
  /// - Parameter regions: as many as the units were made of, in their order; their targets are not the images
  ///   themselves.
  public init(regions: [LearningRegion], units: TrainingUnits) {
    precondition(
      units.units.joined().allSatisfy { $0.region < regions.count }, "units of regions that are not there")
    self.regions = regions
    self.units = units
    itself = nil
  }

  /// Reads one part of a data set.
  ///
  /// - Parameters:
  ///   - overlap: of neighbouring patches, in pixels.
  ///   - planes: those in which networks see a volume; none: patches are seen as they lie.
  ///   - file: where images and targets are kept; nil: in memory.
  ///   - fills: which regions this process reads; the others are in the file when those that share it have read theirs.
  /// - Throws: `ImagingError` when the patch does not fit or the data are not what they should be, `HDF5Error`;
  ///   `FileError` when the disk has no room for the file.
  public init(
    _ data: LearningData, part: Part = .train, scaling: IntensityScaling, targetScaling: IntensityScaling? = nil,
    patch: Extents, overlap: Int = 0, planes: [Plane] = [], in file: ScratchFile? = nil,
    fills: (Int) -> Bool = { _ in true }
  ) throws {
    units = try TrainingUnits(data, part: part, patch: patch, overlap: overlap, planes: planes)
    // An image that is its own target is kept once.
    let isItself = if case .itself = data.target { true } else { false }
    let span = planes.span(of: patch)
    regions = try data.split[part].enumerated().map { index, region in
      try data.load(
        region, for: part, scaling: scaling, targetScaling: isItself ? nil : targetScaling, patch: span, in: file,
        fills: fills(index))
    }
    itself =
      isItself
      ? scaling.mean.indices.map { channel in
        guard let target = targetScaling, target != scaling else { return Affine(factor: 1, offset: 0) }
        return Affine(
          factor: Float(scaling.standardDeviation[channel] / target.standardDeviation[channel]),
          offset: Float((scaling.mean[channel] - target.mean[channel]) / target.standardDeviation[channel]))
      } : nil
  }

  /// What a patch's target holds.
  public func targetKind(_ task: EnsembleTask) -> TargetKind {
    // Of target images, padded regions alone may have weights.
    (regions.first(where: \.content.hasWeights) ?? regions.first)?.content.kind(for: task) ?? .labels
  }

  /// Channels of the images.
  public var channels: Int { regions.first?.channels ?? 0 }

  /// The bytes that images and targets of these regions take in memory.
  ///
  /// - Parameter patch: to which smaller regions are padded.
  public static func bytes(of data: LearningData, patch: Extents) -> Int {
    let isItself = if case .itself = data.target { true } else { false }
    let target = data.content.bytes - (isItself ? 4 * data.targetChannels : 0)
    return [Part.train, .validate].reduce(0) {
      $0 + bytes(of: data.split[$1].map { $0.padded(to: patch) }, channels: data.images.inputChannels, target: target)
    }
  }

  /// The same of regions whose targets take so many bytes a voxel.
  static func bytes(of regions: [Region], channels: Int, target: Int) -> Int {
    regions.reduce(0) { $0 + (4 * channels + target) * $1.extents.count }
  }

  /// The units that a member sees: a bootstrap sample of them, or all.
  public func sample(seed: UInt64, member: Int, bagging: Bool) -> Bag {
    let count = units.units.count
    guard bagging else { return Bag(drawn: Array(0..<count), outOfBag: []) }
    var stream = RandomStream(seed: seed, purpose: .bootstrap, keys: UInt64(member))
    let bootstrap = Bootstrap(units: count, from: &stream)
    return Bag(drawn: bootstrap.drawn, outOfBag: bootstrap.outOfBag)
  }
}

extension TrainingUnits {
  /// The units of one part of a data set.
  ///
  /// - Throws: `ImagingError.patchTooLarge`.
  public init(
    _ data: LearningData, part: Part = .train, patch: Extents, overlap: Int, planes: [Plane] = []
  ) throws {
    try self.init(
      regions: data.split[part], patch: patch, overlap: Extents(z: overlap, y: overlap, x: overlap), planes: planes,
      of: data.images, part: part)
  }
}

/// The training units of a member.
public struct Bag: Hashable, Sendable {
  /// The units that the member is trained with; one drawn twice stands twice.
  public var drawn: [Int]
  /// The units that it never sees, ascending.
  public var outOfBag: [Int]

  /// A bag, as given.
  public init(drawn: [Int], outOfBag: [Int]) {
    self.drawn = drawn
    self.outOfBag = outOfBag
  }
}

extension TargetContent {
  /// What a patch's target holds when it is learnt for a task.
  public func kind(for task: EnsembleTask) -> TargetKind {
    TargetKind(
      hasLabels: labels != .none && channels == 0, channels: channels,
      hasWeights: hasWeights || task == .selfSupervised, hasImageLabel: labels == .image && channels > 0)
  }
}
