import Engine
import Imaging
import Tensors
import Training

/// The patches of a member's bag, every epoch in another order, each time cut and turned anew.
///
/// The order is keyed by (seed, member, epoch), a patch's place in its cell and its turn by (seed, member, epoch, position).
public final class DatasetBatchSource: BatchSource {
  /// One sample of the epoch at hand.
  private struct Sample {
    var place: PatchPlace
    var augmentation: Augmentation
  }

  private let regions: [LabelledRegion]
  private let patch: Extents
  private let places: [PatchPlace]
  private let settings: EnsembleSettings
  private let member: Int
  private var epoch: Int?
  private var samples: [Sample] = []
  /// Where patches are cut to before they go to their rows: one for each sample of a batch.
  private let staging: AlignedBuffer<Float>
  private let channels: Int

  public init(_ set: TrainingSet, bag: Bag, settings: EnsembleSettings, member: Int) {
    regions = set.regions
    patch = set.units.patch
    let drawn = set.units.patches(of: bag.drawn)
    places = (0..<settings.patchesPerUnit).flatMap { _ in drawn }
    channels = set.channels
    self.settings = settings
    self.member = member
    staging = AlignedBuffer(count: settings.batch * channels * patch.count)
  }

  public var samplesPerEpoch: Int { places.count }

  /// Draws the order and the augmentation of an epoch; before the epoch's first `load`.
  public func prepare(epoch: Int) {
    var stream = RandomStream(seed: settings.seed, purpose: .order, keys: UInt64(member), UInt64(epoch))
    let order = stream.permutation(places.count)
    samples = order.enumerated().map { position, index in
      Sample(place: places[index], augmentation: augmentation(of: places[index], epoch: epoch, position: position))
    }
    self.epoch = epoch
  }

  private func augmentation(of place: PatchPlace, epoch: Int, position: Int) -> Augmentation {
    var stream = RandomStream(
      seed: settings.seed, purpose: .augmentation, keys: UInt64(member), UInt64(epoch), UInt64(position))
    var result = Augmentation.random(of: patch, in: place.cell, from: &stream)
    if !settings.flips { (result.flipsZ, result.flipsY, result.flipsX) = (false, false, false) }
    if !settings.quarterTurns { result.turns = false }
    return result
  }

  public func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {
    precondition(epoch == self.epoch, "an epoch is prepared before its samples are loaded")
    let sample = samples[position]
    // The positions of a batch follow each other, so that each has a place of its own.
    let pixels = staging.pointer + position % settings.batch * channels * patch.count
    regions[sample.place.region].cut(
      sample.place.cell, patch: patch, sample.augmentation, images: pixels, labels: target.labels)
    image.setPixels(UnsafeBufferPointer(start: pixels, count: channels * patch.count))
  }
}
