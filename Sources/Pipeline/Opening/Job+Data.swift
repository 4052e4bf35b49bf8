import Imaging
import JobFiles

extension LearningData {
  /// Opens the data that a job names.
  convenience init(_ job: Job) throws {
    try self.init(
      images: job.location(of: job.data.images), target: try job.target, layout: job.layout, split: job.splitRule,
      channels: job.data.channels?.count, axes: job.data.axes, groups: job.data.groups.map(job.location),
      preparation: job.preparation)
  }

  /// Opens the target images that a self-supervised task or an autoencoder is compared with; nil when it names none.
  convenience init?(referenceOf job: Job) throws {
    guard job.task == .selfSupervised || job.task == .autoencoder, let targets = job.data.targets else { return nil }
    try self.init(
      images: job.location(of: job.data.images),
      target: .images(job.location(of: targets), mask: job.data.mask.map(job.location)), layout: job.layout,
      split: job.splitRule, channels: job.data.channels?.count, axes: job.data.axes,
      groups: job.data.groups.map(job.location),
      preparation: job.preparation)
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
