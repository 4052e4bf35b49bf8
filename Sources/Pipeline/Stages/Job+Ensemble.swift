import Ensembles
import Imaging
import JobFiles
import Networks

extension LearningData {
  /// Opens the data that a job names.
  convenience init(_ job: Job) throws {
    try self.init(
      images: job.location(of: job.data.images), target: try job.target, layout: job.layout, split: job.splitRule)
  }

  /// Opens the target images that a self-supervised task is compared with; nil when it names none.
  convenience init?(referenceOf job: Job) throws {
    guard job.task == .selfSupervised, let targets = job.data.targets else { return nil }
    try self.init(
      images: job.location(of: job.data.images),
      target: .images(job.location(of: targets), mask: job.data.mask.map(job.location)), layout: job.layout,
      split: job.splitRule)
  }
}

extension Job {
  /// What the job learns, and where the data say it.
  var target: TargetSource {
    get throws(RunError) {
      let mask = data.mask.map(location)
      switch (task, data.labels, data.targets) {
      case (.segmentation, let labels?, _), (.binary, let labels?, _):
        return .pixelClasses(location(of: labels), classes: data.classes.count, ignore: data.ignore)
      case (.classification, let labels?, _):
        return .imageClasses(location(of: labels), classes: data.classes.count, ignore: data.ignore)
      case (.regression, _, let targets?): return .images(location(of: targets), mask: mask)
      case (.autoencoder, let labels?, _):
        return .itself(
          mask: mask,
          classes: TargetSource.ImageClasses(
            labels: location(of: labels), count: data.classes.count, ignore: data.ignore))
      case (.autoencoder, nil, _), (.selfSupervised, _, _): return .itself(mask: mask)
      case (.segmentation, nil, _), (.binary, nil, _), (.classification, nil, _):
        throw .missing("data.labels", task: task.rawValue)
      case (.regression, _, nil): throw .missing("data.targets", task: task.rawValue)
      }
    }
  }
}

extension EnsembleSettings {
  /// What a job says of its ensemble, for data of these shapes and with so many training pixels of each class.
  init(_ job: Job, data: LearningData, inspection: DataInspection) throws {
    let dimensions = job.data.dimensions
    let training = job.training
    let outputChannels =
      switch job.task {
      case .binary: 1
      case .segmentation, .classification: job.data.classes.count
      case .regression, .autoencoder, .selfSupervised: data.targetChannels * (training.loss.quantiles?.count ?? 1)
      }
    let loss =
      try training.loss.isBalanced
      ? training.loss.balanced(by: inspection.voxels[Part.train.rawValue] ?? [], channels: outputChannels)
      : training.loss
    self.init(
      seed: UInt64(bitPattern: Int64(training.seed)), members: job.ensemble.members, task: job.task,
      bagging: job.ensemble.bagging, family: job.network, inputChannels: data.images.channels,
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

extension Extents {
  /// The innermost extents, as a network of these dimensions wants them.
  func list(dimensions: Int) -> [Int] { Array([z, y, x].suffix(dimensions)) }
}
