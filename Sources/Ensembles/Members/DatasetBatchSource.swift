import Engine
import Host
import Imaging
import Training

/// The patches of a member's bag, every epoch in another order, each time cut and changed anew.
///
/// The order is keyed by (seed, member, epoch), all that happens to a patch by (seed, member, epoch, position).
public final class DatasetBatchSource: BatchSource {
  /// One sample of the epoch at hand.
  private struct Sample {
    var place: PatchPlace
    var transform: PatchTransform
  }

  /// What random numbers of a sample's own stream are for; its place and turn have the stream without such a key.
  private enum Use: UInt64 {
    case displacement = 1
    case intensity, noise, blind
  }

  private let regions: [LearningRegion]
  private let patch: Extents
  private let places: [PatchPlace]
  private let settings: EnsembleSettings
  private let member: Int
  /// Patches stand in their places and order, unchanged.
  private let isFixed: Bool
  private let itself: [TrainingSet.Affine]?
  private var epoch: Int?
  private var samples: [Sample] = []
  /// Where patches are cut to before they go to their rows: one for each sample of a batch.
  private let staging: AlignedBuffer<Float>
  /// The same before pixels were hidden; empty when none are.
  private let unhidden: AlignedBuffer<Float>
  private let blind: BlindPixels?
  private let channels: Int

  /// Patches of a bag for the training of a member.
  public convenience init(_ set: TrainingSet, bag: Bag, settings: EnsembleSettings, member: Int) {
    let drawn = set.units.patches(of: bag.drawn)
    self.init(
      set, (0..<settings.patchesPerUnit).flatMap { _ in drawn }, isFixed: false, settings: settings, member: member)
  }

  /// Every patch of a set once, in order and unchanged, to validate with. Blind pixels are hidden all the same, each
  /// time alike.
  public convenience init(validating set: TrainingSet, settings: EnsembleSettings, member: Int) {
    self.init(
      set, set.units.patches(of: Array(set.units.units.indices)), isFixed: true, settings: settings, member: member)
  }

  private init(
    _ set: TrainingSet, _ places: [PatchPlace], isFixed: Bool, settings: EnsembleSettings, member: Int
  ) {
    regions = set.regions
    patch = set.units.patch
    self.places = places
    self.isFixed = isFixed
    itself = set.itself
    channels = set.channels
    self.settings = settings
    self.member = member
    staging = AlignedBuffer(count: settings.batch * channels * patch.count)
    blind = settings.task == .selfSupervised ? BlindPixels(spacing: settings.blindSpacing) : nil
    unhidden = AlignedBuffer(count: blind == nil ? 0 : staging.count)
  }

  /// Patches that make up an epoch.
  public var samplesPerEpoch: Int { places.count }

  /// Draws the order and the augmentation of an epoch; before the epoch's first `load`.
  public func prepare(epoch: Int) {
    self.epoch = epoch
    guard !isFixed else {
      samples = places.map { Sample(place: $0, transform: .none(of: patch, in: $0.cell)) }
      return
    }
    var stream = RandomStream(seed: settings.seed, purpose: .order, keys: UInt64(member), UInt64(epoch))
    let order = stream.permutation(places.count)
    samples = order.enumerated().map { position, index in
      Sample(place: places[index], transform: transform(of: places[index], epoch: epoch, position: position))
    }
  }

  private func transform(of place: PatchPlace, epoch: Int, position: Int) -> PatchTransform {
    var stream = RandomStream(
      seed: settings.seed, purpose: .augmentation, keys: UInt64(member), UInt64(epoch), UInt64(position))
    return settings.augmentation.transform(of: patch, in: place.cell, from: &stream)
  }

  private func stream(_ use: Use, epoch: Int, position: Int) -> RandomStream {
    RandomStream(
      seed: settings.seed, purpose: .augmentation,
      keys: UInt64(member), UInt64(isFixed ? 0 : epoch), UInt64(position), use.rawValue)
  }

  /// Cuts, changes and writes the patch of a position, as `BatchSource` asks; `prepare(epoch:)` comes before.
  public func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {
    precondition(epoch == self.epoch, "an epoch is prepared before its samples are loaded")
    let sample = samples[position]
    let region = regions[sample.place.region]
    // The positions of a batch follow each other, so that each has a place of its own.
    let start = position % settings.batch * channels * patch.count
    let pixels = staging.pointer + start
    region.cut(
      sample.place.cell, in: sample.place.plane, patch: patch, sample.transform,
      displacement: isFixed
        ? nil
        : settings.augmentation.displacement(
          of: patch, stream: stream(.displacement, epoch: epoch, position: position)),
      to: LearningRegion.Patch(
        images: pixels, labels: target.kind.hasImageLabel ? target.imageLabel : target.labels, values: target.values,
        weights: target.weights))
    if target.kind.hasWeights, !region.content.hasWeights {
      target.weights.update(repeating: 1, count: patch.count)
    }
    let values = UnsafeMutableBufferPointer(start: pixels, count: channels * patch.count)
    // The channel of validity stays as it is.
    let intensities = UnsafeMutableBufferPointer(rebasing: values.prefix(settings.imageChannels * patch.count))
    let numbers = stream(.intensity, epoch: epoch, position: position)
    if !isFixed {
      settings.augmentation.changeIntensities(intensities, channels: settings.imageChannels, numbers: numbers)
    }
    if let itself {
      // An image that is its own target has its target's changes too.
      for (channel, map) in itself.enumerated() {
        let (from, to) = (pixels + channel * patch.count, target.values + channel * patch.count)
        for i in 0..<patch.count { to[i] = map.factor * from[i] + map.offset }
      }
    }
    if !isFixed {
      settings.augmentation.disturb(
        intensities, numbers: numbers, stream: stream(.noise, epoch: epoch, position: position))
    }
    if let blind {
      let original = unhidden.pointer + start
      original.update(from: pixels, count: channels * patch.count)
      var stream = stream(.blind, epoch: epoch, position: position)
      blind.hide(
        in: pixels, original: original, weights: target.weights, patch: patch, channels: channels, from: &stream)
    }
    image.setPixels(UnsafeBufferPointer(values))
  }
}
