import Ensembles
import Imaging
import Networks

extension LabelledImages {
  /// Opens the data that a job names.
  convenience init(_ job: Job) throws {
    try self.init(
      images: job.location(of: job.data.images), labels: job.location(of: job.data.labels), layout: job.layout,
      classes: job.data.classes.count, ignore: job.data.ignore, split: job.splitRule)
  }
}

extension EnsembleSettings {
  /// What a job says of its ensemble, for data of these shapes.
  init(_ job: Job, data: LabelledImages) throws {
    let dimensions = job.data.volume ? 3 : 2
    let chosen =
      job.data.patch.flatMap { Extents($0) } ?? PatchGrid.defaultPatch(for: data.split.train, layout: data.layout)
    let training = job.training
    self.init(
      seed: UInt64(bitPattern: Int64(training.seed)), members: job.ensemble.members, bagging: job.ensemble.bagging,
      family: job.network, inputChannels: data.images.channels, classes: job.data.classes.count,
      patch: Array([chosen.z, chosen.y, chosen.x].suffix(dimensions)), epochs: training.epochs,
      patchesPerUnit: training.patchesPerUnit, batch: training.batch,
      shards: training.shards,
      recipe: training.recipe,
      flips: training.augmentation.contains(.flips), quarterTurns: training.augmentation.contains(.quarterTurns))
  }
}
