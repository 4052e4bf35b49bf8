import Ensembles
import Host
import Imaging
import JobFiles
import Networks
import Training

extension EnsembleSettings {
  /// What a job says of its ensemble, for data of these shapes.
  init(_ job: Job, data: LearningData, loss: LossSettings) {
    let dimensions = job.data.dimensions
    let training = job.training
    let outputChannels =
      switch job.task {
      case .binary: 1
      case .segmentation, .classification: job.data.classes.count
      case .regression, .autoencoder, .selfSupervised: data.targetChannels * (training.loss.quantiles?.count ?? 1)
      }
    self.init(
      seed: UInt64(bitPattern: Int64(training.seed)), members: job.ensemble.members, task: job.task,
      bagging: job.ensemble.bagging, family: job.network, inputChannels: data.images.inputChannels,
      outputChannels: outputChannels, planes: job.data.planes ?? [],
      patch: Self.patch(job, data).list(dimensions: dimensions), overlap: job.data.overlap, epochs: training.epochs,
      patchesPerUnit: training.patchesPerUnit, batch: training.batch, shards: training.shards,
      normalizationScope: job.normalization.scope, precision: training.precision, recipe: training.recipe, loss: loss,
      classifier: job.classifier.map {
        Classifier(
          classes: job.data.classes.count, head: ClassifierHead(features: $0.features, dropout: $0.dropout),
          weight: $0.weight)
      },
      augmentation: training.augmentation,
      blindSpacing: training.blindSpacing ?? Job.blindSpacing)
    (validity, channels) = (data.preparation.validity, data.images.chosenChannels)
  }

  /// The job's patch, or one chosen from the images: all of an image where one answer or a code is for all of it.
  private static func patch(_ job: Job, _ data: LearningData) -> Extents {
    if let patch = job.data.patch.flatMap({ Extents($0) }) { return patch }
    if job.task.answersImages || job.task == .autoencoder, let region = data.split.train.first { return region.extents }
    guard let planes = job.data.planes else {
      return PatchGrid.defaultPatch(for: data.split.train, layout: data.layout)
    }
    // As large as images' patches, where all planes have room for it.
    let room = PatchGrid.defaultPatch(for: data.split.train, layout: .stack)
    return Extents(
      y: planes.map { $0.view(room).y }.min() ?? room.y, x: planes.map { $0.view(room).x }.min() ?? room.x)
  }
}
